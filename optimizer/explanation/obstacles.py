"""What stands between a workload and a pool in a period."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.evaluate import Evaluation
from optimizer.evaluation.groups import members
from optimizer.evaluation.lanes import lanes_of
from optimizer.evaluation.limit_prices import limit_prices
from optimizer.evaluation.priced_routes import PricedRoutes
from optimizer.evaluation.shadows.chosen import pool_paid, replicas_of
from optimizer.evaluation.verdict import HARD, SPECK
from optimizer.explanation.routes_closed import closings
from optimizer.instance.instance import Instance, route_starts
from optimizer.plan import Plan
from optimizer.prices import Prices

Float = NDArray[np.float64]

TINY = 1e-9
"""USD per unit below which a price is rounding."""


class Obstacles:
    """Looks for what keeps the tokens of one workload off a pool.

    Parameters
    ----------
    routes : routes at prices with what the plan chose fixed.
    refused : why pairs of workload and pool are no routes, where routes are derived.
    """

    def __init__(
        self,
        instance: Instance,
        prices: Prices,
        evaluation: Evaluation,
        plan: Plan,
        routes: PricedRoutes,
        workload: int,
        refused: Mapping[tuple[int, int], str],
    ) -> None:
        self._instance, self._prices, self._evaluation = instance, prices, evaluation
        self._routes, self._workload, self._refused = routes, workload, refused
        self._lanes = lanes_of(instance)
        self._running = replicas_of(evaluation, self._lanes, instance.num_periods) > 0
        self._paid = pool_paid(evaluation)
        mine = (plan.workload == workload) & (plan.placed_mtok > SPECK)
        self._chosen = sorted({int(pool) for pool in plan.pool[mine]})
        self._closed: dict[int, dict[int, str]] = {}
        starts = route_starts(instance)
        own = range(int(starts[workload]), int(starts[workload + 1]))
        self._route = {int(instance.routes.pool[route]): route for route in own}

    def route_of(self, pool: int) -> int:
        """Row of ``routes``, -1 when there is none."""
        return self._route.get(pool, -1)

    def closed(self, pool: int, period: int) -> str:
        """What closes the pool, whatever a Mtok would cost there; empty when it is open."""
        instance, workload = self._instance, self._workload
        if period not in self._closed:
            self._closed[period] = closings(instance, workload, period, self._refused)
        if pool in self._closed[period]:
            return self._closed[period][pool]
        if float(self._evaluation.available_chip_hours[pool, period]) <= 0:
            return "no chips"
        if bool(instance.pools.activation_usd[pool] > 0) and not self._paid[pool]:
            return f"fee of {instance.pools.activation_usd[pool]:,.2f} USD is not paid"
        if bool(instance.workloads.single_pool[workload]) and self._chosen not in ([pool], []):
            return f"single_pool: {instance.pools.pool[self._chosen[0]]} was chosen"
        lane = self._lane(pool)
        if lane >= 0 and not bool(self._running[lane, period]):
            return f"no replica of {instance.workloads.model[workload]} runs there"
        line = int(self._routes.row[self.route_of(pool)])
        if line >= 0 and bool(self._routes.closed[line, period]):
            return "behind a workload of higher priority that is given up"
        return ""

    def dear(self, pool: int, period: int, reduced_usd: float) -> str:
        """What makes an open pool too dear for one more Mtok."""
        found = [*self._scarce_chips(pool, period), *self._limits(pool, period)]
        if not found and reduced_usd > TINY:
            return "costs more"
        return "; ".join(found)

    def _lane(self, pool: int) -> int:
        if len(self._lanes) == 0:
            return -1
        model = self._instance.workloads.model.codes[self._workload]
        return int(self._lanes.of[model, pool])

    def _scarce_chips(self, pool: int, period: int) -> list[str]:
        lane, found = self._lane(pool), []
        worth = float(self._prices.capacity_usd_per_chip_hour[pool, period])
        held = float(self._evaluation.held_chip_hours[pool, period])
        full = held >= float(self._evaluation.available_chip_hours[pool, period]) * (1 - HARD)
        if lane >= 0 and len(self._prices.replica_usd_per_chip_hour):
            usd = self._prices.replica_usd_per_chip_hour
            work = float(usd[self._lanes.model[lane], pool, period])
            if work > TINY:
                found.append(f"replicas are full (worth {work:,.4g} USD/chip-hour of work more)")
        if full:
            told = f" (worth {worth:,.4g} USD/chip-hour more)" if worth > TINY else ""
            found.append(f"pool full{told}")
        return found

    def _limits(self, pool: int, period: int) -> list[str]:
        """Limits over many pools whose price makes this one dearer."""
        instance, prices = self._instance, self._prices
        spread, found = limit_prices(instance, prices), []
        shares, groups = instance.shares, members(instance, instance.shares)
        for row in range(len(shares.share)):
            inside = bool(groups[row, pool])
            for side, usd, dearer in (
                ("max", prices.share_max_usd, inside),
                ("min", prices.share_min_usd, not inside),
            ):
                if dearer and float(usd[row, period]) > TINY:
                    found.append(f"share {shares.share[row]} is at its {side}")
        if spread.power.shape[1] > period and float(spread.power[pool, period]) > TINY:
            drawn = members(instance, instance.power)[:, pool]
            binding = drawn & (prices.power_usd_per_mwh[:, period] > TINY)
            names = [instance.power.limit[row] for row in np.flatnonzero(binding).tolist()]
            found += [f"power limit {name} is reached" for name in names]
        if spread.budget > TINY:
            found.append("the budget is spent")
        return found

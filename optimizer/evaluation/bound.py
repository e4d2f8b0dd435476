"""A lower bound on the cost of every plan, recomputed from prices in float64.

Lagrangian duality (docs/problem.md, "Bound"): whatever the prices, as long as none is
negative, the sweep over all routes and periods gives a number that no plan can undercut. The
sum is rounded down by a bound on its own rounding error, so it stays a bound in exact
arithmetic (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., ch. 3-4).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.costs import pool_chip_usd
from optimizer.instance.instance import Instance, route_starts
from optimizer.instance.labels import Labels
from optimizer.prices import Prices

Float = NDArray[np.float64]

UNIT = 2.0**-53
"""Half the distance from 1 to the next float64."""


@dataclass(frozen=True, eq=False)
class PricedRoutes:
    """What a Mtok costs on each route at given prices: constant part and pool-hour price.

    Attributes
    ----------
    pool : (R,) pool of each route, -1 for routes that may not be used.
    usd : (R,) USD per Mtok whatever the period.
    hour_usd : (P, T) USD per chip-hour, whether or not there is a chip.
    closed : (P, T) pool-hours that nothing can use: no chips, or left out.
    """

    pool: NDArray[np.int32]
    usd: Float
    hour_usd: Float
    closed: NDArray[np.bool_]

    @property
    def pool_usd(self) -> Float:
        """(P, T) USD per chip-hour; infinity where no chip can be used."""
        return np.where(self.closed, np.inf, self.hour_usd)


@dataclass(frozen=True)
class Bound:
    """A proved lower bound.

    Attributes
    ----------
    usd : the bound, rounded down.
    rounding_usd : by how much it was rounded down.
    source : "sweep" when it was recomputed here, else the solver that claims to have proved it.
    """

    usd: float
    rounding_usd: float
    source: str = "sweep"


def lower_bound(instance: Instance, prices: Prices) -> Bound:
    """Bound on the cost of every plan; valid for any prices >= 0, tight for good ones."""
    best = marginal_usd_per_mtok(instance, prices)
    return _assemble(instance, prices, best, reserved=_reserved_usd(instance))


def infeasibility_usd(instance: Instance, prices: Prices) -> float:
    """Positive exactly when the prices prove that no plan keeps all rules.

    The same sweep with every cost at zero: a plan that kept every rule would have to make
    this sum of broken limits, weighted with prices >= 0, at most zero (Farkas).
    """
    best = handled_usd_per_mtok(
        instance, priced_routes(instance, prices, weight=0.0), np.zeros(instance.num_workloads)
    )
    return _assemble(instance, prices, best, reserved=0.0).usd


def marginal_usd_per_mtok(instance: Instance, prices: Prices) -> Float:
    """(W, T) cost of one more Mtok arriving in the period, at the prices."""
    penalty = instance.workloads.unserved_usd_per_mtok
    return handled_usd_per_mtok(instance, priced_routes(instance, prices), penalty)


def best_now_usd_per_mtok(instance: Instance, routes: PricedRoutes, ceiling: Float) -> Float:
    """(W, T) cheapest way to handle a Mtok in the period itself."""
    from optimizer.kernels.sweep import cheapest

    best = np.empty(instance.demand_mtok.shape)
    cheapest(
        route_starts(instance),
        routes.pool,
        routes.usd,
        instance.routes.chip_hours_per_mtok,
        routes.pool_usd,
        ceiling,
        best,
    )
    return best


def priced_routes(instance: Instance, prices: Prices, weight: float = 1.0) -> PricedRoutes:
    """Routes at the prices; ``weight`` 0 leaves the costs themselves out, for Farkas proofs.

    A Mtok on route r of pool p costs ``e + a c`` (c only if paid as used) plus
    ``a lam[p,t]`` plus, for each share limit with multiplier mu, mu times what the Mtok adds
    to ``M[group] - max * M[all]`` or to ``min * M[all] - M[group]``.
    """
    pools = instance.num_pools
    per_unit = {"compute": np.zeros(pools), "tokens": np.zeros(pools), "spend": np.zeros(pools)}
    for measure, usd_per_unit in _share_terms(instance, prices):
        per_unit[measure] += usd_per_unit
    as_used = np.array([kind != "reserved" for kind in instance.pools.purchase.values()])
    price = np.where(as_used[:, None], instance.price_usd_per_chip_hour, 0.0)
    factor = weight + per_unit["spend"]
    hour_usd = factor[:, None] * price + prices.capacity_usd_per_chip_hour
    hour_usd = hour_usd + per_unit["compute"][:, None]
    closed = (instance.capacity_chips <= 0) | instance.left_out[:, None]
    pool = instance.routes.pool
    usable = instance.route_allowed & ~instance.left_out[pool]
    usd = factor[pool] * instance.routes.usd_per_mtok + per_unit["tokens"][pool]
    return PricedRoutes(np.where(usable, pool, -1).astype(np.int32), usd, hour_usd, closed)


def handled_usd_per_mtok(instance: Instance, routes: PricedRoutes, ceiling: Float) -> Float:
    """(W, T) cheapest way to handle a Mtok that arrives in the period, windows included."""
    from optimizer.kernels.sweep import window_minimum

    best = best_now_usd_per_mtok(instance, routes, ceiling)
    if not bool(instance.workloads.deadline_periods.any()):
        return best
    least = np.empty_like(best)
    window_minimum(best, instance.workloads.deadline_periods, least)
    return least


def _assemble(instance: Instance, prices: Prices, best: Float, reserved: float) -> Bound:
    from optimizer.kernels.sweep import weighted_sums

    served, served_size = weighted_sums(instance.demand_mtok, best)
    lam = prices.capacity_usd_per_chip_hour
    available = instance.capacity_chips * instance.period_hours
    held, held_size = weighted_sums(lam, available)
    shares = _share_constants(instance, prices)
    total = math.fsum([*served.tolist(), *(-held).tolist(), *shares, reserved])
    size = math.fsum([*served_size.tolist(), *held_size.tolist(), *map(abs, shares), abs(reserved)])
    # A term is made of at most a dozen rounded operations on numbers that no share
    # multiplier lets cancel badly; sixteen units cover them, and the sums' own error.
    rounding = (16 + 4 * len(shares)) * UNIT * size
    return Bound(total - rounding, rounding)


def _share_constants(instance: Instance, prices: Prices) -> list[float]:
    """What reserved chips contribute to spend shares, whatever the plan does."""
    shares = instance.shares
    if "spend" not in shares.measure.names:
        return []
    nothing = np.zeros(instance.capacity_chips.shape)
    fixed = pool_chip_usd(instance, nothing)
    return [
        math.fsum((fixed * usd_per_unit).tolist())
        for measure, usd_per_unit in _share_terms(instance, prices)
        if measure == "spend"
    ]


def _share_terms(instance: Instance, prices: Prices) -> Iterator[tuple[str, Float]]:
    """For each limit that is there and priced, its measure and (P,) USD per unit of it.

    A price on a limit that the instance does not set proves nothing and is passed over.
    """
    shares = instance.shares
    for position in range(len(shares.share)):
        group = _group(instance, position)
        low, high = float(shares.min[position]), float(shares.max[position])
        top, bottom = prices.share_max_usd[position], prices.share_min_usd[position]
        if top > 0 and not math.isnan(high):
            yield shares.measure[position], top * (group - high)
        if bottom > 0 and not math.isnan(low):
            yield shares.measure[position], bottom * (low - group)


def _reserved_usd(instance: Instance) -> float:
    return math.fsum(pool_chip_usd(instance, np.zeros(instance.capacity_chips.shape)).tolist())


def _group(instance: Instance, position: int) -> Float:
    """(P,) 1 for the pools that a share limits, else 0."""
    attribute, value = instance.shares.attribute[position], instance.shares.value[position]
    column = getattr(instance.pools, attribute)
    names = column.values() if isinstance(column, Labels) else column
    return np.array([float(name == value) for name in names])

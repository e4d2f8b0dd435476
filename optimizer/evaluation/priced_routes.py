"""Routes at prices: what a Mtok costs on each route in each period, and the cheapest way.

A route pays by a price row: that of its pool, or that of its lane (model and pool) where the
model's chip-hours there have a price of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.lanes import Lanes
from optimizer.instance.instance import Instance, route_starts

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PricedRoutes:
    """What a Mtok costs on each route at given prices. Axis L: price rows, pools first.

    A Mtok on route r with row l costs ``factor[l,t] route_usd[r] + per_mtok[l,t] +
    chip_hours[r] hour_usd[l,t] + added[w,t]``.

    Attributes
    ----------
    row : (R,) price row of each route, -1 for routes that may not be used.
    opens : (R,) first period in which the route may be used.
    route_usd : (R,) USD per Mtok of the route itself.
    chip_hours : (R,) chip-hours per Mtok that are paid.
    factor : (L, T) how often the route's own cost counts; (L, 1) when always the same.
    per_mtok : (L, T) USD per Mtok placed, or (L, 1).
    hour_usd : (L, T) USD per chip-hour, whether or not there is a chip.
    closed : (L, T) where nothing can be used.
    ceiling : (W,) or (W, T) USD per Mtok of giving up.
    added : (W, T) USD per Mtok placed of a workload, on whatever route; None for nothing.
    """

    row: NDArray[np.int32]
    opens: Int
    route_usd: Float
    chip_hours: Float
    factor: Float
    per_mtok: Float
    hour_usd: Float
    closed: NDArray[np.bool_]
    ceiling: Float
    added: Float | None = None

    @cached_property
    def paid_usd(self) -> Float:
        """(L, T) USD per chip-hour; infinity where nothing can be used."""
        return np.where(self.closed, np.inf, self.hour_usd)

    @cached_property
    def steady(self) -> bool:
        """Whether nothing but the price of chip-hours depends on the period."""
        by_period = self.factor.shape[1] > 1 or self.per_mtok.shape[1] > 1
        late = bool((self.opens > 0).any()) and bool((self.opens[self.row >= 0] > 0).any())
        return not by_period and not late and self.ceiling.ndim == 1 and self.added is None


def price_rows(instance: Instance, lanes: Lanes) -> Int:
    """(R,) price row of each route: its pool, or after all pools its lane."""
    table = instance.routes
    row = table.pool.astype(np.int64)
    if len(lanes) == 0:
        return row
    lane = lanes.of[instance.workloads.model.codes[table.workload], table.pool]
    return np.where(lane >= 0, instance.num_pools + lane, row)


def best_now_usd_per_mtok(
    instance: Instance, routes: PricedRoutes, begin: int = 0, end: int | None = None
) -> Float:
    """Cheapest way to handle a Mtok in the period itself.

    Parameters
    ----------
    begin, end : first workload that is meant, and the one after the last; all without them.

    Returns
    -------
    (end - begin, T) USD per Mtok.
    """
    from optimizer.kernels.sweep import cheapest, cheapest_in_time

    workloads = slice(begin, instance.num_workloads if end is None else end)
    first = route_starts(instance)[begin : workloads.stop + 1]
    mine = slice(int(first[0]), int(first[-1]))
    first = first - first[0]
    shape = (len(first) - 1, instance.num_periods)
    row, ceiling = routes.row[mine], routes.ceiling[workloads]
    own, hours = routes.route_usd[mine], routes.chip_hours[mine]
    if routes.steady:
        best = np.empty(shape)
        line = np.maximum(row, 0)
        usd = routes.factor[line, 0] * own + routes.per_mtok[line, 0]
        cheapest(first, row, usd, hours, routes.paid_usd, ceiling, best)
        return best
    # What is added to all routes of a workload can as well be taken off its other way out.
    added = np.zeros(shape) if routes.added is None else routes.added[workloads]
    ceiling = ceiling if ceiling.ndim == 2 else ceiling[:, None]
    best = np.array(np.broadcast_to(ceiling - added, shape))
    wide = routes.hour_usd.shape
    cheapest_in_time(
        first,
        row,
        routes.opens[mine],
        own,
        hours,
        np.ascontiguousarray(np.broadcast_to(routes.factor, wide)),
        np.ascontiguousarray(np.broadcast_to(routes.per_mtok, wide)),
        routes.paid_usd,
        best,
    )
    return np.asarray(best + added)


def handled_usd_per_mtok(
    instance: Instance, routes: PricedRoutes, begin: int = 0, end: int | None = None
) -> Float:
    """Cheapest way to handle a Mtok that arrives in the period, windows included.

    Parameters and shape as for :func:`best_now_usd_per_mtok`.
    """
    from optimizer.kernels.sweep import window_minimum

    best = best_now_usd_per_mtok(instance, routes, begin, end)
    deadline = instance.workloads.deadline_periods[begin:end]
    if not bool(deadline.any()):
        return best
    least = np.empty_like(best)
    window_minimum(best, deadline, least)
    return least


def standby_usd(
    instance: Instance, outage_usd: Float, rows: NDArray[np.int32], opens: Int, count: int
) -> Float:
    """(count, T) USD that a chip-hour held is worth per price row since it could take over.

    The least multipliers on the room for failover that leave no use of it worth more than
    ``outage_usd``: for each outage the best Mtok that a chip-hour could take.

    Parameters
    ----------
    outage_usd : (G, W, T) worth of a Mtok that finds a place after the loss.
    rows, opens : (R,) price row of each route, and the first period it may be used in.
    """
    from optimizer.evaluation.groups import members
    from optimizer.kernels.sweep import failover_worth

    table = instance.routes
    useful = rows.copy()
    wanted = np.asarray((outage_usd > 0).any(axis=(0, 2)))
    useful[~wanted[table.workload]] = -1
    return np.asarray(
        failover_worth(
            outage_usd,
            members(instance, instance.outages),
            table.workload,
            table.pool,
            useful,
            opens,
            table.chip_hours_per_mtok,
            count,
        )
    )


def protected_usd(instance: Instance, outage_usd: Float) -> Float | None:
    """(G, W, T) multipliers on outages without those of workloads that need no protection.

    None when nothing is left.
    """
    kept = np.where(instance.workloads.protected[None, :, None], outage_usd, 0.0)
    return kept if bool((kept > 0).any()) else None


def added_by_outages(instance: Instance, outage_usd: Float) -> Float:
    """(W, T) USD per Mtok placed: what must find a place elsewhere after each loss."""
    return np.asarray(np.einsum("g,gwt->wt", instance.outages.served, outage_usd))

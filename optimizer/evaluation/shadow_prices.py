"""Shadow prices of every family, in planner's units (docs/problem.md, "Shadow prices").

Computed from the instance, the prices and the judged plan alone, so that what is shown is
what the bound is proved with. A positive number is money saved by one more unit of the
limit; for demand and deadline it is the cost of one more Mtok.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.bound import (
    PricedRoutes,
    best_now_usd_per_mtok,
    handled_usd_per_mtok,
    priced_routes,
)
from optimizer.evaluation.evaluate import Evaluation
from optimizer.evaluation.verdict import SPECK
from optimizer.instance.instance import Instance, route_starts
from optimizer.instance.table import Table
from optimizer.plan import Plan
from optimizer.prices import Prices

Float = NDArray[np.float64]

POINT = 0.01
"""A point of share."""
PART = 0.01
"""How much wider a limit is made to say what it is worth."""

UNITS = {
    "demand": "USD/Mtok",
    "deadline": "USD/Mtok",
    "capacity": "USD/chip-hour",
    "shares": "USD/point",
    "deadline_extension": "USD/Mtok",
    "residency": "USD/Mtok",
}


@dataclass(frozen=True, eq=False)
class Family:
    """Shadow prices of one family.

    Attributes
    ----------
    family : its name, a key of ``UNITS``.
    names : name of each row: workloads, pools or shares.
    value : (rows, T) per period, or (rows, 1) over the horizon.
    worth_usd : (rows,) USD saved over the horizon if the limit were 1 % wider: 1 % more
        chips, one point of share, one period longer or no residency for 1 % of the tokens;
        for demand and deadline, the cost of 1 % more demand.
    """

    family: str
    names: tuple[str, ...]
    value: Float
    worth_usd: Float


def shadow_prices(
    instance: Instance, prices: Prices, evaluation: Evaluation, plan: Plan
) -> tuple[Family, ...]:
    """All families that the instance uses; what the plan chose in whole numbers is fixed."""
    routes = _routes_as_chosen(instance, prices, evaluation, plan)
    marginal = handled_usd_per_mtok(instance, routes, instance.workloads.unserved_usd_per_mtok)
    families = [*_demand(instance, marginal), _capacity(instance, prices, routes, marginal)]
    if len(instance.shares.share):
        families.append(_shares(instance, prices, evaluation))
    if bool(instance.workloads.deadline_periods.any()):
        families.append(_extension(instance, routes, marginal))
    if len(instance.residency.workload):
        families.append(_residency(instance, prices, marginal))
    return tuple(families)


def as_table(families: tuple[Family, ...]) -> Table:
    """One row per price: family, name, period (null over the horizon), value, unit."""
    import polars as pl

    frames = []
    for found in families:
        rows, columns = found.value.shape
        periods: list[int | None] = list(range(columns))
        if found.family == "shares":
            periods = [None]
        names = Table.names(found.names, np.repeat(np.arange(rows, dtype=np.int32), columns))
        frames.append(
            pl.DataFrame(
                {
                    "family": pl.Series([found.family]).new_from_index(0, rows * columns),
                    "name": names,
                    "period": pl.Series(periods * rows, dtype=pl.Int32),
                    "value": found.value.ravel(),
                    "unit": pl.Series([UNITS[found.family]]).new_from_index(0, rows * columns),
                }
            )
        )
    return Table(pl.concat(frames))


def _demand(instance: Instance, marginal: Float) -> list[Family]:
    later = instance.workloads.deadline_periods > 0
    names = instance.workloads.workload
    worth = PART * (marginal * instance.demand_mtok).sum(axis=1)
    found = []
    for family, rows in (("demand", np.flatnonzero(~later)), ("deadline", np.flatnonzero(later))):
        if len(rows):
            found.append(
                Family(
                    family, tuple(names[row] for row in rows.tolist()), marginal[rows], worth[rows]
                )
            )
    return found


def _routes_as_chosen(
    instance: Instance, prices: Prices, evaluation: Evaluation, plan: Plan
) -> PricedRoutes:
    """Routes at the prices, those closed that only another choice of whole numbers opens.

    A pool whose fee is not paid stays closed, and so do the pools that a pinned workload has
    not chosen.
    """
    routes = priced_routes(instance, prices)
    table = instance.routes
    closed = _idle(instance, evaluation)[table.pool]
    chosen = np.full(instance.num_workloads, -1, np.int32)
    served = plan.placed_mtok > SPECK
    chosen[plan.workload[served]] = plan.pool[served]
    pinned = instance.workloads.single_pool[table.workload]
    closed |= pinned & (chosen[table.workload] != table.pool)
    return replace(routes, pool=np.where(closed, -1, routes.pool).astype(np.int32))


def _idle(instance: Instance, evaluation: Evaluation) -> NDArray[np.bool_]:
    """(P,) pools whose fee is not paid."""
    return np.asarray((instance.pools.activation_usd > 0) & (evaluation.pool_mtok <= SPECK))


def _capacity(instance: Instance, prices: Prices, routes: PricedRoutes, marginal: Float) -> Family:
    # What stays closed is worth nothing, whatever its multiplier.
    open_pools = np.zeros(instance.num_pools, np.bool_)
    open_pools[routes.pool[routes.pool >= 0]] = True
    value = np.where(open_pools[:, None], prices.capacity_usd_per_chip_hour, 0.0)
    hours = instance.capacity_chips * instance.period_hours
    empty = (hours <= 0) & ~instance.left_out[:, None]
    if bool(empty.any()):
        value = np.where(empty, _first_chip(instance, routes, marginal, empty), value)
    return Family("capacity", instance.pools.pool, value, PART * (value * hours).sum(axis=1))


def _first_chip(
    instance: Instance, routes: PricedRoutes, marginal: Float, empty: NDArray[np.bool_]
) -> Float:
    """(P, T) worth of the first chip-hour where there is none.

    No limit has a multiplier there; the worth is what the best token that could be served
    would save: (its marginal cost - the route's cost) / its chip-hours.
    """
    worth = np.zeros(empty.shape)
    reach = _best_waiting(instance, marginal)
    hours = instance.routes.chip_hours_per_mtok
    wanted = (routes.pool >= 0) & np.asarray(empty.any(axis=1))[instance.routes.pool]
    for route in np.flatnonzero(wanted).tolist():
        pool = int(routes.pool[route])
        saved = reach[instance.routes.workload[route]] - routes.usd[route]
        np.maximum(worth[pool], saved / hours[route] - routes.hour_usd[pool], out=worth[pool])
    return worth


def _best_waiting(instance: Instance, marginal: Float) -> Float:
    """(W, T) dearest Mtok that could be handled in the period; -infinity when there is none."""
    from optimizer.kernels.sweep import window_minimum

    arriving = np.where(instance.demand_mtok > 0, -marginal, np.inf)[:, ::-1]
    least = np.empty_like(marginal)
    window_minimum(np.ascontiguousarray(arriving), instance.workloads.deadline_periods, least)
    return -least[:, ::-1]


def _shares(instance: Instance, prices: Prices, evaluation: Evaluation) -> Family:
    """At the margin: d cost / d limit = mu * sum M, times a point."""
    totals = {
        "compute": float(evaluation.load_chip_hours.sum()),
        "tokens": float(evaluation.pool_mtok.sum()),
        "spend": float((evaluation.pool_chip_usd + evaluation.pool_route_usd).sum()),
    }
    total = np.array([totals[measure] for measure in instance.shares.measure.values()])
    value = (prices.share_max_usd + prices.share_min_usd) * total * POINT
    return Family("shares", instance.shares.share, value[:, None], value)


def _extension(instance: Instance, routes: PricedRoutes, marginal: Float) -> Family:
    """What arrivals of a period would save if they could wait one period longer."""
    later = np.flatnonzero(instance.workloads.deadline_periods > 0)
    penalty = instance.workloads.unserved_usd_per_mtok
    now = best_now_usd_per_mtok(instance, routes, penalty)[later]
    last = instance.num_periods - 1
    span = instance.workloads.deadline_periods[later]
    new = np.arange(last + 1)[None, :] + np.minimum(span, last)[:, None] + 1
    reached = np.take_along_axis(now, np.minimum(new, last), axis=1)
    saved = np.where(new <= last, np.maximum(marginal[later] - reached, 0.0), 0.0)
    saved[instance.demand_mtok[later] <= 0] = 0.0
    names = tuple(instance.workloads.workload[row] for row in later.tolist())
    return Family(
        "deadline_extension", names, saved, PART * (saved * instance.demand_mtok[later]).sum(axis=1)
    )


def _residency(instance: Instance, prices: Prices, marginal: Float) -> Family:
    """What a bound workload would save on its best forbidden route with a known price."""
    bound = np.unique(instance.residency.workload)
    routes = priced_routes(instance, prices)
    first = route_starts(instance)
    value = np.zeros((len(bound), instance.num_periods))
    for row, workload in enumerate(bound.tolist()):
        for route in range(first[workload], first[workload + 1]):
            pool = int(instance.routes.pool[route])
            if instance.route_allowed[route] or instance.left_out[pool]:
                continue
            usd = routes.usd[route]
            cost = usd + instance.routes.chip_hours_per_mtok[route] * routes.hour_usd[pool]
            value[row] = np.maximum(value[row], marginal[workload] - cost)
    value[instance.demand_mtok[bound] <= 0] = 0.0
    names = tuple(instance.workloads.workload[row] for row in bound.tolist())
    worth = PART * (value * instance.demand_mtok[bound]).sum(axis=1)
    return Family("residency", names, value, worth)

"""Routes at prices with what the plan chose in whole numbers fixed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.evaluate import Evaluation
from optimizer.evaluation.lanes import Lanes, lanes_of
from optimizer.evaluation.limit_prices import LimitPrices, limit_prices
from optimizer.evaluation.openings import route_opens
from optimizer.evaluation.precedence import first_refused, has_priorities
from optimizer.evaluation.priced_routes import (
    PricedRoutes,
    added_by_outages,
    price_rows,
    protected_usd,
    standby_usd,
)
from optimizer.evaluation.relaxation import as_used_usd
from optimizer.evaluation.verdict import HARD, SPECK
from optimizer.instance.instance import Instance
from optimizer.plan import Plan
from optimizer.prices import Prices

Float = NDArray[np.float64]


def routes_as_chosen(
    instance: Instance,
    prices: Prices,
    evaluation: Evaluation,
    plan: Plan,
    opens: NDArray[np.int32] | None = None,
) -> PricedRoutes:
    """Routes at the prices, those closed that only another choice of whole numbers opens.

    A Mtok of a model in replicas takes their room, at its price, and no chip-hours beside it.
    Blocks that are bought and not in full use cost nothing more. A workload that may not be
    given up before others costs what its priority is worth above its penalty, and one may use no
    pool on which another that goes before it is refused. A pool whose fee
    is not paid stays closed, and so do pools that a pinned workload has not chosen, and pairs
    of model and pool while no replica runs.

    Parameters
    ----------
    opens : (R,) first period in which each route may be used, where the rules for that are not
        to be those of the instance.
    """
    lanes, limits = lanes_of(instance), limit_prices(instance, prices)
    pool_of = np.concatenate([np.arange(instance.num_pools), lanes.pool])
    table = instance.routes
    opens = route_opens(instance) if opens is None else opens
    shut = (opens >= instance.num_periods) | _not_chosen(instance, evaluation, plan)
    row = np.where(shut, np.int32(-1), price_rows(instance, lanes))
    running = replicas_of(evaluation, lanes, instance.num_periods) > 0
    hour = _hour_usd(instance, limits, evaluation)
    outage_usd = protected_usd(instance, prices.outage_usd_per_mtok)
    added: Float | None = None
    if outage_usd is not None:
        added = added_by_outages(instance, outage_usd)
        rows = np.where(row >= instance.num_pools, -1, row).astype(np.int32)
        hour = hour - standby_usd(instance, outage_usd, rows, opens, instance.num_pools)
    lane_usd = prices.replica_usd_per_chip_hour
    lane_hour = lane_usd[lanes.model, lanes.pool] if len(lane_usd) else np.zeros(running.shape)
    empty = evaluation.available_chip_hours <= 0
    ceiling = instance.workloads.unserved_usd_per_mtok
    if len(prices.priority_usd_per_mtok):
        ceiling = ceiling[:, None] + prices.priority_usd_per_mtok
    routes = PricedRoutes(
        row=row,
        opens=np.where(shut, np.int32(0), opens),
        route_usd=table.usd_per_mtok,
        chip_hours=table.chip_hours_per_mtok,
        factor=limits.factor[pool_of],
        per_mtok=limits.tokens[pool_of],
        hour_usd=np.concatenate([hour, lane_hour]),
        closed=np.concatenate([empty | instance.left_out[:, None], ~running]),
        ceiling=ceiling,
        added=added,
    )
    return _behind_the_refused(instance, plan, routes) if has_priorities(instance) else routes


def _behind_the_refused(instance: Instance, plan: Plan, routes: PricedRoutes) -> PricedRoutes:
    """Routes closed to workloads while one that goes before them is refused on the pool.

    Each priority gets the price rows of its own, since a pool may be closed to one and open to
    another.
    """
    unserved = np.zeros(instance.demand_mtok.shape)
    np.add.at(unserved, (plan.unserved_workload, plan.unserved_period), plan.unserved_mtok)
    refused = first_refused(instance, unserved)
    priority = instance.workloads.priority
    ranks, rank = np.unique(priority, return_inverse=True)
    lanes, rows = lanes_of(instance), len(routes.hour_usd)
    first = np.where(refused >= 0, priority[np.maximum(refused, 0)], ranks[-1])
    first = np.concatenate([first, first[lanes.pool]])
    shut = (ranks[:, None, None] > first).reshape(-1, instance.num_periods)
    own = (rank * rows)[instance.routes.workload]
    times = (len(ranks), 1)
    return replace(
        routes,
        row=np.where(routes.row >= 0, routes.row + own, -1).astype(np.int32),
        factor=np.tile(routes.factor, times),
        per_mtok=np.tile(routes.per_mtok, times),
        hour_usd=np.tile(routes.hour_usd, times),
        closed=np.tile(routes.closed, times) | shut,
    )


def replicas_of(evaluation: Evaluation, lanes: Lanes, periods: int) -> Float:
    """(L, T) replicas that run on each lane."""
    model, pool, period = evaluation.replicas.axes
    found = np.zeros((len(lanes), periods))
    found[lanes.of[model, pool], period] = evaluation.replicas.value
    return found


def pool_paid(evaluation: Evaluation) -> NDArray[np.bool_]:
    """(P,) pools that serve or hold anything."""
    held = evaluation.held_chip_hours.sum(axis=1)
    return np.asarray((evaluation.pool_mtok > SPECK) | (held > SPECK))


def _hour_usd(instance: Instance, limits: LimitPrices, evaluation: Evaluation) -> Float:
    """(P, T) USD for one more chip-hour in use: nothing for itself while blocks are idle."""
    blocks = evaluation.available_chip_hours - instance.capacity_chips * instance.period_hours
    idle = evaluation.held_chip_hours < blocks * (1 - HARD) - SPECK
    paid = np.where(idle, 0.0, limits.factor * as_used_usd(instance))
    return np.asarray(paid + limits.capacity + limits.compute + limits.power)


def _not_chosen(instance: Instance, evaluation: Evaluation, plan: Plan) -> NDArray[np.bool_]:
    """(R,) routes to pools whose fee is not paid, or that a pinned workload did not choose."""
    table = instance.routes
    idle = (instance.pools.activation_usd > 0) & ~pool_paid(evaluation)
    closed = idle[table.pool]
    pinned = instance.workloads.single_pool
    if bool(pinned.any()):
        chosen = np.full(instance.num_workloads, -1, np.int32)
        served = plan.placed_mtok > SPECK
        chosen[plan.workload[served]] = plan.pool[served]
        closed = closed | (pinned[table.workload] & (chosen[table.workload] != table.pool))
    return np.asarray(closed)

"""The tally: a plan added up, which every check and every cost is then read from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.lanes import Lanes, lanes_of
from optimizer.instance.instance import Instance, route_starts
from optimizer.plan import Cells, Plan

Float = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums over a plan.

    Attributes
    ----------
    route : (K,) route of each placement, -1 where the instance has none.
    lane : (K,) lane of each placement, -1 where its model needs no replicas on the pool.
    chip_hours : (K,) chip-hours of each placement; 0 where it has no route.
    lanes : pairs of model and pool that run in replicas. Axis L.
    load_chip_hours : (P, T) chip-hours that placements take.
    free_load_chip_hours : (P, T) of them, those of models without replicas on the pool.
    lane_load_chip_hours : (L, T) the others.
    replicas : (L, T) replicas that run.
    starts, stops : (L, T) replicas more, and fewer, than in the period before.
    reserve_chip_hours : (P, T) held in reserve.
    held_chip_hours : (P, T) in use, busy or not: O of docs/problem.md.
    blocks : (C,) blocks bought of each contract.
    block_chips : (P, T) chips that they add.
    placed_mtok : (W, T) Mtok placed.
    unserved_mtok : (W, T) Mtok given up.
    pool_mtok : (P, T) Mtok placed.
    pool_route_usd : (P, T) own cost of the routes in use.
    """

    route: Index
    lane: Index
    chip_hours: Float
    lanes: Lanes
    load_chip_hours: Float
    free_load_chip_hours: Float
    lane_load_chip_hours: Float
    replicas: Float
    starts: Float
    stops: Float
    reserve_chip_hours: Float
    held_chip_hours: Float
    blocks: Float
    block_chips: Float
    placed_mtok: Float
    unserved_mtok: Float
    pool_mtok: Float
    pool_route_usd: Float

    def ready_hours(self, period_hours: float) -> Float:
        """(L, T) chip-hours in which replicas can work: those of loading weights taken off."""
        lanes = self.lanes
        hours = period_hours * self.replicas - lanes.startup_hours[:, None] * self.starts
        return np.asarray(lanes.chips[:, None] * hours)


def tally(instance: Instance, plan: Plan) -> Tally:
    """Add a plan up."""
    from optimizer.kernels.placements import find_routes, totals

    routes = instance.routes
    route = find_routes(route_starts(instance), routes.pool, plan.workload, plan.pool)
    known = np.maximum(route, 0)
    placed = plan.placed_mtok
    if instance.num_routes == 0:
        hours, usd = np.zeros(len(placed)), np.zeros(len(placed))
    else:
        hours = np.where(route >= 0, routes.chip_hours_per_mtok[known] * placed, 0.0)
        usd = np.where(route >= 0, routes.usd_per_mtok[known] * placed, 0.0)
    workloads, pools, periods = instance.num_workloads, instance.num_pools, instance.num_periods
    lanes = lanes_of(instance)
    load = totals(plan.pool, plan.period, hours, pools, periods)
    lane, free_load, lane_load = np.full(len(placed), -1), load, np.zeros((len(lanes), periods))
    if len(lanes):
        lane = lanes.of[instance.workloads.model.codes[plan.workload], plan.pool]
        free, bound = lane < 0, lane >= 0
        free_load = totals(plan.pool[free], plan.period[free], hours[free], pools, periods)
        lane_load = totals(lane[bound], plan.period[bound], hours[bound], len(lanes), periods)
    replicas = _replicas(lanes, plan.replicas, periods)
    before = replicas[:, 0] if lanes.before is None else lanes.before
    change = np.diff(replicas, axis=1, prepend=before[:, None])
    where, when = plan.reserve.axes
    reserve = totals(where, when, plan.reserve.value, pools, periods)
    held = free_load + reserve
    np.add.at(held, lanes.pool, lanes.chips[:, None] * replicas * instance.period_hours)
    return Tally(
        route=route,
        lane=lane,
        chip_hours=hours,
        lanes=lanes,
        load_chip_hours=load,
        free_load_chip_hours=free_load,
        lane_load_chip_hours=lane_load,
        replicas=replicas,
        starts=np.maximum(change, 0.0),
        stops=np.maximum(-change, 0.0),
        reserve_chip_hours=reserve,
        held_chip_hours=held,
        blocks=plan.blocks,
        block_chips=block_chips(instance, plan.blocks),
        placed_mtok=totals(plan.workload, plan.period, placed, workloads, periods),
        unserved_mtok=totals(
            plan.unserved_workload, plan.unserved_period, plan.unserved_mtok, workloads, periods
        ),
        pool_mtok=totals(plan.pool, plan.period, placed, pools, periods),
        pool_route_usd=totals(plan.pool, plan.period, usd, pools, periods),
    )


def block_chips(instance: Instance, blocks: Float) -> Float:
    """(P, T) chips that so many blocks of each contract add: B of docs/problem.md."""
    table = instance.contracts
    chips = np.zeros((instance.num_pools, instance.num_periods))
    counted = np.where(instance.left_out[table.pool], 0.0, blocks)
    added = np.where(instance.contract_in_force, (table.block_chips * counted)[:, None], 0.0)
    np.add.at(chips, table.pool, added)
    return chips


def _replicas(lanes: Lanes, cells: Cells, periods: int) -> Float:
    """(L, T) replicas of the plan on lanes; others count nowhere, the checks name them."""
    from optimizer.kernels.placements import totals

    model, pool, period = cells.axes
    lane = lanes.of[model, pool]
    known = lane >= 0
    return np.asarray(totals(lane[known], period[known], cells.value[known], len(lanes), periods))

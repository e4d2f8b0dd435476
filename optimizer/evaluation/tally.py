"""The tally: a plan added up, which every check and every cost is then read from.

Amounts by pool and period are kept; amounts by workload and period are as many as the plan has
cells, and are added up again for the workloads that are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.lanes import Lanes, lanes_of
from optimizer.instance.instance import Instance, route_starts
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.plan import Cells, Plan

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Amounts by workload and period, added up for some workloads at a time.

    Attributes
    ----------
    first : (W + 1,) where each workload's cells begin.
    period, amount : (K,) the cells, sorted by workload.
    shape : W and T.
    """

    first: Int
    period: Index
    amount: Float
    shape: tuple[int, int]

    @classmethod
    def of(cls, workload: Index, period: Index, amount: Float, shape: tuple[int, int]) -> Rows:
        """Cells in any order."""
        order = workload_order(workload)
        first = np.searchsorted(workload[order], np.arange(shape[0] + 1, dtype=workload.dtype))
        return cls(first, period[order], amount[order], shape)

    def of_block(self, begin: int, end: int) -> Float:
        """(end - begin, T) amounts of the workloads ``begin`` ... ``end - 1``."""
        from optimizer.kernels.placements import row_totals

        total = np.empty((end - begin, self.shape[1]))
        row_totals(self.first, self.period, self.amount, begin, total)
        return total

    def sums(self) -> Float:
        """(W,) amounts over the horizon."""
        blocks = row_blocks(*self.shape)
        parts = over_blocks(lambda begin, end: self.of_block(begin, end).sum(axis=1), blocks)
        return np.concatenate([np.empty(0), *parts])


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums over a plan.

    Attributes
    ----------
    strays : placements without a route, by position in the plan.
    lanes : pairs of model and pool that run in replicas. Axis L.
    load_chip_hours : (P, T) chip-hours that placements take; none where there is no route.
    free_load_chip_hours : (P, T) of them, those of models without replicas on the pool.
    lane_load_chip_hours : (L, T) the others.
    replicas : (L, T) replicas that run.
    starts, stops : (L, T) replicas more, and fewer, than in the period before.
    reserve_chip_hours : (P, T) held in reserve.
    held_chip_hours : (P, T) in use, busy or not: O of docs/problem.md.
    blocks : (C,) blocks bought of each contract.
    block_chips : (P, T) chips that they add.
    placed, unserved : Mtok placed and given up, by workload and period.
    pool_mtok : (P, T) Mtok placed.
    pool_route_usd : (P, T) own cost of the routes in use.
    """

    strays: Int
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
    placed: Rows
    unserved: Rows
    pool_mtok: Float
    pool_route_usd: Float

    @cached_property
    def placed_mtok(self) -> Float:
        """(W, T) Mtok placed: as large as the demand, for where all of it is needed at once."""
        return self.placed.of_block(0, self.placed.shape[0])

    @cached_property
    def unserved_mtok(self) -> Float:
        """(W, T) Mtok given up; as above."""
        return self.unserved.of_block(0, self.unserved.shape[0])

    @cached_property
    def placed_by_workload(self) -> Float:
        """(W,) Mtok placed over the horizon."""
        return self.placed.sums()

    @cached_property
    def unserved_by_workload(self) -> Float:
        """(W,) Mtok given up over the horizon."""
        return self.unserved.sums()

    def handled_mtok(self, begin: int, end: int) -> Float:
        """(end - begin, T) Mtok placed or given up, of some workloads."""
        handled = self.placed.of_block(begin, end)
        if len(self.unserved.amount):
            handled += self.unserved.of_block(begin, end)
        return handled

    def ready_hours(self, period_hours: float) -> Float:
        """(L, T) chip-hours in which replicas can work: those of loading weights taken off."""
        lanes = self.lanes
        hours = period_hours * self.replicas - lanes.startup_hours[:, None] * self.starts
        return np.asarray(lanes.chips[:, None] * hours)


def tally(instance: Instance, plan: Plan) -> Tally:
    """Add a plan up."""
    from optimizer.kernels.placements import find_routes, pool_totals, totals

    routes = instance.routes
    pools, periods = instance.num_pools, instance.num_periods
    lanes, first = lanes_of(instance), route_starts(instance)
    free_load, load, mtok, usd = (np.zeros((pools, periods)) for _ in range(4))
    lane_load = np.zeros((len(lanes), periods))
    strays = pool_totals(
        first, routes.pool, routes.chip_hours_per_mtok, routes.usd_per_mtok,
        instance.workloads.model.codes, lanes.of, plan.workload, plan.pool, plan.period,
        plan.placed_mtok, free_load, lane_load, load, mtok, usd,
    )  # fmt: skip
    stray = np.empty(0, np.int64)
    if strays:
        stray = np.flatnonzero(find_routes(first, routes.pool, plan.workload, plan.pool) < 0)
    replicas = _replicas(lanes, plan.replicas, periods)
    before = replicas[:, 0] if lanes.before is None else lanes.before
    change = np.diff(replicas, axis=1, prepend=before[:, None])
    where, when = plan.reserve.axes
    reserve = totals(where, when, plan.reserve.value, pools, periods)
    held = free_load + reserve
    np.add.at(held, lanes.pool, lanes.chips[:, None] * replicas * instance.period_hours)
    shape = (instance.num_workloads, periods)
    return Tally(
        strays=stray,
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
        placed=Rows.of(plan.workload, plan.period, plan.placed_mtok, shape),
        unserved=Rows.of(plan.unserved_workload, plan.unserved_period, plan.unserved_mtok, shape),
        pool_mtok=mtok,
        pool_route_usd=usd,
    )


def workload_order(workload: Index) -> slice | Int:
    """What brings cells into the order of their workloads, each workload's as they are."""
    if bool((workload[1:] < workload[:-1]).any()):
        return np.argsort(workload, kind="stable")
    return slice(None)


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

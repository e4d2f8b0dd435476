"""From a plan to column values, with all that follows from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.constraints.priority import giving_up, levels
from optimizer.model.fleet_data import counted_starts
from optimizer.model.held import held
from optimizer.model.offer import bought_chips
from optimizer.plan import Plan
from optimizer.program import Program

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Long = NDArray[np.int64]


def encoded(
    instance: Instance, program: Program, columns: Columns, rows: Mapping[str, Index], plan: Plan
) -> Float:
    """(n,) column values of a plan."""
    values = np.zeros(program.num_columns)
    _fill_placements(columns, plan, values)
    _set(values, columns.unserved, _unserved(instance, plan))
    _fill_fleet(instance, columns, plan, values)
    _fill_failover(instance, columns, plan, values)
    _fill_choices(instance, columns, values)
    if "deadline" in rows and bool((columns.backlog >= 0).any()):
        _fill_backlog(instance, columns, values)
    _fill_priorities(instance, columns, values)
    _fill_measures(program, values)
    return values


def _set(values: Float, columns: Index, wanted: Float) -> None:
    """Write values of some columns; what has no column is dropped."""
    known = columns >= 0
    values[columns[known]] = wanted[known]


def _unserved(instance: Instance, plan: Plan) -> Float:
    matrix = np.zeros(instance.demand_mtok.shape)
    matrix[plan.unserved_workload, plan.unserved_period] = plan.unserved_mtok
    return matrix


def _fill_placements(columns: Columns, plan: Plan, values: Float) -> None:
    periods = columns.unserved.shape[1]
    keys = _keys(columns.workload, columns.pool, columns.period, periods)
    wanted = _keys(plan.workload, plan.pool, plan.period, periods)
    _match(keys, wanted, columns.place, plan.placed_mtok, values)


def _keys(workload: Index, pool: Index, period: Index, periods: int) -> Long:
    """One number per (workload, pool, period), ascending in the order of the columns."""
    pools = 2**31
    return (workload.astype(np.int64) * pools + pool) * periods + period


def _match(keys: Long, wanted: Long, columns: Index, amounts: Float, values: Float) -> None:
    """Write amounts to the columns whose keys, which ascend, are wanted."""
    if len(keys) == 0:
        return
    where = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    known = keys[where] == wanted
    values[columns[where[known]]] = amounts[known]


def _fill_fleet(instance: Instance, columns: Columns, plan: Plan, values: Float) -> None:
    if columns.replicas.size:
        running = plan.replicas.dense(columns.replicas.shape)
        _set(values, columns.replicas, running)
        _set(values, columns.starts, counted_starts(instance, running))
    _set(values, columns.blocks, plan.blocks)
    _set(values, columns.signed, (plan.blocks > 0).astype(np.float64))
    _set(values, columns.reserve, plan.reserve.dense(columns.reserve.shape))
    if bool((columns.paid >= 0).any()):
        bought = bought_chips(instance, plan.blocks) * instance.period_hours
        rest = held(instance, columns).sums(values) - bought
        _set(values, columns.paid, np.maximum(rest, 0.0))
        _set(values, columns.paying, (rest > 0).astype(np.float64))


def _fill_failover(instance: Instance, columns: Columns, plan: Plan, values: Float) -> None:
    found = columns.failover
    if len(found.column) == 0:
        return
    outage, workload, pool, period = plan.failover.axes
    shape = (len(plan.outages), *instance.demand_mtok.shape)
    cell = found.cell
    place = (columns.pool[cell], found.outage, columns.workload[cell], columns.period[cell])
    keys = np.ravel_multi_index(place, (instance.num_pools, *shape)).astype(np.int64)
    wanted = np.ravel_multi_index(
        (pool, outage, workload, period), (instance.num_pools, *shape)
    ).astype(np.int64)
    order = np.argsort(keys, kind="stable")
    _match(keys[order], wanted, found.column[order], plan.failover.value, values)


def _fill_choices(instance: Instance, columns: Columns, values: Float) -> None:
    """Activated pools and the pools of pinned workloads."""
    if bool((columns.activated >= 0).any()):
        busy = np.zeros(instance.num_pools)
        busy[(held(instance, columns).sums(values) > 0).any(axis=1)] = 1.0
        busy[columns.pool[values[columns.place] > 0]] = 1.0
        _set(values, columns.activated, busy)
    if bool((columns.chosen >= 0).any()):
        chosen = np.zeros(instance.num_routes)
        chosen[columns.route[values[columns.place] > 0]] = 1.0
        _set(values, columns.chosen, chosen)


def _fill_backlog(instance: Instance, columns: Columns, values: Float) -> None:
    """What has arrived and is not handled yet."""
    handled = np.zeros(instance.demand_mtok.shape)
    np.add.at(handled, (columns.workload, columns.period), values[columns.place])
    known = columns.unserved >= 0
    handled[known] += values[columns.unserved[known]]
    waiting = np.cumsum(instance.demand_mtok - handled, axis=1)
    _set(values, columns.backlog, np.maximum(waiting, 0.0))


def _fill_priorities(instance: Instance, columns: Columns, values: Float) -> None:
    """Shut where somebody as urgent, or more so, is given up."""
    if not bool((columns.gives_way >= 0).any()):
        return
    cell = giving_up(instance, columns)[0]
    level = levels(instance)[0][columns.workload[cell]]
    given = values[columns.unserved[columns.workload[cell], columns.period[cell]]] > 0
    shut = np.zeros(columns.gives_way.shape, np.bool_)
    where = (level[given], columns.pool[cell[given]], columns.period[cell[given]])
    shut[where] = True
    shut = np.logical_or.accumulate(shut, axis=0)
    _set(values, columns.gives_way, shut.astype(np.float64))


def _fill_measures(program: Program, values: Float) -> None:
    """Measures of shares, from the rows of the same name that define them."""
    names = {block.name: block for block in program.rows if block.name.startswith("measure_")}
    if not names:
        return
    owner = np.repeat(np.arange(program.num_rows), np.diff(program.starts))
    activity = np.bincount(owner, program.values * values[program.columns], program.num_rows)
    for block in program.cols:
        if block.name in names:
            rows = names[block.name]
            values[block.begin : block.end] = activity[rows.begin : rows.end]

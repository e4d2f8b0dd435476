"""Rounding noise out of a solver's values, so that hard limits hold to the last digit.

A solver keeps a row within its tolerance; a plan keeps it. Loads that pass a limit by no more
than noise are scaled back, and what a workload then lacks is given up. Anything larger than
noise is left alone: that is a fault of the model or the solver, and the judge must see it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.fleet import Fleet
from optimizer.model.fleet_data import planned_chips, runs_in_replicas

Float = NDArray[np.float64]

NOISE = 1e-4
"""Largest relative excess that is taken for a solver's tolerance."""
SPECK = 1e-11
"""Part of a row's right-hand side below which a value is zero."""


def without_noise(
    instance: Instance, columns: Columns, placed_mtok: Float, fleet: Fleet
) -> tuple[Float, Fleet]:
    """(X,) placements that keep every limit and never place more than is there, and the fleet.

    Of the fleet only chips in reserve are touched.
    """
    placed = np.maximum(placed_mtok, 0.0)
    placed[placed < SPECK * columns.window_mtok[columns.workload, columns.period]] = 0.0
    placed = _within_replicas(instance, columns, placed, fleet)
    placed, fleet = _within_capacity(instance, columns, placed, fleet)
    return _within_demand(instance, columns, placed), fleet


def unserved_after(instance: Instance, columns: Columns, placed_mtok: Float) -> Float:
    """(W, T) Mtok given up when interactive demand that is not placed is not served."""
    served = np.zeros(instance.demand_mtok.shape)
    np.add.at(served, (columns.workload, columns.period), placed_mtok)
    rest = instance.demand_mtok - served
    rest[rest <= SPECK * instance.demand_mtok] = 0.0
    rest[instance.workloads.deadline_periods > 0] = 0.0
    return rest


def settle_deferrable(
    instance: Instance, columns: Columns, placed: Float, given_up: Float
) -> tuple[Float, Float]:
    """Make deferrable workloads add up: nothing early, nothing late, nothing lost.

    Goes forward in time with the running sums of docs/problem.md, "Deadline".

    Parameters
    ----------
    placed : (X,) placements.
    given_up : (W, T) what the solver gave up.

    Returns
    -------
    placed, given_up : the same with noise moved from one to the other.
    """
    later = np.flatnonzero(instance.workloads.deadline_periods > 0)
    if len(later) == 0:
        return placed, given_up
    served = np.zeros(instance.demand_mtok.shape)
    np.add.at(served, (columns.workload, columns.period), placed)
    arrived = np.cumsum(instance.demand_mtok[later], axis=1)
    due = _due(instance, later, arrived)
    noise = NOISE * arrived[:, -1]
    speck = SPECK * arrived[:, -1]
    scale = np.ones(served.shape)
    handled = np.zeros(len(later))
    for period in range(instance.num_periods):
        room = np.maximum(arrived[:, period] - handled, 0.0)
        now = served[later, period]
        early = (now > room) & (now <= room + noise)
        scale[later[early], period] = room[early] / now[early]
        now = np.where(early, room, now)
        drop = np.clip(given_up[later, period], 0.0, np.maximum(room - now, 0.0))
        late = due[:, period] - handled - now - drop
        drop += np.where((late > speck) & (late <= noise), late, 0.0)
        drop[drop <= speck] = 0.0
        given_up[later, period] = drop
        handled = handled + now + drop
    return placed * scale[columns.workload, columns.period], given_up


def _due(instance: Instance, later: NDArray[np.intp], arrived: Float) -> Float:
    """(D, T) cumulative Mtok that must be handled by the end of each period."""
    periods = instance.num_periods
    deadline = np.minimum(instance.workloads.deadline_periods[later], periods)
    first = np.arange(periods)[None, :] - deadline[:, None]
    due = np.take_along_axis(arrived, np.maximum(first, 0), axis=1)
    due = np.where(first >= 0, due, 0.0)
    due[:, -1] = arrived[:, -1]
    return np.asarray(due)


def _within_replicas(instance: Instance, columns: Columns, placed: Float, fleet: Fleet) -> Float:
    """Keep the load of each model within the work that its replicas can do."""
    mine = np.flatnonzero(runs_in_replicas(instance, columns.workload, columns.pool))
    if len(mine) == 0:
        return placed
    model = instance.workloads.model.codes[columns.workload[mine]]
    cells = (model, columns.pool[mine], columns.period[mine])
    load = np.zeros(columns.replicas.shape)
    hours = instance.routes.chip_hours_per_mtok[columns.route[mine]]
    np.add.at(load, cells, hours * placed[mine])
    work = np.maximum(fleet.work_hours(instance), 0.0)
    one = planned_chips(instance)[:, :, None] * instance.period_hours
    over = (load > work) & (load <= work + NOISE * np.maximum(work, one))
    if not bool(over.any()):
        return placed
    scale = np.ones(load.shape)
    scale[over] = work[over] / load[over]
    kept = placed.copy()
    kept[mine] *= scale[cells]
    return kept


def _within_capacity(
    instance: Instance, columns: Columns, placed: Float, fleet: Fleet
) -> tuple[Float, Fleet]:
    """Keep loads without replicas and chips in reserve within what replicas leave free."""
    hours = instance.routes.chip_hours_per_mtok[columns.route] * placed
    bare = ~runs_in_replicas(instance, columns.workload, columns.pool)
    load = fleet.reserve.copy()
    np.add.at(load, (columns.pool[bare], columns.period[bare]), hours[bare])
    available = fleet.available(instance)
    taken = fleet.replica_hours(instance)
    over = (load + taken > available) & (load + taken <= available * (1 + NOISE)) & (load > 0)
    if not bool(over.any()):
        return placed, fleet
    scale = np.ones(load.shape)
    # One part in 2^52 less, so that the sum of the scaled parts stays below as well.
    room = np.maximum(available - taken, 0.0)
    scale[over] = np.minimum(room[over] / load[over], 1.0) * (1 - 2.0**-52)
    kept = placed.copy()
    kept[bare] *= scale[columns.pool[bare], columns.period[bare]]
    return kept, replace(fleet, reserve=fleet.reserve * scale)


def _within_demand(instance: Instance, columns: Columns, placed: Float) -> Float:
    served = np.zeros(instance.demand_mtok.shape)
    np.add.at(served, (columns.workload, columns.period), placed)
    demand = instance.demand_mtok
    at_once = (instance.workloads.deadline_periods == 0)[:, None]
    over = at_once & (served > demand) & (served <= demand * (1 + NOISE))
    if not bool(over.any()):
        return placed
    scale = np.ones(served.shape)
    scale[over] = demand[over] / served[over]
    return np.asarray(placed * scale[columns.workload, columns.period])

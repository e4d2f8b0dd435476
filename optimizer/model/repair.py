"""Rounding noise out of a solver's values, so that hard limits hold to the last digit.

A solver keeps a row within its tolerance; a plan keeps it. Loads that pass a pool's limit
by no more than noise are scaled back, and what a workload then lacks is given up. Anything
larger than noise is left alone: that is a fault of the model or the solver, and the judge
must see it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns

Float = NDArray[np.float64]

NOISE = 1e-4
"""Largest relative excess that is taken for a solver's tolerance."""
SPECK = 1e-11
"""Part of a row's right-hand side below which a value is zero."""


def without_noise(instance: Instance, columns: Columns, placed_mtok: Float) -> Float:
    """(X,) placements that keep every pool's limit and never place more than is there."""
    placed = np.maximum(placed_mtok, 0.0)
    placed[placed < SPECK * columns.window_mtok[columns.workload, columns.period]] = 0.0
    placed = _within_capacity(instance, columns, placed)
    return _within_demand(instance, columns, placed)


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


def _within_capacity(instance: Instance, columns: Columns, placed: Float) -> Float:
    hours = instance.routes.chip_hours_per_mtok[columns.route] * placed
    load = np.zeros(instance.capacity_chips.shape)
    np.add.at(load, (columns.pool, columns.period), hours)
    available = instance.capacity_chips * instance.period_hours
    over = (load > available) & (load <= available * (1 + NOISE))
    if not bool(over.any()):
        return placed
    scale = np.ones(load.shape)
    # One part in 2^52 less, so that the sum of the scaled parts stays below as well.
    scale[over] = available[over] / load[over] * (1 - 2.0**-52)
    return np.asarray(placed * scale[columns.pool, columns.period])


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

"""What follows from placements once they are settled: failover, and who gives way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.constraints.priority import levels, shut_out
from optimizer.model.fleet import whole
from optimizer.model.repair import NOISE

Float = NDArray[np.float64]

OUT_OF_TURN = 5e-7
"""Part of a period's demand that is rounding and not given up; below what demand may be off,
and what would otherwise count as giving up out of turn."""


def settled_failover(instance: Instance, columns: Columns, failover: Float, placed: Float) -> Float:
    """(F,) failover that serves just what it must.

    Anything beyond the part that is asked for is taken off, and what lacks by noise is added.
    """
    found = columns.failover
    if len(found.column) == 0:
        return failover
    total = np.zeros(instance.demand_mtok.shape)
    np.add.at(total, (columns.workload, columns.period), placed)
    wanted = instance.outages.served[:, None, None] * total[None]
    given = np.zeros(wanted.shape)
    cells = (found.outage, columns.workload[found.cell], columns.period[found.cell])
    failover = np.maximum(failover, 0.0)
    np.add.at(given, cells, failover)
    near = (given > 0) & (wanted <= given * (1 + NOISE))
    scale = np.where(near, wanted / np.where(given > 0, given, 1.0), 1.0)
    return np.asarray(failover * scale[cells])


def placed_in_turn(instance: Instance, columns: Columns, values: Float) -> Float:
    """(X,) placements without specks on pools from which their workload is shut out."""
    placed = values[columns.place]
    cell, binary = shut_out(instance, columns)
    if len(cell) == 0:
        return placed
    most = columns.window_mtok[columns.workload[cell], columns.period[cell]]
    speck = (whole(values[binary]) == 1) & (placed[cell] <= NOISE * most)
    placed[cell[speck]] = 0.0
    return placed


def given_up_in_turn(instance: Instance, given_up: Float) -> Float:
    """(W, T) Mtok given up, without specks where it matters who gives up."""
    if levels(instance)[1] < 2:
        return given_up
    at_once = (instance.workloads.deadline_periods == 0)[:, None]
    speck = at_once & (given_up <= OUT_OF_TURN * instance.demand_mtok)
    return np.where(speck, 0.0, given_up)

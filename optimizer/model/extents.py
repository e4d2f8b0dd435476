"""The largest value of each column that any plan worth having gives it.

A proof by :func:`optimizer.solvers.safe_bound.safe_bound` needs a finite limit on every column,
and most columns of a program have none of their own, because a row limits them. Where there is
a plan at all there is one within these limits: starts and what is paid as held can be lowered to
what their rows ask for, failover to what is placed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.model.fleet_data import most_replicas
from optimizer.model.model import Model
from optimizer.model.offer import chips_on_offer
from optimizer.program import Program

Float = NDArray[np.float64]
Index = NDArray[np.int32]

HAIR = 1e-9
"""Part by which a limit found by adding up is put further out, for the rounding of the sum."""


def column_extents(model: Model) -> Float:
    """(n,) finite upper limits."""
    instance, columns, program = model.instance, model.columns, model.program
    upper = program.upper.copy()
    window = columns.window_mtok
    _lower(upper, columns.place, window[columns.workload, columns.period])
    _lower(upper, columns.unserved, window)
    cell = columns.failover.cell
    _lower(upper, columns.failover.column, window[columns.workload[cell], columns.period[cell]])
    hours = chips_on_offer(instance) * instance.period_hours
    _lower(upper, columns.paid, hours)
    _lower(upper, columns.reserve, hours)
    if columns.replicas.size:
        _lower(upper, columns.starts, most_replicas(instance))
    _lower(upper, columns.blocks, instance.contracts.max_blocks.astype(np.float64))
    names = {block.name: block for block in program.rows if block.name.startswith("measure_")}
    if names:
        # A measure stands in its own row as -M, beside what it sums up.
        unknown = np.isinf(upper)
        summed = activity_range(program, np.where(unknown, 0.0, upper))[1]
        for block in program.cols:
            if block.name in names:
                rows = names[block.name]
                most = summed[rows.begin : rows.end]
                upper[block.begin : block.end] = most * (1 + HAIR)
    return upper


def activity_range(program: Program, upper: Float) -> tuple[Float, Float]:
    """(m,) least and largest value of each row within column limits."""
    owner = np.repeat(np.arange(program.num_rows), np.diff(program.starts))
    at_lower = program.values * program.lower[program.columns]
    at_upper = program.values * upper[program.columns]
    least = np.bincount(owner, np.minimum(at_lower, at_upper), program.num_rows)
    most = np.bincount(owner, np.maximum(at_lower, at_upper), program.num_rows)
    return np.asarray(least, np.float64), np.asarray(most, np.float64)


def _lower(upper: Float, columns: Index, most: Float) -> None:
    known = columns >= 0
    upper[columns[known]] = np.minimum(upper[columns[known]], most[known])

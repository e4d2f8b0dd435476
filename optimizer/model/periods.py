"""The period that each column of a program belongs to, for methods that decide part by part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.model.model import Model

Index = NDArray[np.int64]

HORIZON = -1
"""Period of a column that belongs to no period."""


def column_period(model: Model) -> Index:
    """(n,) period of each column; ``HORIZON`` for measures, blocks, fees and chosen pools."""
    columns, program = model.columns, model.program
    period = np.full(program.num_columns, HORIZON, np.int64)
    period[columns.place] = columns.period
    period[columns.failover.column] = columns.period[columns.failover.cell]
    for matrix in (
        columns.unserved,
        columns.backlog,
        columns.replicas,
        columns.starts,
        columns.paid,
        columns.paying,
        columns.reserve,
        columns.gives_way,
    ):
        # The last axis of each is that of the periods.
        where = np.nonzero(matrix >= 0)
        period[matrix[where]] = where[-1]
    _measures(model, period)
    return period


def _measures(model: Model, period: Index) -> None:
    """Measures of a single period: that of what their row adds up."""
    program = model.program
    rows = {block.name: block for block in program.rows}
    for block in program.cols:
        if not (block.name.startswith("measure_") and block.name.endswith("_period")):
            continue
        defined = rows[block.name]
        for offset in range(block.end - block.begin):
            row = defined.begin + offset
            summed = program.columns[program.starts[row] : program.starts[row + 1]]
            period[block.begin + offset] = period[summed].max()

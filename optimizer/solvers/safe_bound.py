"""A lower bound on a linear program that rests on arithmetic alone, not on a solver's word.

For any row multipliers y, with r = c - A' y,

    c x  =  y (A x) + r x  >=  sum_i min over the row's limits of y_i s_i
                             + sum_j min over the column's limits of r_j x_j

Rounded down by a bound on its own rounding error (A. Neumaier and O. Shcherbina, "Safe bounds
in linear and mixed-integer linear programming", Mathematical Programming 99, 2004). Columns
need finite limits: without them the smallest error in r would be an infinite one in the sum.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from optimizer.program import Program

Float = NDArray[np.float64]

UNIT = 2.0**-53
"""Half the distance from 1 to the next float64."""


def safe_bound(program: Program, duals: Float) -> float:
    """Bound on the cost, constant left out, that these duals prove; -infinity when none.

    Parameters
    ----------
    duals : (m,) any multipliers; where one asks for a limit that a row does not have, it
        counts as 0.
    """
    if not bool(np.isfinite(duals).all() and np.isfinite(program.upper).all()):
        return -math.inf
    limit = np.where(duals > 0, program.row_lower, program.row_upper)
    held = np.isfinite(limit) & (duals != 0)
    multiplier = np.where(held, duals, 0.0)
    of_rows = multiplier * np.where(held, limit, 0.0)
    owner = np.repeat(np.arange(program.num_rows), np.diff(program.starts))
    entries = program.values * multiplier[owner]
    columns, count = program.columns, program.num_columns
    reduced = program.cost - np.bincount(columns, entries, count)
    of_columns = reduced * np.where(reduced > 0, program.lower, program.upper)
    # Each reduced cost is a sum of so many rounded products, multiplied once more.
    terms = np.bincount(columns, minlength=count) + 3
    size = np.abs(program.cost) + np.bincount(columns, np.abs(entries), count)
    widest = np.maximum(np.abs(program.lower), np.abs(program.upper))
    rounding = float((terms * size * widest).sum()) + float(np.abs(of_rows).sum())
    total = math.fsum([*of_rows.tolist(), *of_columns.tolist()])
    return total - 4 * UNIT * (rounding + abs(total))

"""What makes an answer to a program right, from the arrays alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.program import Program

Float = NDArray[np.float64]


def matrix(program: Program) -> Float:
    """Give the dense matrix of a program."""
    dense = np.zeros((program.num_rows, program.num_columns))
    owner = np.repeat(np.arange(program.num_rows), np.diff(program.starts))
    np.add.at(dense, (owner, program.columns), program.values)
    return dense


def worst_violation(program: Program, values: Float) -> float:
    """Largest violation of a row or bound, relative to the size of its terms."""
    dense = matrix(program)
    activity = dense @ values
    size = np.maximum(np.abs(dense) @ np.abs(values), 1.0)
    rows = _outside(activity, program.row_lower, program.row_upper) / size
    width = np.maximum(np.abs(values), 1.0)
    columns = _outside(values, program.lower, program.upper) / width
    return float(max(rows.max(initial=0.0), columns.max(initial=0.0)))


def _outside(amount: Float, lower: Float, upper: Float) -> Float:
    return np.maximum(np.maximum(lower - amount, amount - upper), 0.0)


def dual_bound(program: Program, duals: Float, slack: float) -> float:
    """Lower bound that row duals prove; -infinity when a sign is wrong.

    Each dual and each reduced cost is multiplied with the limit that its sign points to. One
    that points to an infinite limit must be 0, up to ``slack`` times the size of its terms.
    """
    dense = matrix(program)
    reduced = program.cost - dense.T @ duals
    size = np.abs(program.cost) + np.abs(dense.T) @ np.abs(duals)
    largest = float(np.abs(duals).max(initial=0.0))
    total = _held(duals, program.row_lower, program.row_upper, slack * largest)
    return total + _held(reduced, program.lower, program.upper, slack * size)


def _held(multiplier: Float, lower: Float, upper: Float, slack: Float | float) -> float:
    limit = np.where(multiplier > 0, lower, upper)
    free = np.isinf(limit) & (np.abs(multiplier) <= slack)
    limit = np.where(free | (multiplier == 0), 0.0, limit)
    if bool(np.isinf(limit).any()):
        return -np.inf
    return float((multiplier * limit).sum())

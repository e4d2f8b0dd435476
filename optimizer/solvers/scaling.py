"""Scaling by powers of two, so that solvers' absolute tolerances mean the same everywhere.

A solver's tolerance of 1e-7 is absolute: on prices of 1e-9 USD it would accept anything.
So costs, right-hand sides and, when entries spread widely, rows and columns are multiplied
by powers of two before a solver sees them. Powers of two change no digit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InternalError, UnsupportedError
from optimizer.program import Program

Float = NDArray[np.float64]

WIDE = 1e6
"""Entries are left as they are while they all lie within [1 / WIDE, WIDE]."""
LOST = 1e-9
"""Entries at or below this are dropped by some solvers (HiGHS ``small_matrix_value``)."""

PRUNED = 1e-8
"""Cost, as scaled, by which solvers of integer programs may prune a better plan: their absolute
tolerances. They prune on the costs of whole numbers, so those are what costs are scaled by."""
MOST_COST = 1e9
"""Largest cost that scaling by the least cost of a whole number may lead to."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """A scaled program and the way back.

    Attributes
    ----------
    program : the scaled program.
    column, row : (n,), (m,) powers of two; scaled x = x / column, scaled row = row * factor.
    cost, size : powers of two by which costs and right-hand sides were divided.
    """

    program: Program
    column: Float
    row: Float
    cost: float
    size: float

    def values(self, scaled: Float) -> Float:
        """Column values of the program as it was."""
        return np.asarray(scaled * self.column * self.size)

    def hint(self, values: Float) -> Float:
        """Column values of the scaled program: the way back of :meth:`values`."""
        return np.asarray(values / self.column / self.size)

    def bound(self, scaled: float) -> float:
        """A bound on the cost of the program as it was, its constant left out.

        What a solver of integer programs prunes within its tolerances it calls searched, so
        that its bound is lowered by as much.
        """
        margin = 0.0 if self.program.integer is None else PRUNED
        return (scaled - margin) * self.cost * self.size

    def duals(self, scaled: Float) -> Float:
        """Row duals of the program as it was."""
        return np.asarray(scaled * self.row * self.cost)


def scale(program: Program) -> Scaled:
    """Scale a program.

    Raises
    ------
    UnsupportedError
        When entries spread so widely that a solver would still drop some.
    InternalError
        When the program holds what is not a number: some solvers call it infeasible then.
    """
    refuse_nan(program)
    column, row = np.ones(program.num_columns), np.ones(program.num_rows)
    values = program.values
    if program.integer is not None:
        pass  # whole numbers stay whole numbers only if their columns are not scaled
    elif len(values) and not _is_narrow(values):
        column, row = _equilibrate(program)
        owner = np.repeat(np.arange(program.num_rows), np.diff(program.starts))
        values = values * row[owner] * column[program.columns]
        if float(np.abs(values).min()) <= LOST:
            raise UnsupportedError(
                "coefficients spread over more than solvers can hold: from "
                f"{np.abs(program.values).min():g} to {np.abs(program.values).max():g}; check "
                "the units of chip_hours_per_mtok and prices"
            )
    cost = _cost_unit(program, np.abs(program.cost * column))
    bounds = np.concatenate(
        [
            np.abs(program.row_lower) * row,
            np.abs(program.row_upper) * row,
            np.abs(program.upper) / column,
        ]
    )
    size = 1.0 if program.integer is not None else _power_of_two(bounds)
    return Scaled(
        replace(
            program,
            values=values,
            offset=0.0,
            cost=program.cost * column / cost,
            lower=program.lower / column / size,
            upper=program.upper / column / size,
            row_lower=program.row_lower * row / size,
            row_upper=program.row_upper * row / size,
        ),
        column,
        row,
        cost,
        size,
    )


def refuse_nan(program: Program) -> None:
    """Refuse a program that holds what is not a number.

    Raises
    ------
    InternalError
        With the name of the array.
    """
    for name in ("cost", "lower", "values"):
        if not bool(np.isfinite(getattr(program, name)).all()):
            raise InternalError(f"program: expected finite numbers in {name}")
    for name in ("upper", "row_lower", "row_upper"):
        if bool(np.isnan(getattr(program, name)).any()):
            raise InternalError(f"program: expected numbers in {name}, got NaN")


def _is_narrow(values: Float) -> bool:
    size = np.abs(values)
    return bool(size.min() >= 1 / WIDE and size.max() <= WIDE)


def _cost_unit(program: Program, cost: Float) -> float:
    """What costs are divided by: the middle one or, with whole numbers, the least of theirs.

    Penalties are many and large, and next to them the price of a replica would drown in a
    solver's tolerances.
    """
    if program.integer is None:
        return _power_of_two(cost)
    whole = cost[program.integer & (cost > 0)]
    if len(whole) == 0:
        return _power_of_two(cost)
    least = max(float(whole.min()), float(cost.max()) / MOST_COST)
    return float(2.0 ** np.floor(np.log2(least)))


def _power_of_two(values: Float) -> float:
    """Power of two nearest to the middle of the finite sizes that are not zero."""
    known = values[np.isfinite(values) & (values > 0)]
    if len(known) == 0:
        return 1.0
    return float(2.0 ** np.round(np.median(np.log2(known))))


def _equilibrate(program: Program) -> tuple[Float, Float]:
    """Factors that bring entries towards 1: geometric means, rows then columns, thrice.

    A. R. Curtis and J. K. Reid, "On the automatic scaling of matrices for Gaussian
    elimination", J. Inst. Maths Applics 10 (1972).
    """
    rows, columns = program.num_rows, program.num_columns
    owner = np.repeat(np.arange(rows), np.diff(program.starts))
    logs = np.log2(np.abs(program.values))
    row, column = np.zeros(rows), np.zeros(columns)
    in_row = np.maximum(np.bincount(owner, minlength=rows), 1)
    in_column = np.maximum(np.bincount(program.columns, minlength=columns), 1)
    for _ in range(3):
        current = logs + column[program.columns]
        row = -np.bincount(owner, current, rows) / in_row
        current = logs + row[owner]
        column = -np.bincount(program.columns, current, columns) / in_column
    return 2.0 ** np.round(column), 2.0 ** np.round(row)

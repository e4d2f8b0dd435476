"""A program that falls apart is solved part by part.

Whether it does is found from the matrix: two columns belong together when a chain of rows
connects them. Nothing is assumed about periods.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.program import Program
from optimizer.solvers.base import AT_LOWER, BASIC, Basis, Outcome, Reason

Float = NDArray[np.float64]
Index = NDArray[np.int64]

LEAST_COLUMNS = 2000
"""Small parts are handed over together until they have this many columns."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some columns and rows of a program that nothing connects to the rest.

    Attributes
    ----------
    program : the part as a program of its own, without the constant of the whole.
    columns, rows : positions in the whole.
    """

    program: Program
    columns: Index
    rows: Index


def split(program: Program, least_columns: int = LEAST_COLUMNS) -> list[Part]:
    """Parts of a program, each at least so large, in the order of their first column.

    Rows without entries belong to no part; :func:`empty_rows_hold` checks them.
    """
    from optimizer.kernels.sparse import connected_parts, take_rows

    if program.num_columns == 0:
        return []
    part, row_part = connected_parts(program.starts, program.columns, program.num_columns)
    group = _groups(np.bincount(part), least_columns)
    count = int(group[-1]) + 1
    if count == 1 and bool((row_part >= 0).all()):
        return [_everything(program)]
    # Rows without entries have part -1; they go into a group of their own, the last. 32 bits,
    # for which the kernel that orders entries is compiled already.
    group = np.append(group, count).astype(np.int32)
    column_order, column_ends = _in_groups(group[part], count)
    row_order, row_ends = _in_groups(group[row_part], count)
    new_column = np.empty(program.num_columns, np.int32)
    parts = []
    for number in range(count):
        columns = column_order[column_ends[number] : column_ends[number + 1]]
        rows = row_order[row_ends[number] : row_ends[number + 1]]
        new_column[columns] = np.arange(len(columns), dtype=np.int32)
        starts, taken, values = take_rows(
            program.starts, program.columns, program.values, rows, new_column
        )
        piece = Program(
            program.cost[columns],
            program.lower[columns],
            program.upper[columns],
            program.row_lower[rows],
            program.row_upper[rows],
            starts,
            taken,
            values,
            integer=None if program.integer is None else program.integer[columns],
        )
        parts.append(Part(piece, columns, rows))
    return parts


def _everything(program: Program) -> Part:
    """The whole as its only part: its arrays are shared, not copied."""
    whole = replace(program, offset=0.0, rows=(), cols=())
    return Part(whole, np.arange(program.num_columns), np.arange(program.num_rows))


def _in_groups(group: NDArray[np.int32], count: int) -> tuple[Index, Index]:
    """Positions in the order of their group, and (count + 1,) where each group begins."""
    from optimizer.kernels.sparse import stable_order

    ends = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(group, minlength=count)[:count], out=ends[1:])
    return stable_order(group, count + 1).astype(np.int64), ends


def _groups(sizes: NDArray[np.intp], least_columns: int) -> Index:
    """Group of each part: neighbours are put together until a group is large enough."""
    total = np.cumsum(sizes)
    group = np.zeros(len(sizes), np.int64)
    current, begun = 0, 0
    for number, end in enumerate(total.tolist()):
        group[number] = current
        if end - begun >= least_columns:
            current, begun = current + 1, end
    # A small rest joins the group before it.
    if len(group) and current > 0 and total[-1] - begun < least_columns // 2:
        group[group == current] = current - 1
    return group


def empty_rows_hold(program: Program) -> bool:
    """Whether every row without entries allows zero."""
    empty = np.diff(program.starts) == 0
    return bool(((program.row_lower[empty] <= 0) & (program.row_upper[empty] >= 0)).all())


def join(program: Program, parts: Sequence[Part], outcomes: Sequence[Outcome]) -> Outcome:
    """Put the outcomes of the parts together.

    The reason is the worst of the parts; values and duals are there only when every part
    has them.
    """
    reason = worst(outcome.reason for outcome in outcomes) if outcomes else Reason.OPTIMAL
    detail = next((o.detail for o in outcomes if o.reason is reason and o.detail), "")
    if not empty_rows_hold(program):
        reason, detail = Reason.INFEASIBLE, "a row without entries excludes zero"
    values = _gathered(
        program.num_columns, [(p.columns, o.values) for p, o in zip(parts, outcomes, strict=True)]
    )
    duals = _gathered(
        program.num_rows, [(p.rows, o.duals) for p, o in zip(parts, outcomes, strict=True)]
    )
    return Outcome(
        reason,
        values,
        duals,
        _joined_basis(program, parts, outcomes),
        detail,
        sum(o.seconds for o in outcomes),
        sum(o.iterations for o in outcomes),
        sum_of_parts([o.bound for o in outcomes]),
        sum(o.nodes for o in outcomes),
    )


def sum_of_parts(amounts: Sequence[float]) -> float:
    """Sum of bounds or costs; a part without any plan (infinity) leaves the whole without any."""
    for endless in (math.inf, -math.inf):
        if endless in amounts:
            return endless
    return math.fsum(amounts)


_SEVERITY = (
    Reason.OPTIMAL,
    Reason.TIME_LIMIT,
    Reason.INTERRUPTED,
    Reason.OUT_OF_MEMORY,
    Reason.FAILED,
    Reason.CRASHED,
    Reason.UNBOUNDED,
    Reason.INFEASIBLE,
)


def worst(reasons: Iterable[Reason]) -> Reason:
    """The reason that says most about the whole."""
    return max(reasons, key=_SEVERITY.index)


def _gathered(size: int, pieces: Sequence[tuple[Index, Float | None]]) -> Float | None:
    whole = np.zeros(size)
    for positions, values in pieces:
        if values is None:
            return None
        whole[positions] = values
    return whole


def _joined_basis(
    program: Program, parts: Sequence[Part], outcomes: Sequence[Outcome]
) -> Basis | None:
    columns = np.full(program.num_columns, AT_LOWER, np.int8)
    rows = np.full(program.num_rows, BASIC, np.int8)
    for part, outcome in zip(parts, outcomes, strict=True):
        if outcome.basis is None:
            return None
        columns[part.columns] = outcome.basis.columns
        rows[part.rows] = outcome.basis.rows
    return Basis(columns, rows)

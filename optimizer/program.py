"""A program: minimise a linear cost over rows and columns, without a domain word.

A program is built in blocks. A block of columns or rows is claimed once and answered
with an array of indices of any shape; entries are then added by broadcasting index
arrays against each other. The matrix is assembled once, in row order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Number = TypeVar("Number", bound=np.generic)
Status = NDArray[np.int8]
Bool = NDArray[np.bool_]

INFINITY = float("inf")


@dataclass(frozen=True)
class Block:
    """A named run of rows or columns.

    Attributes
    ----------
    name : what claimed it; opaque here.
    begin, end : half-open range of indices.
    """

    name: str
    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise ``offset + cost @ x`` with ``row_lower <= A x <= row_upper`` and bounds on x.

    Attributes
    ----------
    cost, lower, upper : (n,) per column; every bound is finite below.
    row_lower, row_upper : (m,) per row.
    starts : (m + 1,) where each row begins in ``columns`` and ``values``.
    columns, values : entries of A, row by row.
    offset : constant part of the cost.
    integer : (n,) columns that take whole numbers only; None when none does.
    rows, cols : the named blocks, in order.
    """

    cost: Float
    lower: Float
    upper: Float
    row_lower: Float
    row_upper: Float
    starts: NDArray[np.int64]
    columns: Index
    values: Float
    offset: float = 0.0
    integer: Bool | None = None
    rows: tuple[Block, ...] = ()
    cols: tuple[Block, ...] = ()

    @property
    def num_columns(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.row_lower)

    @property
    def num_entries(self) -> int:
        """Number of non-zero entries."""
        return len(self.values)


AT_LOWER, AT_UPPER, BASIC = 0, 1, 2
"""Status of a column or row in a basis; a fixed one counts as at its lower bound."""


@dataclass(frozen=True, eq=False)
class Basis:
    """A simplex basis.

    Attributes
    ----------
    columns : (n,) status of each column.
    rows : (m,) status of each row; a row is basic when its limits do not hold it.
    """

    columns: Status
    rows: Status


@dataclass
class _Entries:
    """Entries of the matrix as they were added, not yet in row order."""

    rows: list[Index] = field(default_factory=list)
    columns: list[Index] = field(default_factory=list)
    values: list[Float] = field(default_factory=list)


class ProgramBuilder:
    """Collects blocks of columns, rows and entries; :meth:`build` assembles them once."""

    def __init__(self) -> None:
        self._cost: list[Float] = []
        self._lower: list[Float] = []
        self._upper: list[Float] = []
        self._row_lower: list[Float] = []
        self._row_upper: list[Float] = []
        self._entries = _Entries()
        self._integer: list[Bool] = []
        self._cols: list[Block] = []
        self._rows: list[Block] = []
        self._num_columns = 0
        self._num_rows = 0

    def columns(
        self,
        name: str,
        count: int,
        *,
        cost: ArrayLike = 0.0,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = INFINITY,
        integer: bool = False,
    ) -> Index:
        """Claim a block of columns.

        Parameters
        ----------
        count : number of columns; ``cost``, ``lower`` and ``upper`` are scalars or have it
            as their length.
        integer : whether they take whole numbers only.

        Returns
        -------
        (count,) indices of the columns.
        """
        for store, values in ((self._cost, cost), (self._lower, lower), (self._upper, upper)):
            store.append(_filled(values, count))
        self._integer.append(np.full(count, integer, np.bool_))
        begin, self._num_columns = self._num_columns, self._num_columns + count
        self._cols.append(Block(name, begin, self._num_columns))
        return np.arange(begin, self._num_columns, dtype=np.int32)

    def rows(
        self, name: str, count: int, *, lower: ArrayLike = -INFINITY, upper: ArrayLike = INFINITY
    ) -> Index:
        """Claim a block of rows; parameters and answer as for :meth:`columns`."""
        self._row_lower.append(_filled(lower, count))
        self._row_upper.append(_filled(upper, count))
        begin, self._num_rows = self._num_rows, self._num_rows + count
        self._rows.append(Block(name, begin, self._num_rows))
        return np.arange(begin, self._num_rows, dtype=np.int32)

    def add(self, rows: ArrayLike, columns: ArrayLike, values: ArrayLike) -> None:
        """Add entries: the three arguments are broadcast against each other."""
        r, c, v = np.broadcast_arrays(
            np.asarray(rows, np.int32), np.asarray(columns, np.int32), np.asarray(values, float)
        )
        self._entries.rows.append(r.ravel())
        self._entries.columns.append(c.ravel())
        self._entries.values.append(v.ravel())

    def build(self, offset: float = 0.0) -> Program:
        """Assemble the program; entries at the same place are kept apart by contract.

        Each pair of row and column may be added once. Zero entries are dropped.
        """
        from optimizer.kernels.sparse import rows_to_csr

        entries, self._entries = self._entries, _Entries()
        # Emptied one by one: of a large program, two copies of everything would be a lot.
        rows = _joined(entries.rows, np.int32)
        entries.rows.clear()
        columns = _joined(entries.columns, np.int32)
        entries.columns.clear()
        values = _joined(entries.values, np.float64)
        entries.values.clear()
        starts, ordered, kept = rows_to_csr(rows, columns, values, self._num_rows)
        del rows, columns, values
        return Program(
            cost=_joined(self._cost, np.float64),
            lower=_joined(self._lower, np.float64),
            upper=_joined(self._upper, np.float64),
            row_lower=_joined(self._row_lower, np.float64),
            row_upper=_joined(self._row_upper, np.float64),
            starts=starts,
            columns=ordered,
            values=kept,
            offset=offset,
            integer=_joined(self._integer, np.bool_) if any(map(np.any, self._integer)) else None,
            rows=tuple(self._rows),
            cols=tuple(self._cols),
        )


def with_row(program: Program, entries: Float, lower: float, upper: float) -> Program:
    """The program with one more row, its last; ``entries`` is dense, (n,)."""
    known = np.flatnonzero(entries).astype(np.int32)
    return replace(
        program,
        row_lower=np.append(program.row_lower, lower),
        row_upper=np.append(program.row_upper, upper),
        starts=np.append(program.starts, program.starts[-1] + len(known)),
        columns=np.append(program.columns, known),
        values=np.append(program.values, entries[known]),
        rows=(*program.rows, Block("one more", program.num_rows, program.num_rows + 1)),
    )


def _filled(values: ArrayLike, count: int) -> Float:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, np.float64), (count,)))


def _joined(parts: Sequence[NDArray[Number]], dtype: type[Number]) -> NDArray[Number]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, dtype)

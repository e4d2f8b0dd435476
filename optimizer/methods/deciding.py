"""A program that is decided part by part: windows of periods, one after the other.

Every column belongs to a period or to the horizon as a whole. A window is a small program:
the columns of its periods and the real ones of the horizon are free, everything else stands
at its present value. A row that reaches into later periods is *open*: it may still be missed,
at a price that the caller sets, because later windows can mend it. Rows that only define a
column of the horizon (such as a measure that shares are limits on) are never open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.model.periods import HORIZON
from optimizer.program import Program, ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Terms:
    """What missing the open rows of a window costs, per unit and row.

    Attributes
    ----------
    over, under : (m,) cost of activity above the upper, below the lower limit.
    repaid : (m,) paid back per unit of activity that is kept clear of the limit.
    most_repaid : (m,) units for which that is paid.
    """

    over: Float
    under: Float
    repaid: Float
    most_repaid: Float


@dataclass(frozen=True, eq=False)
class Window:
    """The small program of a window.

    Attributes
    ----------
    program : its columns are the free ones first, then those of :class:`Terms`.
    columns : (k,) the free columns in the whole program.
    place : (k,) where each of them stands in ``program``.
    rows : (r,) the rows of ``program`` in the whole program.
    """

    program: Program
    columns: Index
    place: NDArray[np.int32]
    rows: Index


class Deciding:
    """A program while it is being decided.

    Parameters
    ----------
    program : the whole.
    period : (n,) period of each column, ``HORIZON`` for those of the horizon.
    values : (n,) where columns stand that no window has decided yet.
    whole_horizon : whether the whole numbers of the horizon are free too. What a window has
        decided of them is the least for later ones: what is bought stays bought.

    Attributes
    ----------
    values : (n,) present values.
    activity : (m,) what the rows add up to at them.
    first, reach : (m,) first and last period that a row reaches into; all of them for rows
        that have columns of the horizon only.
    """

    def __init__(
        self, program: Program, period: Index, values: Float, *, whole_horizon: bool = False
    ) -> None:
        from scipy.sparse import csr_matrix

        shape = (program.num_rows, program.num_columns)
        matrix = csr_matrix((program.values, program.columns, program.starts), shape)
        self.program = program
        self.period = period
        self.values = np.clip(values, program.lower, program.upper)
        self.by_column = matrix.tocsc()
        self.activity: Float = np.asarray(matrix @ self.values)
        self.last = int(period.max(initial=0))
        whole = np.zeros(len(period), np.bool_) if program.integer is None else program.integer
        self.whole = whole
        self.common = np.flatnonzero((period == HORIZON) & (~whole | whole_horizon))
        self.lower = program.lower.copy()
        owner = np.repeat(np.arange(program.num_rows), np.diff(program.starts))
        self.reach = np.full(program.num_rows, HORIZON, np.int64)
        np.maximum.at(self.reach, owner, period[program.columns])
        defined = np.zeros(program.num_rows, np.bool_)
        real = np.flatnonzero((period == HORIZON) & ~whole)
        defined[self.by_column[:, real].indices] = True
        self.never_open = defined & (self.reach > HORIZON)
        self.first = np.full(program.num_rows, self.last, np.int64)
        np.minimum.at(
            self.first, owner, np.where(period == HORIZON, self.last, period)[program.columns]
        )
        self.first[self.reach == HORIZON] = 0
        self.reach[self.reach == HORIZON] = self.last

    def columns_of(self, first: int, end: int) -> Index:
        """Columns of some periods, and the real ones of the horizon."""
        own = np.flatnonzero((self.period >= first) & (self.period < end))
        return np.concatenate((own, self.common))

    def window(self, first: int, end: int, terms: Terms | None) -> Window:
        """The small program of the periods ``first`` to ``end - 1``.

        Parameters
        ----------
        terms : on which open rows may be missed; None drops those rows.
        """
        program, own = self.program, self.columns_of(first, end)
        part = self.by_column[:, own].tocsr()
        is_open = (self.reach >= end) & ~self.never_open
        touched = np.diff(part.indptr) > 0
        rows = np.flatnonzero(touched if terms is not None else touched & ~is_open)
        part = part[rows]
        rest = self.activity[rows] - part @ self.values[own]
        builder = ProgramBuilder()
        place = np.empty(len(own), np.int32)
        for kind in (False, True):
            mine = np.flatnonzero(self.whole[own] == kind)
            of = own[mine]
            place[mine] = builder.columns(
                "free",
                len(mine),
                cost=program.cost[of],
                lower=self.lower[of],
                upper=program.upper[of],
                integer=kind,
            )
        numbers = builder.rows(
            "rows",
            len(rows),
            lower=program.row_lower[rows] - rest,
            upper=program.row_upper[rows] - rest,
        )
        entries = part.tocoo()
        builder.add(numbers[entries.row], place[entries.col], entries.data)
        if terms is not None:
            position = np.flatnonzero(is_open[rows])
            _miss(builder, numbers[position], rows[position], program, terms)
        return Window(builder.build(), own, place, rows)

    def decide(self, window: Window, values: Float, kept: Bool | None = None) -> None:
        """Take over what a window found.

        Parameters
        ----------
        values : those of the window's program.
        kept : (k,) which of its columns to take over; None for all.
        """
        columns, found = window.columns, values[window.place]
        whole = self.whole[columns]
        found = np.where(whole, np.round(found), found)
        found = np.clip(found, self.program.lower[columns], self.program.upper[columns])
        if kept is not None:
            columns, found = columns[kept], found[kept]
        self.activity += np.asarray(self.by_column[:, columns] @ (found - self.values[columns]))
        self.values[columns] = found
        bought = columns[(self.period[columns] == HORIZON) & self.whole[columns]]
        self.lower[bought] = self.values[bought]

    def worst_miss(self) -> float:
        """By how much the worst row is missed, as part of its size."""
        program = self.program
        miss = np.maximum(program.row_lower - self.activity, self.activity - program.row_upper)
        finite = np.where(np.isfinite(program.row_upper), program.row_upper, program.row_lower)
        size = 1.0 + np.abs(np.where(np.isfinite(finite), finite, 0.0))
        return float((miss / size).max(initial=0.0))


def _miss(
    builder: ProgramBuilder,
    numbers: NDArray[np.int32],
    rows: Index,
    program: Program,
    terms: Terms,
) -> None:
    """Columns by which open rows may be missed, and by which keeping clear of them pays."""
    upper = np.isfinite(program.row_upper[rows])
    lower = np.isfinite(program.row_lower[rows])
    over = builder.columns("over", int(upper.sum()), cost=terms.over[rows][upper])
    builder.add(numbers[upper], over, -1.0)
    under = builder.columns("under", int(lower.sum()), cost=terms.under[rows][lower])
    builder.add(numbers[lower], under, 1.0)
    for repaid, side in (
        (lower & ~upper & (terms.repaid[rows] > 0), -1.0),
        (upper & ~lower & (terms.repaid[rows] > 0), 1.0),
    ):
        clear = builder.columns(
            "clear",
            int(repaid.sum()),
            cost=-terms.repaid[rows][repaid],
            upper=terms.most_repaid[rows][repaid],
        )
        builder.add(numbers[repaid], clear, side)

"""Tiny programs with known answers, each with its derivation.

A dual is the change of the least cost per unit of right-hand side: >= 0 where a lower limit
holds a row, <= 0 where an upper limit does. Values and duals are stated only where they are
the only optimal ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.program import Program, ProgramBuilder
from optimizer.solvers.base import Reason

Float = NDArray[np.float64]
INF = math.inf


@dataclass(frozen=True, eq=False)
class Case:
    """One program and what is known about it.

    Attributes
    ----------
    name : what the program shows.
    program : what is solved.
    reason : the right verdict.
    objective : least cost, without the program's constant; None when there is none.
    values, duals : the only optimal ones; None when there are several, or none.
    """

    name: str
    program: Program
    reason: Reason = Reason.OPTIMAL
    objective: float | None = None
    values: tuple[float, ...] | None = None
    duals: tuple[float, ...] | None = None

    def __str__(self) -> str:
        return self.name


def program(
    cost: Sequence[float],
    rows: Sequence[tuple[float, Sequence[float], float]] = (),
    *,
    lower: Sequence[float] | float = 0.0,
    upper: Sequence[float] | float = INF,
    offset: float = 0.0,
) -> Program:
    """Make a program from dense rows (lower limit, entries, upper limit)."""
    builder = ProgramBuilder()
    x = builder.columns("x", len(cost), cost=cost, lower=lower, upper=upper)
    low, high = [row[0] for row in rows], [row[2] for row in rows]
    r = builder.rows("r", len(rows), lower=low, upper=high)
    entries = np.array([row[1] for row in rows], float).reshape(len(rows), len(cost))
    builder.add(r[:, None], x[None, :], entries)
    return builder.build(offset)


# min x + 2 y, x + y = 3, x <= 1. x is cheaper and ends at 1, y = 2: cost 5. One more unit of
# the equality is one more y: 2. One more unit of x <= 1 turns a y into an x: 1 - 2 = -1.
# Routes that give activities instead of duals answer (3, 1).
_OPTIMAL = Case(
    "optimal",
    program((1, 2), [(3, (1, 1), 3), (-INF, (1, 0), 1)], offset=7.0),
    objective=5.0,
    values=(1, 2),
    duals=(2, -1),
)

# min -x - y, x <= 1, y <= 1, x + y <= 2: the last row is implied by the others, so the vertex
# (1, 1) has three tight rows for two columns, and every (-1 + s, -1 + s, -s), 0 <= s <= 1, is
# an optimal dual.
_DEGENERATE = Case(
    "degenerate vertex",
    program((-1, -1), [(-INF, (1, 0), 1), (-INF, (0, 1), 1), (-INF, (1, 1), 2)]),
    objective=-2.0,
    values=(1, 1),
)

# min x + y, x + y >= 1: a whole edge is optimal, and the dual is 1 all the same.
_TIE = Case("tie", program((1, 1), [(1, (1, 1), INF)]), objective=1.0, duals=(1,))

# x <= 1 and x >= 2.
_INFEASIBLE = Case("infeasible bound", program((1,), [(2, (1,), INF)], upper=1), Reason.INFEASIBLE)

# x + y <= 1 and x + y >= 2.
_INFEASIBLE_ROWS = Case(
    "infeasible rows",
    program((1, 1), [(-INF, (1, 1), 1), (2, (1, 1), INF)]),
    Reason.INFEASIBLE,
)

# min -x, x >= 1.
_UNBOUNDED = Case("unbounded", program((-1,), [(1, (1,), INF)]), Reason.UNBOUNDED)

# min -x, x = y: unbounded along (1, 1).
_UNBOUNDED_RAY = Case("unbounded ray", program((-1, 0), [(0, (1, -1), 0)]), Reason.UNBOUNDED)

# Without rows each column goes to the bound that its cost prefers: (0, 4), cost -4.
_NO_ROWS = Case("no rows", program((1, -1), upper=(5, 4)), objective=-4.0, values=(0, 4), duals=())

# Without columns a row 0 <= 0 <= 1 holds, and 1 <= 0 <= 1 does not.
_NO_COLUMNS = Case("no columns", program((), [(0, (), 1)]), objective=0.0, values=())
_NO_COLUMNS_INFEASIBLE = Case(
    "no columns, infeasible", program((), [(1, (), 1)]), Reason.INFEASIBLE
)
_NOTHING = Case("neither rows nor columns", program(()), objective=0.0, values=(), duals=())

# A row without entries that asks for at least 1.
_EMPTY_ROW = Case(
    "row without entries, infeasible", program((1,), [(1, (0,), 2)], upper=3), Reason.INFEASIBLE
)

# A row without limits holds nothing: min x over 2 <= x <= 3 is 2, its dual 0.
_FREE_ROW = Case(
    "free row",
    program((1,), [(-INF, (1,), INF)], lower=2, upper=3),
    objective=2.0,
    values=(2,),
    duals=(0,),
)

# x is fixed at 2, so x + y = 5 leaves y = 3: cost 5; one more unit is one more y.
_FIXED_COLUMN = Case(
    "fixed column",
    program((1, 1), [(5, (1, 1), 5)], lower=(2, 0), upper=(2, 9)),
    objective=5.0,
    values=(2, 3),
    duals=(1,),
)

# min -3 x - 2 y, x + y <= 5, x <= 2, y <= 4: x earns more and ends at its bound 2, y gets the
# remaining 3: -12. One more unit of the row is one more y: -2.
_UPPER = Case(
    "columns at upper bounds",
    program((-3, -2), [(-INF, (1, 1), 5)], upper=(2, 4)),
    objective=-12.0,
    values=(2, 3),
    duals=(-2,),
)

# min x + 3 y over -5 <= x, -3 <= y, x + y >= -6: y is dearer and ends at -3, x = -3: -12.
_NEGATIVE_LOWER = Case(
    "negative lower bounds",
    program((1, 3), [(-6, (1, 1), INF)], lower=(-5, -3)),
    objective=-12.0,
    values=(-3, -3),
    duals=(1,),
)

# 2 <= x + y <= 5, x <= 1. Minimising x + 2 y holds the row at 2: (1, 1), cost 3, duals as in
# _OPTIMAL. Minimising -x - 2 y with y <= 3 holds both upper limits: (1, 3) would be 4 <= 5, so
# the row is slack, x <= 1 holds with dual -1 and y is at its bound.
_RANGE_LOW = Case(
    "range row at its lower limit",
    program((1, 2), [(2, (1, 1), 5), (-INF, (1, 0), 1)]),
    objective=3.0,
    values=(1, 1),
    duals=(2, -1),
)
_RANGE_SLACK = Case(
    "range row between its limits",
    program((-1, -2), [(2, (1, 1), 5), (-INF, (1, 0), 1)], upper=(INF, 3)),
    objective=-7.0,
    values=(1, 3),
    duals=(0, -1),
)
_RANGE_HIGH = Case(
    "range row at its upper limit",
    program((-1,), [(2, (1,), 5)]),
    objective=-5.0,
    values=(5,),
    duals=(-1,),
)

# _OPTIMAL with costs of 1e-9: cost and duals shrink with them. An absolute tolerance of 1e-7
# would call any feasible point optimal.
_TINY_COSTS = Case(
    "costs of 1e-9",
    program((1e-9, 2e-9), [(3, (1, 1), 3), (-INF, (1, 0), 1)]),
    objective=5e-9,
    values=(1, 2),
    duals=(2e-9, -1e-9),
)

# _OPTIMAL with right-hand sides of 1e9: cost and values grow with them, duals stay.
_LARGE_SIDES = Case(
    "right-hand sides of 1e9",
    program((1, 2), [(3e9, (1, 1), 3e9), (-INF, (1, 0), 1e9)]),
    objective=5e9,
    values=(1e9, 2e9),
    duals=(2, -1),
)

# min x + 2 y, 1e-8 x + y >= 1, 1e8 x + y >= 1e8. Taking one row from the other gives
# x = (1e8 - 1) / (1e8 - 1e-8) and y = 1 - 1e-8 x; both columns are positive, so the duals
# solve 1e-8 a + 1e8 b = 1 and a + b = 2.
_X = (1e8 - 1) / (1e8 - 1e-8)
_B = (1 - 2e-8) / (1e8 - 1e-8)
_WIDE = Case(
    "entries from 1e-8 to 1e8",
    program((1, 2), [(1, (1e-8, 1), INF), (1e8, (1e8, 1), INF)]),
    objective=_X + 2 * (1 - 1e-8 * _X),
    values=(_X, 1 - 1e-8 * _X),
    duals=(2 - _B, _B),
)

# min y, 1e-10 x + y >= 1, x <= 5e9, y <= 5: x is free of charge and brings half of the row,
# y the other half. With the small entry dropped y would be 1.
_SMALL_ENTRY = Case(
    "an entry of 1e-10 that matters",
    program((0, 1), [(1, (1e-10, 1), INF)], upper=(5e9, 5)),
    objective=0.5,
    values=(5e9, 0.5),
    duals=(1,),
)


def transport(sources: int, sinks: int, seed: int = 7, *, loose: float = 1.05) -> Program:
    """Random transportation: sources give at most, sinks take at least, entries vary."""
    generator = np.random.default_rng(seed)
    builder = ProgramBuilder()
    usd = generator.uniform(1, 9, sources * sinks)
    x = builder.columns("x", sources * sinks, cost=usd).reshape(sources, sinks)
    asked = generator.uniform(5, 10, sinks)
    used = generator.uniform(0.5, 2, (sources, sinks))
    # Enough when every sink is served by the sources in equal parts.
    given = (used * asked[None, :] / sources).sum(axis=1) * loose
    out = builder.rows("out", sources, upper=given)
    into = builder.rows("into", sinks, lower=asked)
    builder.add(out[:, None], x, used)
    builder.add(into[None, :], x, 1.0)
    return builder.build()


def least_cost(given: Program) -> float:
    """Least cost of a program by scipy, which brings its own copy of a solver."""
    from scipy.optimize import LinearConstraint, milp
    from scipy.sparse import csr_matrix

    shape = (given.num_rows, given.num_columns)
    matrix = csr_matrix((given.values, given.columns, given.starts), shape=shape)
    found = milp(
        given.cost,
        constraints=LinearConstraint(matrix, given.row_lower, given.row_upper),
        bounds=(given.lower, given.upper),
    )
    assert found.status == 0, found.message
    return float(found.fun)


_TRANSPORT = transport(20, 30)

CASES: tuple[Case, ...] = (
    _OPTIMAL,
    _DEGENERATE,
    _TIE,
    _INFEASIBLE,
    _INFEASIBLE_ROWS,
    _UNBOUNDED,
    _UNBOUNDED_RAY,
    _NO_ROWS,
    _NO_COLUMNS,
    _NO_COLUMNS_INFEASIBLE,
    _NOTHING,
    _EMPTY_ROW,
    _FREE_ROW,
    _FIXED_COLUMN,
    _UPPER,
    _NEGATIVE_LOWER,
    _RANGE_LOW,
    _RANGE_SLACK,
    _RANGE_HIGH,
    _TINY_COSTS,
    _LARGE_SIDES,
    _WIDE,
    _SMALL_ENTRY,
    Case("random transportation", _TRANSPORT, objective=least_cost(_TRANSPORT)),
)

"""Every solver that takes whole numbers, on programs that differ from their relaxation."""

from __future__ import annotations

import math

import pytest

from optimizer.program import Program, ProgramBuilder
from optimizer.solvers.base import Reason, Solver
from optimizer.solvers.registry import SOLVERS

SECONDS = 20.0
every_solver = pytest.mark.parametrize(
    "solver",
    [make() for make in SOLVERS.values() if make().capabilities.integers],
    ids=lambda solver: solver.name,
)


def knapsack(usd: float = 1.0) -> Program:
    """min -10 a - 13 b - 7 c + d, 5 a + 7 b + 4 c - d <= 9, a to c 0 or 1, 0 <= d <= 1.

    Without d: a and c fill 9 for 17, b alone gives 13; b and a would take 12. With d = 1 the
    room is 10 for nothing more. Optimum -17; without whole numbers b would be cut, for more.
    """
    builder = ProgramBuilder()
    gain = [-10.0 * usd, -13.0 * usd, -7.0 * usd]
    taken = builder.columns("taken", 3, cost=gain, upper=1.0, integer=True)
    more = builder.columns("more", 1, cost=usd, upper=1.0)
    row = builder.rows("room", 1, upper=9.0)
    builder.add(row, taken, [5.0, 7.0, 4.0])
    builder.add(row, more, -1.0)
    return builder.build()


@every_solver
@pytest.mark.parametrize("usd", [1.0, 1e-9, 1e9])
def test_optimum_and_bound_of_a_knapsack(solver: Solver, usd: float) -> None:
    program = knapsack(usd)
    outcome = solver.solve(program, SECONDS)
    assert outcome.reason is Reason.OPTIMAL
    assert outcome.values is not None
    assert outcome.values == pytest.approx([1, 0, 1, 0], abs=1e-9)
    assert float(program.cost @ outcome.values) == pytest.approx(-17 * usd, rel=1e-9)
    assert outcome.bound == pytest.approx(-17 * usd, rel=1e-6)
    assert outcome.bound <= -17 * usd * (1 - 1e-9)


@every_solver
def test_no_whole_number_is_infeasible(solver: Solver) -> None:
    """2 x = 1 with x 0 or 1."""
    builder = ProgramBuilder()
    x = builder.columns("x", 1, cost=1.0, upper=1.0, integer=True)
    builder.add(builder.rows("half", 1, lower=1.0, upper=1.0), x, 2.0)
    outcome = solver.solve(builder.build(), SECONDS)
    assert outcome.reason is Reason.INFEASIBLE
    assert outcome.values is None


@every_solver
def test_bound_without_a_solution_is_none_or_a_bound(solver: Solver) -> None:
    outcome = solver.solve(knapsack(), 1e-6)
    assert outcome.bound <= -17 * (1 - 1e-9)
    assert not math.isnan(outcome.bound)

"""Every solver that takes whole numbers, on programs that differ from their relaxation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from optimizer.errors import UnsupportedError
from optimizer.program import INFINITY, Program, ProgramBuilder
from optimizer.solvers.base import News, Outcome, Reason, Solver
from optimizer.solvers.cp_sat import CpSat, inexact, state
from optimizer.solvers.registry import SOLVERS
from optimizer.solvers.workers import Job, Workers, stop_requested
from tests.conformance.certificate import worst_violation

SECONDS = 20.0
ABLE = [make() for make in SOLVERS.values() if make().capabilities.integers]
every_solver = pytest.mark.parametrize("solver", ABLE, ids=lambda solver: solver.name)


def knapsack(solver: Solver, usd: float = 1.0) -> Program:
    """min -10 a - 13 b - 7 c + d, 5 a + 7 b + 4 c - d <= 9, a to c 0 or 1, 0 <= d <= 1.

    Without d: a and c fill 9 for 17, b alone gives 13; b and a would take 12. With d = 1 the
    room is 10 for nothing more. Optimum -17; without whole numbers b would be cut, for more.
    d may be cut where the solver takes that; whole or not, it stays at 0.
    """
    builder = ProgramBuilder()
    gain = [-10.0 * usd, -13.0 * usd, -7.0 * usd]
    taken = builder.columns("taken", 3, cost=gain, upper=1.0, integer=True)
    whole = not solver.capabilities.real_columns
    more = builder.columns("more", 1, cost=usd, upper=1.0, integer=whole)
    row = builder.rows("room", 1, upper=9.0)
    builder.add(row, taken, [5.0, 7.0, 4.0])
    builder.add(row, more, -1.0)
    return builder.build()


def hard(solver: Solver, size: int = 60, rows: int = 8, usd: float = 1.0) -> Program:
    """Knapsacks that share their items, each half full, and one column that widens them.

    Whatever holds 60 items in 8 knapsacks takes minutes; 25 in 4 take a second.
    """
    generator = np.random.default_rng(3)
    builder = ProgramBuilder()
    weight = generator.integers(10, 1000, (rows, size)).astype(float)
    gain = -(weight.sum(axis=0) / rows + generator.integers(0, 500, size)) * usd
    x = builder.columns("x", size, cost=gain, upper=1.0, integer=True)
    whole = not solver.capabilities.real_columns
    wide = builder.columns("wide", 1, cost=0.25 * usd, upper=50.0, integer=whole)
    row = builder.rows("room", rows, upper=np.floor(weight.sum(axis=1) / 2))
    builder.add(row[:, None], x[None, :], weight)
    builder.add(row, wide, -0.75)
    return builder.build()


@every_solver
@pytest.mark.parametrize("usd", [1.0, 1e-9, 1e9])
def test_optimum_and_bound_of_a_knapsack(solver: Solver, usd: float) -> None:
    program = knapsack(solver, usd)
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
    outcome = solver.solve(knapsack(solver), 1e-6)
    assert outcome.bound <= -17 * (1 - 1e-9)
    assert not math.isnan(outcome.bound)


@every_solver
def test_without_time_a_bound_is_none_or_a_bound(solver: Solver) -> None:
    """Costs of every plan are below 0 here, which a bound of 0 would deny."""
    program = hard(solver)
    outcome = solver.solve(program, 0.01)
    assert outcome.reason in (Reason.TIME_LIMIT, Reason.OPTIMAL)
    assert outcome.bound <= -25_000


@every_solver
def test_nodes_are_counted(solver: Solver) -> None:
    assert solver.solve(hard(solver, 25, 4), SECONDS).nodes > 0


# --- hints ------------------------------------------------------------------------------------


@every_solver
@pytest.mark.parametrize("usd", [1.0, 1e-6])
def test_a_hint_is_taken_and_changes_no_optimum(solver: Solver, usd: float) -> None:
    program = hard(solver, 25, 4, usd)
    first = solver.solve(program, SECONDS)
    assert first.reason is Reason.OPTIMAL, first.detail
    assert first.values is not None
    again = solver.solve(program, SECONDS, hint=first.values)
    assert again.reason is Reason.OPTIMAL, again.detail
    assert again.values is not None
    least = float(program.cost @ first.values)
    assert program.cost @ again.values == pytest.approx(least, rel=1e-6)
    assert again.bound == pytest.approx(least, rel=2e-6)


@every_solver
def test_a_hint_is_where_the_search_starts(solver: Solver) -> None:
    """Beside a plan that takes a second to find, hardly any time is needed to have it again."""
    if not solver.capabilities.hints:
        pytest.skip(f"{solver.name} does not use hints")
    program = hard(solver)
    best = solver.solve(program, 1.5).values
    assert best is not None
    outcome = solver.solve(program, 0.3, hint=best)
    assert outcome.values is not None
    assert program.cost @ outcome.values <= program.cost @ best * (1 - 1e-9)


@every_solver
def test_a_hint_that_is_no_plan_does_no_harm(solver: Solver) -> None:
    program = knapsack(solver)
    outcome = solver.solve(program, SECONDS, hint=np.array([1.0, 1.0, 1.0, 0.0]))
    assert outcome.reason is Reason.OPTIMAL
    assert outcome.values == pytest.approx([1, 0, 1, 0], abs=1e-9)


# --- news -------------------------------------------------------------------------------------


@every_solver
@pytest.mark.parametrize("usd", [1.0, 1e-6, 1e6])
def test_news_on_the_way_is_true(solver: Solver, usd: float) -> None:
    """Every plan told of is one and better than the last, every bound is below the optimum."""
    if not solver.capabilities.news:
        pytest.skip(f"{solver.name} tells nothing on the way")
    program, told = hard(solver, 30, 5, usd), list[News]()
    outcome = solver.solve(program, SECONDS, tell=told.append)
    assert outcome.reason is Reason.OPTIMAL
    assert outcome.values is not None
    least = float(program.cost @ outcome.values)
    plans = [news.values for news in told if news.values is not None]
    costs = [float(program.cost @ values) for values in plans]
    assert costs, "no plan was told of"
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] >= least * (1 + 2e-6)
    assert max(worst_violation(program, values) for values in plans) <= 1e-5
    bounds = [news.bound for news in told]
    assert max(bounds) > -math.inf, "no bound was told of"
    assert max(bounds) <= least * (1 - 1e-9)


@every_solver
def test_a_linear_program_has_no_news(solver: Solver) -> None:
    if not solver.capabilities.real_columns:
        pytest.skip(f"{solver.name} takes no linear programs")
    told = list[News]()
    program = dataclasses.replace(knapsack(solver), integer=None)
    assert solver.solve(program, SECONDS, tell=told.append).reason is Reason.OPTIMAL
    assert told == []


@every_solver
@pytest.mark.parametrize("end", ["interrupt", "kill"])
def test_what_a_solver_found_survives_its_end(solver: Solver, end: str) -> None:
    """Ended as soon as a plan and a bound are known, in the middle of its work."""
    program, workers = hard(solver), Workers(1)

    def stop(position: int, news: News) -> None:
        if news.values is None or not math.isfinite(news.bound):
            return
        if end == "interrupt":
            raise KeyboardInterrupt
        (child,) = workers._busy
        child.process.kill()

    stop_requested.clear()
    try:
        (outcome,) = workers.run([Job(solver, program)], SECONDS, heard=stop)
    finally:
        stop_requested.clear()
        workers.close()
    assert outcome.reason is (Reason.INTERRUPTED if end == "interrupt" else Reason.CRASHED)
    check_plan_and_bound(program, outcome)


def check_plan_and_bound(program: Program, outcome: Outcome) -> None:
    assert outcome.values is not None
    assert worst_violation(program, outcome.values) <= 1e-5
    assert -60_000 < outcome.bound <= program.cost @ outcome.values


# --- CP-SAT: what can be stated with integers ----------------------------------------------------


def whole(
    cost: list[float],
    rows: list[tuple[list[float], float, float]],
    lower: float = 0.0,
    upper: float = 3.0,
) -> Program:
    """A program of whole numbers, from dense rows (entries, lower, upper limit)."""
    builder = ProgramBuilder()
    x = builder.columns("x", len(cost), cost=cost, lower=lower, upper=upper, integer=True)
    for entries, low, high in rows:
        builder.add(builder.rows("r", 1, lower=low, upper=high), x, entries)
    return builder.build()


def test_decimals_are_stated_exactly() -> None:
    """min -x - y, 0.1 x + 0.2 y <= 0.3 with both up to 3: (3, 0), and 0.1 * 3 > 0.3 in floats."""
    program = whole([-1, -1], [([0.1, 0.2], -INFINITY, 0.3)])
    stated = state(program)
    assert stated.entries.tolist() == [1, 2]
    assert stated.row_upper.tolist() == [3]
    outcome = CpSat().solve(program, SECONDS)
    assert outcome.reason is Reason.OPTIMAL
    assert outcome.values == pytest.approx([3, 0])
    assert outcome.bound == -3


def test_limits_between_integers_are_moved_inwards() -> None:
    """min x + y, 2 x + 2 y >= 3, -1.5 <= x, y <= 2.5: from -1 to 2, the sum at least 2."""
    program = whole([1, 1], [([2, 2], 3, INFINITY)], lower=-1.5, upper=2.5)
    stated = state(program)
    assert (stated.lower.tolist(), stated.upper.tolist()) == ([-1, -1], [2, 2])
    outcome = CpSat().solve(program, SECONDS)
    assert outcome.values is not None
    assert outcome.values.sum() == 2
    assert outcome.bound == 2


def test_limits_without_a_whole_number_between_are_infeasible() -> None:
    columns = whole([1], [], 0.25, 0.75)
    rows = whole([1], [([2], 2.5, 3.5), ([1], 0, INFINITY)])
    beyond = whole([1], [([2], 1e30, INFINITY)])
    for program in (columns, rows, beyond):
        assert CpSat().solve(program, SECONDS).reason is Reason.INFEASIBLE


def test_limits_out_of_reach_hold_nothing() -> None:
    outcome = CpSat().solve(whole([-1], [([2], -1e30, 1e30)]), SECONDS)
    assert outcome.values == pytest.approx([3])


def test_any_costs_are_stated_with_a_bound_that_holds() -> None:
    """Costs of thirds and of pi are no decimals; the bound is below the optimum, and near."""
    program = whole([-1 / 3, -math.pi, 1e-7 / 3], [([1, 2, 1], 4, 5)])
    outcome = CpSat().solve(program, SECONDS)
    # y gives most: 2, then one x, and no z.
    assert outcome.values == pytest.approx([1, 2, 0])
    least = -1 / 3 - 2 * math.pi
    assert outcome.bound <= least
    assert outcome.bound == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (whole([1], [([math.pi], 1, 2)]), "entries of row 0 cannot be made integers exactly"),
        (whole([1], [([1], 0, 1), ([1e-13], 0, 1)]), "entries of row 1 cannot be made integers"),
        (whole([1], [], upper=INFINITY), "takes columns with limits only"),
        (whole([1], [], upper=1e15), "a column reaches 1e\\+15, too far"),
        (whole([1], [([1e9], 0, 1)], upper=2e9), "a row adds up to more than it can hold"),
    ],
)
def test_what_cannot_be_stated_is_refused(program: Program, words: str) -> None:
    with pytest.raises(UnsupportedError, match=f"cp_sat: .*{words}"):
        CpSat().solve(program, SECONDS)
    assert inexact(program)


def test_same_program_same_plan() -> None:
    program = hard(CpSat(), 25, 4)
    first, second = (CpSat().solve(program, SECONDS) for _ in range(2))
    assert (first.values == second.values).all()
    assert (first.bound, first.nodes) == (second.bound, second.nodes)

"""Every solver on every case, as its capabilities promise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer.errors import UnsupportedError
from optimizer.program import Basis
from optimizer.solvers.base import Outcome, Reason, Solver
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.registry import SOLVERS
from tests.conformance.cases import CASES, Case, transport
from tests.conformance.certificate import dual_bound, worst_violation

SECONDS = 20.0

# The registered solvers that take these programs, as they come, and the other ways into them.
ROUTES: dict[str, Solver] = {
    **{name: make() for name, make in SOLVERS.items() if make().capabilities.real_columns},
    "glop, basis kept": Glop(keep_basis=True),
    "highs, interior point": Highs(interior_point=True),
}

every_route = pytest.mark.parametrize("solver", ROUTES.values(), ids=ROUTES)
every_case = pytest.mark.parametrize("case", CASES, ids=str)
optimal_case = pytest.mark.parametrize(
    "case", [case for case in CASES if case.reason is Reason.OPTIMAL], ids=str
)


def tolerance(solver: Solver) -> float:
    """How near an answer has to come: rounding for a vertex, a norm otherwise."""
    return 1e-9 if solver.capabilities.exact else 1e-5


def solved(solver: Solver, case: Case, start: Basis | None = None) -> Outcome:
    """Solve, and skip where there is no column to decide on and the solver says it cannot.

    Such programs never reach a solver: ``split`` gives no parts for them.
    """
    outcome = solver.solve(case.program, SECONDS, start)
    if case.program.num_columns == 0 and outcome.reason is Reason.FAILED:
        assert outcome.detail
        pytest.skip(f"{solver.name} takes no program without columns: {outcome.detail}")
    return outcome


@every_route
@every_case
def test_verdict_is_right(solver: Solver, case: Case) -> None:
    """Only a right verdict, or for unbounded programs one of the others, but never optimal."""
    outcome = solved(solver, case)
    if case.reason is Reason.UNBOUNDED:
        # GLOP calls them infeasible, PDLP does not end: nothing believes either unchecked.
        assert outcome.reason is not Reason.OPTIMAL
        return
    assert outcome.reason is case.reason


@every_route
@optimal_case
def test_values_are_feasible_and_cheapest(solver: Solver, case: Case) -> None:
    outcome, slack = solved(solver, case), tolerance(solver)
    assert outcome.values is not None
    assert worst_violation(case.program, outcome.values) <= slack
    cost = float(case.program.cost @ outcome.values)
    size = float(np.abs(case.program.cost) @ np.abs(outcome.values))
    assert cost == pytest.approx(case.objective, rel=slack, abs=slack * size)
    if case.values is not None:
        scale = max(map(abs, case.values), default=0.0)
        assert outcome.values == pytest.approx(case.values, rel=slack, abs=slack * scale)


@every_route
@optimal_case
def test_duals_prove_the_optimum(solver: Solver, case: Case) -> None:
    """Signs are right and the bound that the duals give is the least cost."""
    if not solver.capabilities.duals:
        pytest.skip(f"{solver.name} gives no duals")
    outcome, slack = solved(solver, case), tolerance(solver)
    if case.program.num_columns == 0:
        return
    assert outcome.duals is not None
    bound = dual_bound(case.program, outcome.duals, slack)
    assert outcome.values is not None
    size = float(np.abs(case.program.cost) @ np.abs(outcome.values))
    assert bound == pytest.approx(case.objective, rel=slack, abs=10 * slack * size)
    if case.duals is not None:
        scale = max(map(abs, case.duals), default=0.0)
        assert outcome.duals == pytest.approx(case.duals, rel=slack, abs=slack * scale)


@every_route
@every_case
def test_no_values_without_a_feasible_point(solver: Solver, case: Case) -> None:
    if case.reason is Reason.INFEASIBLE:
        assert solved(solver, case).values is None


@every_route
@optimal_case
def test_constant_is_not_part_of_what_is_solved(solver: Solver, case: Case) -> None:
    """The same program with another constant has the same answer."""
    moved = dataclasses.replace(case.program, offset=1e12)
    outcome = solved(solver, dataclasses.replace(case, program=moved))
    assert outcome.values is not None
    cost = float(moved.cost @ outcome.values)
    size = float(np.abs(moved.cost) @ np.abs(outcome.values))
    slack = tolerance(solver)
    assert cost == pytest.approx(case.objective, rel=slack, abs=slack * size)


@pytest.mark.parametrize("case", [case for case in CASES if case.program.num_columns], ids=str)
@pytest.mark.parametrize(
    "solver",
    [make() for make in SOLVERS.values() if not make().capabilities.real_columns],
    ids=lambda solver: solver.name,
)
def test_real_columns_are_refused_without_the_capability(solver: Solver, case: Case) -> None:
    with pytest.raises(UnsupportedError, match=f"{solver.name}: it takes whole numbers only"):
        solver.solve(case.program, SECONDS)


@every_route
def test_basis_is_given_and_taken_as_promised(solver: Solver) -> None:
    """A second solve from the final basis needs no iterations; without one nothing changes."""
    program = transport(12, 15)
    first = solver.solve(program, SECONDS)
    assert first.values is not None
    if not solver.capabilities.basis:
        start = Basis(np.zeros(program.num_columns, np.int8), np.zeros(program.num_rows, np.int8))
        again = solver.solve(program, SECONDS, start)
        assert again.reason is Reason.OPTIMAL
        assert again.values == pytest.approx(first.values, rel=1e-9, abs=1e-9)
        return
    basis = Glop(keep_basis=True).solve(program, SECONDS).basis
    assert basis is not None
    basic = np.concatenate([basis.columns, basis.rows]) == 2
    assert basic.sum() == program.num_rows
    again = solver.solve(program, SECONDS, basis)
    assert again.reason is Reason.OPTIMAL
    assert again.iterations == 0
    assert again.values is not None
    assert program.cost @ again.values == pytest.approx(program.cost @ first.values, rel=1e-9)


@every_route
def test_time_limit_is_named_and_gives_no_false_values(solver: Solver) -> None:
    """At a limit the verdict is the limit, and values that come with it keep every rule."""
    program = transport(150, 150)
    outcome = solver.solve(program, 0.005)
    assert outcome.reason in (Reason.TIME_LIMIT, Reason.OPTIMAL), outcome.detail
    if outcome.values is not None:
        assert worst_violation(program, outcome.values) <= tolerance(solver)


@every_route
@pytest.mark.parametrize("place", ["cost", "lower", "upper", "row_lower", "row_upper", "values"])
def test_what_is_not_a_number_is_refused(solver: Solver, place: str) -> None:
    """Handed over as it is, some solvers call such a program infeasible."""
    sound = transport(2, 2)
    broken = getattr(sound, place).copy()
    broken[0] = np.nan
    with pytest.raises(RuntimeError, match=f"program: expected .*numbers in {place}"):
        solver.solve(dataclasses.replace(sound, **{place: broken}), SECONDS)

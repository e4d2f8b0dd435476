"""Faults of OR-Tools 9.15 that this package works around, each with two tests.

One looks at the raw fault: when an upgrade mends it, the test fails and says what may be
simplified. The other shows that our own way is right whether or not the fault is there.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.errors import UnsupportedError
from optimizer.program import Basis, Program
from optimizer.solvers.base import Reason, Solver
from optimizer.solvers.blocks import join, split
from optimizer.solvers.cp_sat import CpSat
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.mathopt import _message
from optimizer.solvers.model_builder import solve_arrays
from optimizer.solvers.pdlp import Pdlp
from optimizer.solvers.registry import SOLVERS
from tests.conformance.cases import INF, program, transport
from tests.conformance.certificate import worst_violation
from tests.conformance.test_whole_numbers import hard

TINY = Path(__file__).parents[2] / "instances" / "tiny"
_MAKERS = {name: make for name, make in SOLVERS.items() if make().capabilities.real_columns}
EVERY_SOLVER = pytest.mark.parametrize("solver", [make() for make in _MAKERS.values()], ids=_MAKERS)

# min x + 2 y, x + y = 3, x <= 1: activities (3, 1), duals (2, -1).
TWO_ROWS = program((1, 2), [(3, (1, 1), 3), (-INF, (1, 0), 1)])


def raw_arrays(name: str, given: Program, seconds: float | None = None) -> Any:
    """Solve through model_builder's inner module, without scaling or options."""
    from ortools.linear_solver.python import model_builder_helper as inner
    from scipy.sparse import csr_matrix

    helper = inner.ModelBuilderHelper()
    shape = (given.num_rows, given.num_columns)
    helper.fill_model_from_sparse_data(
        given.lower, given.upper, given.cost, given.row_lower, given.row_upper,
        csr_matrix((given.values, given.columns, given.starts), shape=shape),
    )  # fmt: skip
    native = inner.ModelSolverHelper(name)
    if seconds is not None:
        native.set_time_limit_in_seconds(seconds)
    native.solve(helper)
    return native


def raw_message(name: str, given: Program, seconds: float | None = None) -> Any:
    """Solve through MathOpt's inner module, without scaling or options."""
    from ortools.math_opt import callback_pb2, model_parameters_pb2, parameters_pb2
    from ortools.math_opt.core.python import solver

    parameters = parameters_pb2.SolveParametersProto()
    if seconds is not None:
        parameters.time_limit.FromNanoseconds(int(seconds * 1e9))
    return solver.solve(
        _message(given), parameters_pb2.SolverTypeProto.Value(f"SOLVER_TYPE_{name}"),
        parameters_pb2.SolverInitializerProto(), parameters,
        model_parameters_pb2.ModelSolveParametersProto(), None,
        callback_pb2.CallbackRegistrationProto(), None, None,
    )  # fmt: skip


def run_python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=120
    )


# --- duals of HiGHS ------------------------------------------------------------------------


def test_canary_highs_through_model_builder_gives_activities_as_duals() -> None:
    native = raw_arrays("highs_lp", TWO_ROWS)
    assert list(native.variable_values()) == [1, 2]
    assert list(native.dual_values()) == [3, 1], (
        "mended upstream: highs may go through optimizer/solvers/model_builder.py, which is "
        "faster to load, when its duals are (2, -1)"
    )


def test_duals_of_highs_are_right() -> None:
    outcome = Highs().solve(TWO_ROWS)
    assert outcome.duals == pytest.approx([2, -1])


def test_model_builder_route_refuses_highs() -> None:
    with pytest.raises(RuntimeError, match="highs_lp gives wrong duals through model_builder"):
        solve_arrays("highs_lp", TWO_ROWS, None, "")


# --- errors that lose their text -----------------------------------------------------------

ALL_BASIC = Basis(np.array([2, 2], np.int8), np.array([2, 2], np.int8))


def test_canary_public_mathopt_loses_the_text_of_an_error() -> None:
    """google/or-tools#4606, here with a variable whose bounds are not numbers."""
    from ortools.math_opt.python import mathopt

    model = mathopt.Model()
    model.add_variable(lb=float("nan"), ub=1.0)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what comes is what is looked at
        mathopt.solve(model, mathopt.SolverType.GLOP)
    assert isinstance(caught.value, AttributeError), (
        "mended upstream: optimizer/solvers/mathopt.py may catch the public module's own "
        f"exceptions instead of StatusNotOk; it raised {caught.value!r}"
    )
    assert "canonical_code" in str(caught.value)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (ALL_BASIC, "inconsistent number of non-basic variable"),
        (Basis(np.zeros(2, np.int8), np.zeros(2, np.int8)), "inconsistent number of non-basic"),
        (Basis(np.zeros(2, np.int8), np.full(3, 2, np.int8)), "has size 3"),
    ],
)
def test_error_of_mathopt_is_a_failure_with_its_text(start: Basis, words: str) -> None:
    """Shown by starts that are no basis."""
    outcome = Glop().solve(TWO_ROWS, None, start)
    assert outcome.reason is Reason.FAILED
    assert words in outcome.detail
    assert outcome.values is None


# --- small coefficients --------------------------------------------------------------------

# 1e-10 x + y >= 1, x <= 1e10, y = 0: x = 1e10 is the one feasible point.
NEEDS_SMALL_ENTRY = program((0, 1), [(1, (1e-10, 1), INF)], upper=(1e10, 0))


def test_canary_highs_drops_small_entries() -> None:
    from ortools.linear_solver.python import model_builder_helper as inner

    status = raw_arrays("highs_lp", NEEDS_SMALL_ENTRY).status()
    assert status == inner.SolveStatus.INFEASIBLE, (
        "mended upstream: LOST of optimizer/solvers/scaling.py may shrink; HiGHS now answers "
        f"{status}"
    )


@EVERY_SOLVER
def test_small_entry_counts(solver: Solver) -> None:
    outcome = solver.solve(NEEDS_SMALL_ENTRY, 20.0)
    assert outcome.reason is Reason.OPTIMAL
    assert outcome.values is not None
    assert outcome.values[0] == pytest.approx(1e10, rel=1e-5)


@EVERY_SOLVER
def test_entries_that_no_scaling_can_hold_are_refused(solver: Solver) -> None:
    """In a dense square of four only the product across the diagonals could be changed."""
    spread = program((1, 1), [(1, (1, 1), INF), (1, (1, 1e-40), INF)], upper=9)
    with pytest.raises(ValueError, match="coefficients spread over more than solvers can hold"):
        solver.solve(spread, 5.0)


# --- solutions that are there and no solutions -----------------------------------------------


@pytest.mark.parametrize("name", ["HIGHS", "PDLP"])
def test_canary_solution_is_present_at_a_limit_though_not_feasible(name: str) -> None:
    from ortools.math_opt import solution_pb2

    # On a busy machine a short limit ends the solver before it has anything at all.
    limits = (0.01, 0.02, 0.05, 0.1, 0.2)
    answers = (raw_message(name, transport(200, 200), seconds) for seconds in limits)
    answer = next((answer for answer in answers if answer.solutions), None)
    assert answer is not None, (
        "mended upstream: _outcome of optimizer/solvers/mathopt.py may take solutions[0] as "
        "it is when an infeasible one is no longer given"
    )
    status = answer.solutions[0].primal_solution.feasibility_status
    assert status != solution_pb2.SOLUTION_STATUS_FEASIBLE


@pytest.mark.parametrize("solver", [Highs(), Glop(), Glop(keep_basis=True), Pdlp()], ids=str)
def test_values_at_a_limit_are_feasible_or_none(solver: Solver) -> None:
    given = transport(200, 200)
    outcome = solver.solve(given, 0.01)
    assert outcome.reason is Reason.TIME_LIMIT, outcome.detail
    if outcome.values is not None:
        assert worst_violation(given, outcome.values) <= 1e-6


def test_canary_glop_does_not_say_which_limit_it_reached() -> None:
    from ortools.math_opt import result_pb2

    termination = raw_message("GLOP", transport(200, 200), 0.01).termination
    assert termination.limit == result_pb2.LIMIT_UNDETERMINED, (
        "mended upstream: the look at the clock in optimizer/solvers/mathopt.py may go, "
        f"GLOP names limit {termination.limit}"
    )


# --- plans that are found on the way --------------------------------------------------------


def test_canary_highs_calls_back_with_no_plan() -> None:
    """It takes the registration all the same. The knapsack is the one of the other tests."""
    from ortools.math_opt import callback_pb2, model_parameters_pb2, parameters_pb2
    from ortools.math_opt.core.python import solver

    called = []
    events = callback_pb2.CallbackRegistrationProto()
    events.request_registration.append(callback_pb2.CALLBACK_EVENT_MIP_SOLUTION)

    def plan(event: Any) -> Any:
        called.append(event.event)
        return callback_pb2.CallbackResultProto()

    answer = solver.solve(
        _message(hard(Highs(), 25, 4)), parameters_pb2.SOLVER_TYPE_HIGHS,
        parameters_pb2.SolverInitializerProto(), parameters_pb2.SolveParametersProto(),
        model_parameters_pb2.ModelSolveParametersProto(), None, events, plan, None,
    )  # fmt: skip
    assert answer.solutions
    assert not called, (
        "mended upstream: plan_events may replace the file of plans in optimizer/solvers/highs.py"
    )


# --- a bound that is none -------------------------------------------------------------------

# min -x - y, 3 x + y <= 1, x + 3 y <= 1: both at 1/4, cost -1/2.
QUARTERS = program((-1, -1), [(-INF, (3, 1), 1), (-INF, (1, 3), 1)], upper=1)


def test_canary_cp_sat_calls_a_wrong_answer_optimal() -> None:
    from ortools.math_opt import result_pb2

    termination = raw_message("CP_SAT", QUARTERS, 5.0).termination
    assert termination.reason == result_pb2.TERMINATION_REASON_OPTIMAL
    assert termination.objective_bounds.dual_bound > -0.5 + 1e-6, (
        "mended upstream: the refusal of real columns in optimizer/solvers/cp_sat.py may be "
        f"looked at again; its bound is {termination.objective_bounds.dual_bound}"
    )


def test_cp_sat_refuses_what_it_would_get_wrong() -> None:
    with pytest.raises(UnsupportedError, match="cp_sat: it takes whole numbers only"):
        CpSat().solve(QUARTERS, 5.0)


def test_cp_sat_without_time_claims_no_bound() -> None:
    """Its response holds a bound of 0 before it has any; this program costs -2."""
    rows = [(-INF, (3, 1), 4), (-INF, (1, 3), 4)]
    given = program((-1, -1), rows, upper=9)
    given = dataclasses.replace(given, integer=np.ones(2, np.bool_))
    for seconds in (1e-6, 1e-3, 5.0):
        assert CpSat().solve(given, seconds).bound <= -2


# --- verdicts that are false -----------------------------------------------------------------


def chain(length: int, factor: float) -> Program:
    """x[0] <= 1, x[k+1] <= factor x[k], x[length] >= half of factor ** length: feasible."""
    rows: list[tuple[float, list[float], float]] = []
    for k in range(length):
        row = [0.0] * (length + 1)
        row[k], row[k + 1] = -factor, 1.0
        rows.append((-INF, row, 0.0))
    last = [0.0] * length + [1.0]
    rows.append((0.5 * factor**length, last, INF))
    return program(last, rows, upper=[1.0] + [INF] * length)


def test_canary_pdlp_calls_a_feasible_program_infeasible() -> None:
    """google/or-tools#4874: its test for a proof passes on numbers that are merely small."""
    from ortools.linear_solver.python import model_builder_helper as inner

    status = raw_arrays("pdlp", chain(3, 1000.0), 5.0).status()
    assert status == inner.SolveStatus.INFEASIBLE, (
        "mended upstream: eps_primal_infeasible in optimizer/solvers/pdlp.py may go back to "
        f"its default; PDLP now answers {status}"
    )


@EVERY_SOLVER
def test_feasible_chain_is_not_called_infeasible(solver: Solver) -> None:
    outcome = solver.solve(chain(3, 1000.0), 1.0)
    assert outcome.reason in (Reason.OPTIMAL, Reason.TIME_LIMIT)


def test_canary_glop_calls_an_unbounded_program_infeasible() -> None:
    from ortools.linear_solver.python import model_builder_helper as inner

    status = raw_arrays("glop", program((-1,), [(1, (1,), INF)])).status()
    assert status == inner.SolveStatus.INFEASIBLE, (
        f"mended upstream: GLOP now answers {status}; test_verdict_is_right may expect UNBOUNDED"
    )


def test_canary_not_a_number_makes_a_program_infeasible() -> None:
    from ortools.linear_solver.python import model_builder_helper as inner

    broken = dataclasses.replace(program((1,), [(1, (1,), INF)]), upper=np.array([np.nan]))
    status = raw_arrays("glop", broken).status()
    assert status == inner.SolveStatus.INFEASIBLE, (
        "mended upstream: the refusal in optimizer/solvers/scaling.py stays right, but this "
        f"is no longer why; GLOP answers {status}"
    )


# --- first-order solver without columns ------------------------------------------------------

NO_COLUMNS = program((), [(0, (), 1)])


def test_canary_pdlp_takes_no_program_without_columns() -> None:
    native = raw_arrays("pdlp", NO_COLUMNS)
    assert not native.has_solution(), "mended upstream: the skip in test_solver.py may go"


@pytest.mark.parametrize(("lower", "reason"), [(0, Reason.OPTIMAL), (1, Reason.INFEASIBLE)])
def test_program_without_columns_reaches_no_solver(lower: float, reason: Reason) -> None:
    given = program((), [(lower, (), 1)])
    parts = split(given)
    assert parts == []
    assert join(given, parts, []).reason is reason


# --- the process around the solver ---------------------------------------------------------

SOLVE = """
import sys
{before}
import optimizer
result = optimizer.solve(optimizer.read(sys.argv[1]), solver="{solver}")
assert result.status == "optimal" and round(result.objective_usd, 6) == 284, result.reason
{after}
"""


def test_canary_highs_prints_on_standard_output() -> None:
    script = (
        "from tests.conformance.test_traps import TWO_ROWS, raw_arrays\n"
        "raw_arrays('highs_lp', TWO_ROWS)\n"
    )
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    assert "HiGHS" in done.stdout, (
        "mended upstream: the redirection in optimizer/solvers/worker.py is no longer needed "
        "for HiGHS"
    )


@pytest.mark.parametrize("solver", ["highs", "auto"])
def test_nothing_is_printed_on_standard_output(solver: str) -> None:
    done = run_python(SOLVE.format(before="", after="", solver=solver), str(TINY / "capacity"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr == ""


def test_canary_highspy_and_ortools_do_not_share_a_process() -> None:
    """google/or-tools#5246."""
    if importlib.util.find_spec("highspy") is None:
        pytest.skip("highspy is not installed, so there is nothing to clash with")
    done = run_python("import highspy, ortools.math_opt.core.python.solver")
    assert "ImportError" in done.stderr, (
        "mended upstream: a child process is no longer needed for this"
    )


def test_parent_that_cannot_import_ortools_still_solves() -> None:
    """As after an import of highspy: solvers run in children that start from nothing."""
    before = (
        "import types; sys.modules['highspy'] = types.ModuleType('highspy'); "
        "sys.modules['ortools'] = None"
    )
    script = SOLVE.format(before=before, after="", solver="auto")
    done = run_python(script, str(TINY / "capacity"))
    assert done.returncode == 0, done.stderr


def test_parent_never_loads_a_native_solver() -> None:
    """What is not loaded cannot clash, print, crash or swallow Ctrl-C."""
    after = "assert not [name for name in sys.modules if name.split('.')[0] == 'ortools']"
    script = SOLVE.format(before="", after=after, solver="auto")
    done = run_python(script, str(TINY / "capacity"))
    assert done.returncode == 0, done.stderr

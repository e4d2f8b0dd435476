"""Solvers through MathOpt's model message: the only way to right duals from HiGHS.

Filled from arrays, never variable by variable. Faults of OR-Tools 9.15 that are guarded
here, each with a test in tests/conformance/test_traps.py:

* HiGHS through ``model_builder`` and ``pywraplp`` gives row activities as duals; hence
  this route.
* errors surface as ``AttributeError: 'StatusNotOk' object has no attribute
  'canonical_code'`` through the public module (google/or-tools#4606); hence the inner one.
* GLOP that stops at the time limit says LIMIT_UNDETERMINED; hence the look at the clock.
* ``solutions[0]`` is there after a limit even when it is not feasible; hence the look at
  its feasibility status.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.program import Program
from optimizer.solvers.base import AT_LOWER, AT_UPPER, BASIC, Basis, Float, Outcome, Reason, Tell
from optimizer.solvers.listening import Line, Watch, on_lines, plans_file
from optimizer.solvers.scaling import scale

# Values of BasisStatusProto.
_FREE, _LOWER, _UPPER, _FIXED, _BASIC = 1, 2, 3, 4, 5
_FEASIBLE = 2  # SOLUTION_STATUS_FEASIBLE


@dataclass(frozen=True)
class Request:
    """How a solver behind MathOpt is to be called.

    Attributes
    ----------
    solver_type : name of the member of SolverTypeProto.
    algorithm : name of the member of LPAlgorithmProto, empty for the solver's choice.
    options : text form of the solver's own options within SolveParametersProto.
    relative_gap : gap at which a solver of integer programs may stop, None for its own.
    line : reads bounds from lines of its log, None when they are not to be read.
    plan_events : whether it calls back with plans.
    plan_option : text form of the option by which it writes plans to a file ``{name}``.
    """

    solver_type: str
    algorithm: str = ""
    options: str = ""
    relative_gap: float | None = None
    line: Line | None = None
    plan_events: bool = False
    plan_option: str = ""


def solve_message(
    request: Request,
    program: Program,
    seconds: float | None,
    start: Basis | None = None,
    hint: Float | None = None,
    tell: Tell | None = None,
) -> Outcome:
    """Scale, hand over, solve, scale back."""
    from google.protobuf import text_format
    from ortools.math_opt import callback_pb2, model_parameters_pb2, parameters_pb2
    from ortools.math_opt.core.python import solver as core
    from pybind11_abseil.status import StatusNotOk

    begun = time.monotonic()
    scaled = scale(program)
    watch = None if tell is None or program.integer is None else Watch(scaled, tell)
    parameters = parameters_pb2.SolveParametersProto()
    if request.options:
        text_format.Parse(request.options, parameters)
    if request.algorithm:
        parameters.lp_algorithm = parameters_pb2.LPAlgorithmProto.Value(request.algorithm)
    if request.relative_gap is not None:
        parameters.relative_gap_tolerance = request.relative_gap
    if seconds is not None:
        # Loading is part of the budget, and a limit of zero would mean "no limit".
        left = max(seconds - (time.monotonic() - begun), 1e-3)
        parameters.time_limit.FromNanoseconds(int(min(left, 1e9) * 1e9))
    model = model_parameters_pb2.ModelSolveParametersProto()
    if start is not None:
        _fill_basis(model.initial_basis, start)
    if hint is not None and program.integer is not None:
        values = model.solution_hints.add().variable_values
        values.ids.extend(np.arange(program.num_columns))
        values.values.extend(scaled.hint(hint))
    events = callback_pb2.CallbackRegistrationProto()
    if watch is not None and request.plan_events:
        events.request_registration.append(callback_pb2.CALLBACK_EVENT_MIP_SOLUTION)
    try:
        with contextlib.ExitStack() as stack:
            if watch is not None and request.plan_option:
                name = stack.enter_context(plans_file(watch.found))
                if name is not None:
                    text_format.Merge(request.plan_option.replace("{name}", name), parameters)
            answer = core.solve(
                _message(scaled.program),
                parameters_pb2.SolverTypeProto.Value(request.solver_type),
                parameters_pb2.SolverInitializerProto(),
                parameters,
                model,
                None if watch is None or request.line is None else on_lines(request.line, watch),
                events,
                _on_plan(watch, program.num_columns) if len(events.request_registration) else None,
                None,
            )
    except StatusNotOk as error:
        return Outcome(Reason.FAILED, detail=str(error), seconds=time.monotonic() - begun)
    outcome = _outcome(answer, program.num_columns, program.num_rows)
    took = time.monotonic() - begun
    reason = outcome.reason
    if reason is Reason.FAILED and _stopped_early(answer.termination) and seconds is not None:
        reason = Reason.TIME_LIMIT if took >= 0.9 * seconds else reason
    return Outcome(
        reason,
        None if outcome.values is None else scaled.values(outcome.values),
        None if outcome.duals is None else scaled.duals(outcome.duals),
        outcome.basis,
        outcome.detail,
        took,
        outcome.iterations,
        scaled.bound(outcome.bound),
        outcome.nodes,
    )


def _on_plan(watch: Watch | None, columns: int) -> Callable[[Any], Any]:
    """A callback for plans."""
    from ortools.math_opt import callback_pb2

    def plan(event: Any) -> Any:
        with contextlib.suppress(Exception):
            if watch is not None:
                watch.found(_dense(event.primal_solution_vector, columns))
                watch.proved(event.mip_stats.dual_bound, event.mip_stats.explored_nodes)
        return callback_pb2.CallbackResultProto()

    return plan


def _message(program: Program) -> Any:
    """The program as ModelProto, filled from arrays."""
    from ortools.math_opt import model_pb2

    message = model_pb2.ModelProto()
    ids = np.arange(program.num_columns)
    message.variables.ids.extend(ids)
    message.variables.lower_bounds.extend(program.lower)
    message.variables.upper_bounds.extend(program.upper)
    whole = np.zeros(program.num_columns, np.bool_) if program.integer is None else program.integer
    message.variables.integers.extend(whole)
    costly = np.flatnonzero(program.cost)
    message.objective.linear_coefficients.ids.extend(costly)
    message.objective.linear_coefficients.values.extend(program.cost[costly])
    message.linear_constraints.ids.extend(np.arange(program.num_rows))
    message.linear_constraints.lower_bounds.extend(program.row_lower)
    message.linear_constraints.upper_bounds.extend(program.row_upper)
    matrix = message.linear_constraint_matrix
    matrix.row_ids.extend(np.repeat(np.arange(program.num_rows), np.diff(program.starts)))
    matrix.column_ids.extend(program.columns)
    matrix.coefficients.extend(program.values)
    return message


def _fill_basis(message: Any, basis: Basis) -> None:
    names = np.zeros(3, np.int64)
    names[[AT_LOWER, AT_UPPER, BASIC]] = (_LOWER, _UPPER, _BASIC)
    message.variable_status.ids.extend(np.arange(len(basis.columns)))
    message.variable_status.values.extend(names[basis.columns])
    message.constraint_status.ids.extend(np.arange(len(basis.rows)))
    message.constraint_status.values.extend(names[basis.rows])


def _outcome(answer: Any, columns: int, rows: int) -> Outcome:
    """Read an answer; values count only when the solver calls them feasible."""
    reason = _reason(answer.termination)
    values = duals = basis = None
    if answer.solutions:
        solution = answer.solutions[0]
        if solution.primal_solution.feasibility_status == _FEASIBLE:
            values = _dense(solution.primal_solution.variable_values, columns)
        if solution.HasField("dual_solution"):
            duals = _dense(solution.dual_solution.dual_values, rows)
        if solution.HasField("basis"):
            basis = Basis(
                _status(solution.basis.variable_status, columns),
                _status(solution.basis.constraint_status, rows),
            )
    if reason is Reason.OPTIMAL and values is None:
        reason = Reason.FAILED
    stats = answer.solve_stats
    iterations = stats.simplex_iterations + stats.barrier_iterations + stats.first_order_iterations
    bound = answer.termination.objective_bounds.dual_bound
    detail = answer.termination.detail
    nodes = stats.node_count
    return Outcome(reason, values, duals, basis, detail, 0.0, iterations, float(bound), nodes)


def _reason(termination: Any) -> Reason:
    """Map the two-level termination; what is not known is a failure, never a success."""
    from ortools.math_opt import result_pb2

    reason = result_pb2.TerminationReasonProto.Name(termination.reason)
    if reason in ("TERMINATION_REASON_FEASIBLE", "TERMINATION_REASON_NO_SOLUTION_FOUND"):
        limit = result_pb2.LimitProto.Name(termination.limit)
        return {
            "LIMIT_TIME": Reason.TIME_LIMIT,
            "LIMIT_INTERRUPTED": Reason.INTERRUPTED,
            "LIMIT_MEMORY": Reason.OUT_OF_MEMORY,
        }.get(limit, Reason.FAILED)
    return {
        "TERMINATION_REASON_OPTIMAL": Reason.OPTIMAL,
        "TERMINATION_REASON_INFEASIBLE": Reason.INFEASIBLE,
        "TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED": Reason.INFEASIBLE,
        "TERMINATION_REASON_UNBOUNDED": Reason.UNBOUNDED,
    }.get(reason, Reason.FAILED)


def _stopped_early(termination: Any) -> bool:
    """Whether the solver ran into a limit and could not say which."""
    from ortools.math_opt import result_pb2

    return bool(termination.limit == result_pb2.LIMIT_UNDETERMINED)


def _dense(sparse: Any, size: int) -> NDArray[np.float64]:
    dense = np.zeros(size)
    dense[np.fromiter(sparse.ids, np.int64, len(sparse.ids))] = np.fromiter(
        sparse.values, np.float64, len(sparse.values)
    )
    return dense


def _status(sparse: Any, size: int) -> NDArray[np.int8]:
    names = np.full(6, AT_LOWER, np.int8)
    names[_UPPER], names[_BASIC] = AT_UPPER, BASIC
    status = np.full(size, AT_LOWER, np.int8)
    status[np.fromiter(sparse.ids, np.int64, len(sparse.ids))] = names[
        np.fromiter(sparse.values, np.int64, len(sparse.values))
    ]
    return status

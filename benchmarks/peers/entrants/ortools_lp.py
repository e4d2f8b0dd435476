"""GLOP, PDLP and HiGHS as OR-Tools brings them, at their own defaults.

GLOP and PDLP are loaded through ``model_builder``'s inner module, which takes arrays at once.
HiGHS goes through MathOpt: on the other way OR-Tools 9.15 gives row activities for duals.
PDLP: D. Applegate et al., "Practical large-scale linear programming using primal-dual hybrid
gradient", NeurIPS 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.statement import Statement
from benchmarks.peers.transport import Float, Transport


def run(given: Transport, options: dict[str, Any], clock: Clock) -> Answer:
    """Solve in one piece; ``options``: solver (glop, pdlp, highs), parameters (its text form)."""
    solve = _through_mathopt if options["solver"] == "highs" else _through_arrays
    return solve(given, options, clock)


def _through_arrays(given: Transport, options: dict[str, Any], clock: Clock) -> Answer:
    from ortools.linear_solver.python import model_builder_helper as inner
    from scipy.sparse import csr_matrix

    with clock.phase("build"):
        stated = Statement.of(given)
        starts, columns, values = stated.by_rows()
        matrix = csr_matrix((values, columns, starts), shape=(stated.num_rows, stated.num_columns))
        helper: Any = inner.ModelBuilderHelper()
        helper.fill_model_from_sparse_data(
            np.zeros(stated.num_columns),
            np.full(stated.num_columns, np.inf),
            stated.cost,
            stated.row_lower,
            stated.row_upper,
            matrix,
        )
        solver = inner.ModelSolverHelper(options["solver"])
        solver.set_solver_specific_parameters(options.get("parameters", ""))
    with clock.phase("solve"):
        solver.solve(helper)
    with clock.phase("extract"):
        claim = f"{solver.status().name} {solver.status_string() or ''}".strip()
        if not solver.has_solution():
            raise ValueError(f"no answer: {claim}")
        placed, given_up = stated.amounts(np.asarray(solver.variable_values(), float))
        prices = stated.prices(np.asarray(solver.dual_values(), float))
    return Answer(claim, placed, given_up, prices)


def _through_mathopt(given: Transport, options: dict[str, Any], clock: Clock) -> Answer:
    from ortools.math_opt import (
        callback_pb2,
        model_parameters_pb2,
        model_pb2,
        parameters_pb2,
        result_pb2,
    )
    from ortools.math_opt.core.python import solver as core

    with clock.phase("build"):
        stated = Statement.of(given)
        message = model_pb2.ModelProto()
        _fill(message, stated)
    with clock.phase("solve"):
        answer = core.solve(
            message,
            parameters_pb2.SOLVER_TYPE_HIGHS,
            parameters_pb2.SolverInitializerProto(),
            parameters_pb2.SolveParametersProto(),
            model_parameters_pb2.ModelSolveParametersProto(),
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
    with clock.phase("extract"):
        reason = result_pb2.TerminationReasonProto.Name(answer.termination.reason)
        claim = reason.removeprefix("TERMINATION_REASON_")
        if not answer.solutions:
            raise ValueError(f"no answer: {claim} {answer.termination.detail}")
        found = answer.solutions[0]
        values = _dense(found.primal_solution.variable_values, stated.num_columns)
        placed, given_up = stated.amounts(values)
        prices = None
        if found.HasField("dual_solution"):
            prices = stated.prices(_dense(found.dual_solution.dual_values, stated.num_rows))
    return Answer(claim, placed, given_up, prices)


def _fill(message: Any, stated: Statement) -> None:
    """The program as ModelProto, from arrays."""
    starts, columns, values = stated.by_rows()
    everyone = np.arange(stated.num_columns)
    message.variables.ids.extend(everyone)
    message.variables.lower_bounds.extend(np.zeros(stated.num_columns))
    message.variables.upper_bounds.extend(np.full(stated.num_columns, np.inf))
    message.variables.integers.extend(np.zeros(stated.num_columns, np.bool_))
    costly = np.flatnonzero(stated.cost)
    message.objective.linear_coefficients.ids.extend(costly)
    message.objective.linear_coefficients.values.extend(stated.cost[costly])
    message.linear_constraints.ids.extend(np.arange(stated.num_rows))
    message.linear_constraints.lower_bounds.extend(stated.row_lower)
    message.linear_constraints.upper_bounds.extend(stated.row_upper)
    matrix = message.linear_constraint_matrix
    matrix.row_ids.extend(np.repeat(np.arange(stated.num_rows), np.diff(starts)))
    matrix.column_ids.extend(columns)
    matrix.coefficients.extend(values)


def _dense(sparse: Any, size: int) -> Float:
    dense = np.zeros(size)
    ids = np.fromiter(sparse.ids, np.int64, len(sparse.ids))
    dense[ids] = np.fromiter(sparse.values, np.float64, len(sparse.values))
    return dense

"""Solvers through ``model_builder``'s inner module: arrays in, arrays out.

The fastest way to load GLOP and PDLP. HiGHS is refused here: OR-Tools 9.15 returns the
activity of a row as its dual on this route.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from optimizer.errors import SolverError
from optimizer.program import Program
from optimizer.solvers.base import Outcome, Reason
from optimizer.solvers.scaling import scale

ALLOWED = ("glop", "pdlp")


def solve_arrays(solver: str, program: Program, seconds: float | None, options: str) -> Outcome:
    """Scale, hand over, solve, scale back.

    Raises
    ------
    SolverError
        When the solver is not one whose duals are right on this route.
    """
    if solver not in ALLOWED:
        raise SolverError(f"{solver} gives wrong duals through model_builder; use MathOpt")
    # The inner module, because the outer one imports pandas.
    from ortools.linear_solver.python import model_builder_helper as inner
    from scipy.sparse import csr_matrix

    begun = time.monotonic()
    scaled = scale(program)
    given = scaled.program
    shape = (given.num_rows, given.num_columns)
    helper: Any = inner.ModelBuilderHelper()  # its stubs name no array type that exists
    helper.fill_model_from_sparse_data(
        given.lower,
        given.upper,
        given.cost,
        given.row_lower,
        given.row_upper,
        csr_matrix((given.values, given.columns, given.starts), shape=shape),
    )
    native = inner.ModelSolverHelper(solver)
    native.set_solver_specific_parameters(options)
    if seconds is not None:
        native.set_time_limit_in_seconds(max(seconds - (time.monotonic() - begun), 1e-3))
    native.solve(helper)
    status, took = native.status(), time.monotonic() - begun
    detail = native.status_string() or ""
    reason = {
        inner.SolveStatus.OPTIMAL: Reason.OPTIMAL,
        inner.SolveStatus.INFEASIBLE: Reason.INFEASIBLE,
        inner.SolveStatus.UNBOUNDED: Reason.UNBOUNDED,
        inner.SolveStatus.FEASIBLE: Reason.TIME_LIMIT,
        inner.SolveStatus.NOT_SOLVED: Reason.TIME_LIMIT,
        inner.SolveStatus.CANCELLED_BY_USER: Reason.INTERRUPTED,
    }.get(status, Reason.FAILED)
    # GLOP answers FEASIBLE when it cannot reach its own tolerance as well as at a limit.
    if reason is Reason.TIME_LIMIT and (seconds is None or took < seconds * 0.9):
        reason = Reason.FAILED
    if not native.has_solution():
        return Outcome(reason, detail=detail, seconds=took)
    values = scaled.values(np.asarray(native.variable_values(), float))
    duals = scaled.duals(np.asarray(native.dual_values(), float))
    return Outcome(reason, values, duals, None, detail, took)

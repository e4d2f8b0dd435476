"""CP-SAT: clause learning with linear relaxations, for programs of whole numbers only.

It computes with 64-bit integers. A column that is not a whole number would be cut into steps,
and what it then calls a bound is none: such programs are refused. So are rows that cannot be
stated with integers; the two refusals make the answer exact. Costs may be any: they are rounded
to integers as large as there is room for, and what rounding can have added is taken off the
bound.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UnsupportedError
from optimizer.program import Program
from optimizer.solvers.base import Basis, Capabilities, Float, News, Outcome, Reason, Tell
from optimizer.solvers.scaling import refuse_nan

Integers = NDArray[np.int64]

ROUNDING = 1e-14
"""How far from an integer, relative to its size or 1, a multiple of an entry may be: what
rounding of the entry itself explains. More would move the border of what is allowed."""
LARGEST_ENTRY = 2.0**32
"""Largest integer that an entry of a row, or a column, may become."""
LARGEST_SUM = 2.0**60
"""Largest sum of entries times columns in a row: CP-SAT refuses what may overflow."""
LARGEST_COST = 2.0**52
"""Largest sum of the costs: a float64 holds every integer up to there, and bounds are floats."""
FACTORS = tuple(sorted({2.0**k for k in range(31)} | {10.0**k for k in range(13)}))
"""What a row may be multiplied with to make its entries integers, the smallest first."""
SEED = 1


@dataclass(frozen=True)
class CpSat:
    """CP-SAT as it comes with OR-Tools.

    L. Perron, F. Didier and S. Gay, "The CP-SAT-LP solver", CP 2023.

    Attributes
    ----------
    relative_gap : gap at which a program counts as solved.
    threads : its own threads; with more than one, the same input may give another plan.
    name : as on the command line.
    """

    relative_gap: float = 1e-6
    threads: int = 1
    name: str = "cp_sat"

    @property
    def capabilities(self) -> Capabilities:
        """Whole numbers and nothing else; no duals."""
        return Capabilities(
            duals=False,
            exact=True,
            integers=True,
            basis=False,
            hints=True,
            news=True,
            real_columns=False,
        )

    def solve(
        self,
        program: Program,
        seconds: float | None = None,
        start: Basis | None = None,
        hint: Float | None = None,
        tell: Tell | None = None,
    ) -> Outcome:
        """Solve; a start is not used. See :class:`~optimizer.solvers.base.Solver`.

        Raises
        ------
        UnsupportedError
            When the program cannot be stated exactly with integers.
        """
        from ortools.sat.python import cp_model_helper as inner

        begun = time.monotonic()
        stated = state(program)
        if stated.empty:
            return Outcome(Reason.INFEASIBLE, detail="limits that hold no whole number")
        parameters = inner.SatParameters()
        parameters.num_workers = self.threads
        parameters.random_seed = SEED
        parameters.relative_gap_limit = self.relative_gap
        if seconds is not None:
            parameters.max_time_in_seconds = max(seconds - (time.monotonic() - begun), 1e-3)
        native: Any = inner.SolveWrapper()
        native.set_parameters(parameters)
        heard = _Heard(stated, tell)
        native.add_best_bound_callback(heard.bound)
        listener = _listener(heard)  # kept in a variable as long as it may be called
        native.add_solution_callback(listener)
        model = _message(stated, hint)
        fault = inner.CpSatHelper.validate_model(model)
        if fault:
            return Outcome(Reason.FAILED, detail=fault, seconds=time.monotonic() - begun)
        answer = native.solve(model)
        return _outcome(answer, heard, seconds, time.monotonic() - begun)


@dataclass(frozen=True, eq=False)
class Stated:
    """A program in integers.

    Attributes
    ----------
    program : as it was.
    lower, upper : (n,) limits of the columns.
    row_lower, row_upper : (m,) limits of the rows; out of their reach where there is none.
    entries : entries of the rows.
    cost : (n,) costs.
    factor : what costs were multiplied with.
    slack : how far rounding of the costs may have moved the cost of any plan, in USD.
    empty : whether the limits of a column or row hold no whole number.
    """

    program: Program
    lower: Integers
    upper: Integers
    row_lower: Integers
    row_upper: Integers
    entries: Integers
    cost: Integers
    factor: float
    slack: float
    empty: bool

    def bound(self, claimed: float) -> float:
        """A bound on the cost of the program as it was."""
        if not math.isfinite(claimed):
            return -math.inf
        bound = claimed / self.factor - self.slack
        return bound - 4 * 2.0**-53 * abs(bound) if self.slack > 0 else bound


def inexact(program: Program) -> str:
    """Why a program cannot be stated with integers, empty when it can."""
    try:
        state(program)
    except UnsupportedError as error:
        return str(error).removeprefix("cp_sat: ")
    return ""


def state(program: Program) -> Stated:
    """State a program with integers.

    Raises
    ------
    UnsupportedError
        When that cannot be done exactly.
    InternalError
        When the program holds what is not a number.
    """
    refuse_nan(program)
    whole = program.integer
    if program.num_columns and (whole is None or not bool(whole.all())):
        raise UnsupportedError("cp_sat: it takes whole numbers only, and some columns are not")
    if not bool(np.isfinite(program.upper).all()):
        raise UnsupportedError("cp_sat: it takes columns with limits only, and some have none")
    lower, upper = _inwards(program.lower, program.upper)
    widest = np.maximum(np.abs(lower), np.abs(upper))
    if bool((widest > LARGEST_ENTRY).any()):
        raise UnsupportedError(f"cp_sat: a column reaches {widest.max():g}, too far for it")
    owner = np.repeat(np.arange(program.num_rows), np.diff(program.starts))
    factor = _row_factors(program, owner)
    entries = np.round(program.values * factor[owner])
    sums = np.bincount(owner, np.abs(entries) * widest[program.columns], program.num_rows)
    if bool((sums > LARGEST_SUM).any()):
        raise UnsupportedError("cp_sat: a row adds up to more than it can hold")
    row_lower, row_upper = _inwards(program.row_lower * factor, program.row_upper * factor)
    empty = bool((lower > upper).any() or (row_lower > row_upper).any())
    # Well beyond what a row can reach a limit says no more than that it is or is not met.
    reach = 1.01 * sums + 1
    row_lower, row_upper = (np.clip(limit, -reach, reach) for limit in (row_lower, row_upper))
    cost, cost_factor, slack = _integer_costs(program.cost, widest)
    return Stated(
        program,
        lower.astype(np.int64),
        upper.astype(np.int64),
        row_lower.astype(np.int64),
        row_upper.astype(np.int64),
        entries.astype(np.int64),
        cost,
        cost_factor,
        slack,
        empty,
    )


def _inwards(lower: Float, upper: Float) -> tuple[Float, Float]:
    """The outermost integers within limits; what is one up to rounding counts as one."""
    nearest = [np.round(limit) for limit in (lower, upper)]
    near = [_is_integer(limit) for limit in (lower, upper)]
    return (
        np.where(near[0], nearest[0], np.ceil(lower)),
        np.where(near[1], nearest[1], np.floor(upper)),
    )


def _is_integer(values: Float) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.abs(values - np.round(values)) <= ROUNDING * np.maximum(1.0, np.abs(values))


def _row_factors(program: Program, owner: NDArray[np.intp]) -> Float:
    """Smallest factor of each row that makes its entries integers."""
    factors = np.zeros(program.num_rows)
    for factor in FACTORS:
        scaled = program.values * factor
        bad = ~_is_integer(scaled) | (np.abs(scaled) > LARGEST_ENTRY) | (np.round(scaled) == 0)
        sound = np.bincount(owner, bad, program.num_rows) == 0
        factors = np.where(sound & (factors == 0), factor, factors)
        if bool((factors > 0).all()):
            return factors
    row = int(np.flatnonzero(factors == 0)[0])
    raise UnsupportedError(f"cp_sat: the entries of row {row} cannot be made integers exactly")


def _integer_costs(cost: Float, widest: Float) -> tuple[Integers, float, float]:
    """Costs as integers, what they were multiplied with, and how far that moves any plan."""
    most = float(np.abs(cost) @ widest)
    for factor in FACTORS:
        scaled = cost * factor
        if most * factor > LARGEST_COST:
            break
        if bool(_is_integer(scaled).all()) and bool(((np.round(scaled) == 0) == (cost == 0)).all()):
            return _rounded_costs(cost, widest, factor)
    if most == 0:
        return np.zeros(len(cost), np.int64), 1.0, 0.0
    return _rounded_costs(cost, widest, 2.0 ** math.floor(math.log2(LARGEST_COST / 2 / most)))


def _rounded_costs(cost: Float, widest: Float, factor: float) -> tuple[Integers, float, float]:
    scaled = np.round(cost * factor)
    slack = float(np.abs(cost - scaled / factor) @ widest) * (1 + 1e-9)
    return scaled.astype(np.int64), factor, slack


def _message(stated: Stated, hint: Float | None) -> Any:
    """The program as CP-SAT takes it, filled from arrays."""
    from ortools.sat.python import cp_model_helper as inner

    program, model = stated.program, inner.CpModelProto()
    for limits in zip(stated.lower.tolist(), stated.upper.tolist(), strict=True):
        model.variables.add().domain.extend(limits)
    limits_of_rows = zip(stated.row_lower.tolist(), stated.row_upper.tolist(), strict=True)
    for row, limits in enumerate(limits_of_rows):
        begin, end = program.starts[row], program.starts[row + 1]
        linear = model.constraints.add().linear
        linear.vars.extend(program.columns[begin:end].tolist())
        linear.coeffs.extend(stated.entries[begin:end].tolist())
        linear.domain.extend(limits)
    costly = np.flatnonzero(stated.cost)
    model.objective.vars.extend(costly.tolist())
    model.objective.coeffs.extend(stated.cost[costly].tolist())
    if hint is not None:
        values = np.clip(np.round(hint), stated.lower, stated.upper).astype(np.int64)
        model.solution_hint.vars.extend(range(program.num_columns))
        model.solution_hint.values.extend(values.tolist())
    return model


class _Heard:
    """What it said while it solved, in terms of the program as it was."""

    def __init__(self, stated: Stated, tell: Tell | None) -> None:
        self.stated = stated
        self.best_bound = -math.inf
        self._tell = tell

    def bound(self, claimed: float) -> None:
        """Take a bound."""
        with contextlib.suppress(Exception):
            self.best_bound = max(self.best_bound, self.stated.bound(claimed))
            self._say(News(bound=self.best_bound))

    def plan(self, solution: Iterable[int], branches: int) -> None:
        """Take a plan, which is better than those before."""
        with contextlib.suppress(Exception):
            values = np.array(list(solution), np.float64)
            self._say(News(values, self.best_bound, branches))

    def _say(self, news: News) -> None:
        if self._tell is not None:
            self._tell(news)


def _listener(heard: _Heard) -> Any:
    """A callback for plans, of a class that can only be made once OR-Tools is loaded."""
    from ortools.sat.python import cp_model_helper as inner

    class Listener(inner.SolutionCallback):
        def OnSolutionCallback(self) -> None:
            answer: Any = self
            heard.plan(answer.Response().solution, answer.NumBranches())

    return Listener()


def _outcome(answer: Any, heard: _Heard, seconds: float | None, took: float) -> Outcome:
    """Read an answer; what is not known is a failure, never a success."""
    from ortools.sat.python import cp_model_helper as inner

    status = inner.CpSolverStatus
    # Nothing but the time limit ends it early.
    unfinished = Reason.FAILED if seconds is None else Reason.TIME_LIMIT
    reason = {
        status.OPTIMAL: Reason.OPTIMAL,
        status.INFEASIBLE: Reason.INFEASIBLE,
        status.FEASIBLE: unfinished,
        status.UNKNOWN: unfinished,
    }.get(answer.status, Reason.FAILED)
    values = None
    if answer.status in (status.OPTIMAL, status.FEASIBLE):
        values = np.array(list(answer.solution), np.float64)
    # Stopped before it has any bound it names 0, which is none; what it said before is one.
    bound = heard.best_bound
    if answer.status == status.OPTIMAL:
        bound = heard.stated.bound(answer.best_objective_bound)
    return Outcome(
        reason,
        values,
        detail=answer.solution_info,
        seconds=took,
        bound=bound,
        nodes=answer.num_branches,
    )

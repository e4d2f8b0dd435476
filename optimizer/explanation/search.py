"""Solving a stretchable program: the linear one by simplex, whole numbers by branch and bound."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.explanation.stretchable import Stretchable
from optimizer.methods.base import Limits
from optimizer.methods.integer import polished
from optimizer.plan import Plan
from optimizer.program import Program
from optimizer.solvers.base import Outcome, Reason, Solver
from optimizer.solvers.blocks import empty_rows_hold, join, split
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.scip import Scip
from optimizer.solvers.workers import Job, shared_workers

Float = NDArray[np.float64]

LINEAR: tuple[Solver, ...] = (Glop(), Highs())
"""Solvers of linear programs; the second when the first comes to no end."""
INTERIOR = Highs(interior_point=True)
"""Solver of large linear programs that fall into no parts."""
LARGE = 20_000
"""Columns above which interior point is quicker than simplex there."""
WHOLE: tuple[Solver, ...] = (Highs(relative_gap=1e-7), Scip(relative_gap=1e-7))
"""Solvers of programs with whole numbers; as above."""
WHOLE_SECONDS = 60.0
"""Most seconds for a program with whole numbers when there is no time limit."""
SETTLED = (Reason.OPTIMAL, Reason.INFEASIBLE, Reason.TIME_LIMIT)
"""Ends after which another solver is of no use."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What is known of a stretchable program.

    Attributes
    ----------
    feasible : whether the rules that may not give can be kept; None when it was not found out.
    values : column values, None without any.
    least : whether nothing cheaper is there, as far as the solver says.
    source : name of the solver.
    """

    feasible: bool | None
    values: Float | None
    least: bool
    source: str


@dataclass
class Search:
    """Solves programs until its time is over.

    Attributes
    ----------
    limits : time over all, threads, memory.
    begun : when the time began to run.
    """

    limits: Limits
    begun: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float | None:
        """Seconds that are left, None for any number."""
        return self.limits.after(self.begun).seconds

    @property
    def over(self) -> bool:
        """Whether there is no time left."""
        return self.seconds == 0

    def least(self, stretch: Stretchable, *, whole: bool, part: float = 1.0) -> Answer:
        """Let rules give as little as they must.

        Parameters
        ----------
        whole : keep whole numbers whole; else they may take any value.
        part : of the time that is left.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C.
        """
        program = stretch.program
        if not whole:
            program = dataclasses.replace(program, integer=None)
        begun = time.monotonic()
        answer = Answer(None, None, False, "")
        if not empty_rows_hold(program):
            return Answer(False, None, True, "arithmetic")
        for solver in LINEAR if program.integer is None else WHOLE:
            left = None if self.seconds is None else part * self.seconds
            if left is None and program.integer is not None:
                left = WHOLE_SECONDS
            if left is not None:
                left -= time.monotonic() - begun
            if left is not None and left <= 0:
                return answer
            found = self._solved(solver, program, left)
            answer = _answer(found, solver.name)
            if found.reason in SETTLED:
                return answer
        return answer

    def _solved(self, solver: Solver, program: Program, seconds: float | None) -> Outcome:
        workers = shared_workers(self.limits.threads, self.limits.memory_mib)
        parts = split(program)
        jobs = [
            Job(INTERIOR if _is_large(piece.program) else solver, piece.program) for piece in parts
        ]
        found = join(program, parts, workers.run(jobs, seconds))
        if found.reason is Reason.INTERRUPTED:
            raise KeyboardInterrupt
        if program.integer is not None:
            found = polished(program, found, workers, self.seconds)
        return found


def plan_of(stretch: Stretchable, values: Float) -> Plan:
    """The plan that column values of a stretchable program say, for the roomier instance."""
    own = values[: stretch.model.program.num_columns]
    return stretch.model.decode(stretch.model.instance, own)


def _is_large(program: Program) -> bool:
    return program.integer is None and program.num_columns > LARGE


def _answer(found: Outcome, source: str) -> Answer:
    if found.reason is Reason.INFEASIBLE:
        return Answer(False, None, True, source)
    if found.values is None:
        return Answer(None, None, False, source)
    return Answer(True, found.values, found.reason is Reason.OPTIMAL, source)

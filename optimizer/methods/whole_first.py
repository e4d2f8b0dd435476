"""Pinned workloads are served whole first, which is all that most instances need.

The program in which pinned workloads get all their tokens or none is a pure assignment, which
solvers prove far sooner (5 pools, 100 workloads: 1 s instead of 28 s). What it leaves out is
bounded by a linear program (:mod:`optimizer.model.whole_service`). Where that bound is not
beyond the plan found, the plans left out are searched for one that is as cheap; mostly there is
none, which the row that says "as cheap" shows soon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from optimizer.methods.best_known import BestKnown
from optimizer.model.formulation import Model
from optimizer.model.whole_service import WholeService, whole_service
from optimizer.program import INFINITY, Program, with_row
from optimizer.progress import Progress
from optimizer.solvers.base import News, Outcome, Reason, Solver
from optimizer.solvers.blocks import Part
from optimizer.solvers.glop import Glop
from optimizer.solvers.safe_bound import safe_bound
from optimizer.solvers.workers import Job, Workers

Float = NDArray[np.float64]

LEAST_GAIN = 1e-4
"""Part of the cost by which all other plans must be dearer for the detour to be taken."""

ABOVE = 1e-6
"""Part of the cost by which another plan may be dearer and still be looked for."""


@dataclass(frozen=True, eq=False)
class Narrowed:
    """A part in which pinned workloads are served whole.

    Attributes
    ----------
    program : the part with that restriction.
    others : the part without the plans of the restriction.
    others_usd : lower bound on the cost of those.
    """

    program: Program
    others: Program
    others_usd: float


@dataclass(frozen=True, eq=False)
class WholeFirst:
    """Solves the parts of a program with whole numbers.

    Attributes
    ----------
    solver : for programs with whole numbers.
    workers : where everything runs.
    limits, begun : how long it may take, and since when.
    hint : (n,) column values of a plan to start from, for solvers that take one.
    """

    solver: Solver
    workers: Workers
    limits: Limits
    begun: float
    hint: Float | None = None

    def __call__(
        self, instance: Instance, model: Model, parts: list[Part], progress: Progress
    ) -> tuple[list[Outcome], str]:
        """Outcomes of the parts, and what was done in a few words, empty when nothing was.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C before there is anything to give back.
        """
        narrowed = self._narrowed(instance, model, parts)
        progress.stage("solve", len(parts))
        first = [
            part.program if narrow is None else narrow.program
            for part, narrow in zip(parts, narrowed, strict=True)
        ]
        # What is proved here is proved of the plans that are not left out.
        most = [math.inf if narrow is None else narrow.others_usd for narrow in narrowed]
        costs = [part.program.cost for part in parts]
        known = BestKnown(costs, model.program.offset, progress)
        everything = range(len(parts))
        hints = [None if self.hint is None else self.hint[part.columns] for part in parts]
        outcomes = self._solve(everything, first, hints, most, known, progress)
        if all(narrow is None for narrow in narrowed):
            return outcomes, ""
        again: list[tuple[int, Program]] = []
        for position, (part, narrow) in enumerate(zip(parts, narrowed, strict=True)):
            if narrow is not None:
                second = self._second(part.program, outcomes[position], narrow)
                again += [] if second is None else [(position, second)]
        if again:
            progress.stage("solve with service in part", len(again))
        positions = [position for position, _ in again]
        # A part that is solved as it is needs no other search for its bound.
        most = [
            math.inf if program is parts[position].program else outcomes[position].bound
            for position, program in again
        ]
        known.begin_again()
        hints = [outcomes[position].values for position in positions]
        programs = [program for _, program in again]
        later = self._solve(positions, programs, hints, most, known, progress)
        seconds = dict(zip(positions, later, strict=True))
        for position, narrow in enumerate(narrowed):
            if narrow is not None:
                program, second_outcome = parts[position].program, seconds.get(position)
                outcomes[position] = _either(program, outcomes[position], second_outcome, narrow)
        words = "pinned workloads served whole or not at all"
        if again:
            return outcomes, f"{words} first, then all other plans"
        if all(outcome.reason is Reason.OPTIMAL for outcome in outcomes):
            return outcomes, f"{words}, and every other plan is dearer"
        return outcomes, f"{words}, and a bound on all other plans"

    def _narrowed(
        self, instance: Instance, model: Model, parts: list[Part]
    ) -> list[Narrowed | None]:
        """What each part is narrowed to, None where that is no help."""
        found: list[Narrowed | None] = [None] * len(parts)
        service = whole_service(instance, model)
        if service is None:
            return found
        pieces = [service.of_part(part.columns, part.rows) for part in parts]
        able = [position for position, piece in enumerate(pieces) if bool(piece.links.any())]
        bounds = self._bounds([(parts[position].program, pieces[position]) for position in able])
        for position, bound in zip(able, bounds, strict=True):
            if bound is not None:
                program, piece = parts[position].program, pieces[position]
                found[position] = Narrowed(
                    piece.served_whole(program), piece.others(program), bound
                )
        return found

    def _bounds(self, parts: list[tuple[Program, WholeService]]) -> list[float | None]:
        """Bound on the plans that each part leaves out; None where it is not worth having."""
        asked = [
            replace(piece.others(program), integer=None)
            for program, piece in parts
            if bool(piece.missing.any())
        ]
        jobs = [Job(Glop(), program) for program in asked]
        ended = self.workers.run(jobs, self.limits.after(self.begun).seconds)
        if any(outcome.reason is Reason.INTERRUPTED for outcome in ended):
            raise KeyboardInterrupt
        programs, answers = iter(asked), iter(ended)
        bounds: list[float | None] = []
        for _, piece in parts:
            if not bool(piece.missing.any()):
                bounds.append(math.inf)  # there is room for everyone, and no other plan
                continue
            program, outcome = next(programs), next(answers)
            bounds.append(None)
            if outcome.duals is None or outcome.reason is not Reason.OPTIMAL:
                continue
            bound = safe_bound(program, outcome.duals)
            # The dual of the last row is what the row adds to the bound, or more.
            if outcome.duals[-1] > LEAST_GAIN * abs(bound):
                bounds[-1] = bound
        return bounds

    def _solve(
        self,
        positions: Sequence[int],
        programs: list[Program],
        hints: Sequence[Float | None],
        most: list[float],
        known: BestKnown,
        progress: Progress,
    ) -> list[Outcome]:
        """Solve a program for each of these parts; ``most`` is what its bound is worth."""

        def heard(job: int, news: News | Outcome) -> None:
            known.hear(positions[job], news, most[job])

        def done(job: int, outcome: Outcome) -> None:
            heard(job, outcome)
            progress.step()

        takes = self.solver.capabilities.hints
        jobs = [
            Job(self.solver, program, hint=hint if takes else None)
            for program, hint in zip(programs, hints, strict=True)
        ]
        left = self.limits.after(self.begun).seconds
        return self.workers.run(jobs, left, done, heard)

    def _second(self, program: Program, first: Outcome, narrow: Narrowed) -> Program | None:
        """What is left to be solved; None when nothing is, or no time is left to."""
        if first.reason in (Reason.TIME_LIMIT, Reason.INTERRUPTED):
            return None
        if first.reason is not Reason.OPTIMAL or first.values is None:
            return program  # the detour failed
        cost = float(program.cost @ first.values)
        if cost - narrow.others_usd <= self.limits.relative_gap * abs(cost):
            return None
        return _as_cheap(narrow.others, cost)


def _as_cheap(program: Program, usd: float) -> Program:
    """The program with its cost limited.

    The limit is a little above the cost: what a solver's tolerances turn away is dearer then.
    The row is divided by a power of two, so that no tolerance drowns small costs.
    """
    factor = math.ldexp(1.0, math.frexp(float(np.abs(program.cost).max(initial=0.0)))[1])
    limit = usd + ABOVE * abs(usd)
    return with_row(program, program.cost / factor, -INFINITY, limit / factor)


def _either(program: Program, first: Outcome, second: Outcome | None, narrow: Narrowed) -> Outcome:
    """The better values of the two searches, and the bound that holds for both."""
    if first.reason in (Reason.OPTIMAL, Reason.TIME_LIMIT, Reason.INTERRUPTED):
        others = narrow.others_usd
    elif second is not None:
        # It was of the part itself; what the first found before it failed is better than nothing.
        values = first.values if second.values is None else second.values
        if second.reason is Reason.INFEASIBLE:
            values = None
        return replace(second, values=values, nodes=first.nodes + second.nodes)
    else:
        return replace(first, bound=-math.inf)
    if second is not None:
        first = replace(first, nodes=first.nodes + second.nodes)
    if second is None or first.values is None:
        return replace(first, bound=min(first.bound, others))
    if second.reason is Reason.INFEASIBLE:
        # No other plan is as cheap, and so none is cheaper.
        return first
    bound = min(first.bound, max(others, second.bound))
    if second.values is not None and program.cost @ second.values < program.cost @ first.values:
        first = replace(first, values=second.values)
    return replace(first, reason=second.reason, detail=second.detail, bound=bound)

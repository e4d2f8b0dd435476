"""Direct: state everything as one program, let a solver find the optimum.

The program is split into the parts that nothing connects, found from its matrix. When
deadlines or shares tie all periods together it is one part; then the periods are first
solved alone, in parallel, and simplex starts from the basis they give.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Size
from optimizer.methods.greedy import greedy_plan
from optimizer.model.formulation import Formulation, Model
from optimizer.model.relaxed import lifted_basis, periods_alone
from optimizer.progress import Progress
from optimizer.solvers.base import Basis, Outcome, Reason, Solver
from optimizer.solvers.blocks import Part, join, split
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, Workers, shared_workers

Float = NDArray[np.float64]

LARGEST_STAGED = 3_000_000
"""Columns above which the periods are not solved alone first."""


@dataclass(frozen=True)
class Direct:
    """The direct method.

    Attributes
    ----------
    solver : solver to use; None lets the method choose and say why.
    formulation : how each family is stated.
    """

    solver: Solver | None = None
    formulation: Formulation = Formulation()
    name: str = "direct"

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Build, split, solve, decode."""
        begun = time.monotonic()
        progress.stage("build")
        model = self.formulation.build(instance)
        parts = split(model.program)
        built = time.monotonic()
        workers = shared_workers(limits.threads, limits.memory_mib)
        workers.peak_rss_mib = 0.0
        solver, start, why = self._choose(instance, model, parts, workers,
                                          limits.after(begun), progress)
        progress.stage("solve", len(parts))
        jobs = [Job(solver, part.program, _part_of(start, part)) for part in parts]
        outcomes = workers.run(jobs, limits.after(begun).seconds,
                               lambda position, outcome: progress.step())
        whole = join(model.program, parts, outcomes)
        return self._found(
            instance, model, parts, outcomes, whole, solver=solver, why=why,
            build_seconds=built - begun, begun=built, workers=workers,
        )

    def _choose(
        self, instance: Instance, model: Model, parts: list[Part], workers: Workers,
        limits: Limits, progress: Progress,
    ) -> tuple[Solver, Basis | None, str]:
        """Which solver, from where, and why."""
        if self.solver is not None:
            return self.solver, None, f"{self.solver.name} was asked for"
        if len(parts) > 1:
            return Glop(), None, f"nothing connects {len(parts)} parts, glop solves each"
        if model.program.num_columns > LARGEST_STAGED or len(parts) == 0:
            return Glop(), None, "one part, glop from its own start"
        progress.stage("solve the periods alone")
        start = self._staged_start(instance, model, workers, limits)
        if start is None:
            return Glop(), None, "one part, glop from its own start"
        return Glop(), start, "all periods are tied together, glop from the periods solved alone"

    def _staged_start(
        self, instance: Instance, model: Model, workers: Workers, limits: Limits
    ) -> Basis | None:
        """Basis of the periods solved alone, in the columns and rows of the whole."""
        alone = periods_alone(instance, self.formulation)
        parts = split(alone.program)
        if len(parts) < 2:
            return None
        solver = Glop(keep_basis=True)
        outcomes = workers.run([Job(solver, part.program) for part in parts], limits.seconds)
        joined = join(alone.program, parts, outcomes)
        if joined.reason is not Reason.OPTIMAL or joined.basis is None:
            return None
        return lifted_basis(alone, model, joined.basis)

    def _found(
        self, instance: Instance, model: Model, parts: list[Part], outcomes: list[Outcome],
        whole: Outcome, *, solver: Solver, why: str, build_seconds: float, begun: float,
        workers: Workers,
    ) -> Found:
        """Decode what there is; parts without values are filled greedily."""
        program = model.program
        values, reason = whole.values, whole.reason
        claimed: float | None = None
        if values is not None:
            claimed = program.offset + float(program.cost @ values)
        elif reason is not Reason.INFEASIBLE:
            values = _patched(instance, model, parts, outcomes)
        plan = None if values is None else model.decode(instance, values)
        duals = _duals_so_far(program.num_rows, parts, outcomes)
        return Found(
            reason=reason, plan=plan, prices=model.prices(duals), claimed_usd=claimed,
            solver=solver.name, why=why, detail=whole.detail,
            size=Size(program.num_columns, program.num_rows, program.num_entries, len(parts)),
            build_seconds=build_seconds, solve_seconds=time.monotonic() - begun,
            child_rss_mib=workers.peak_rss_mib,
        )


def _part_of(start: Basis | None, part: Part) -> Basis | None:
    if start is None:
        return None
    return Basis(start.columns[part.columns], start.rows[part.rows])


def _patched(
    instance: Instance, model: Model, parts: list[Part], outcomes: list[Outcome]
) -> Float:
    """Column values: the solver's where it has any, the greedy plan's elsewhere."""
    values = model.encode(greedy_plan(instance))
    for part, outcome in zip(parts, outcomes, strict=True):
        if outcome.values is not None:
            values[part.columns] = outcome.values
    return values


def _duals_so_far(rows: int, parts: list[Part], outcomes: list[Outcome]) -> Float:
    """Duals of the rows, 0 where none are known: prices of 0 still give a bound."""
    duals = np.zeros(rows)
    for part, outcome in zip(parts, outcomes, strict=True):
        if outcome.duals is not None:
            duals[part.rows] = np.nan_to_num(outcome.duals, nan=0.0, posinf=0.0, neginf=0.0)
    return duals

"""Direct: state everything as one program, let a solver find the optimum.

The program is split into the parts that nothing connects, found from its matrix. When
deadlines or shares tie all periods together it is one part; then the periods are first
solved alone, in parallel, and simplex starts from the basis they give.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UnsupportedError
from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Size
from optimizer.methods.greedy import greedy_plan
from optimizer.methods.integer import before_polish, polish_seconds, polished
from optimizer.methods.whole_first import WholeFirst
from optimizer.model.formulation import Formulation, Model
from optimizer.model.relaxed import lifted_basis, periods_alone
from optimizer.plan import Plan
from optimizer.prices import Prices
from optimizer.program import Basis, Program
from optimizer.progress import Progress
from optimizer.solvers.base import Outcome, Reason, Solver
from optimizer.solvers.blocks import LEAST_COLUMNS, Part, join, split
from optimizer.solvers.cp_sat import CpSat, inexact
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.registry import SOLVERS
from optimizer.solvers.scip import Scip
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
        """Build, split, solve, decode.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C before there is anything to give back.
        """
        begun = time.monotonic()
        progress.stage("build")
        model = self.formulation.build(instance)
        whole_numbers = model.program.integer is not None
        parts = split(model.program, 1 if whole_numbers else LEAST_COLUMNS)
        built = time.monotonic()
        workers = shared_workers(limits.threads, limits.memory_mib)
        workers.peak_rss_mib = 0.0
        solver, staged, why = self._choose(
            instance, model, parts, workers, limits.after(begun), progress
        )
        if whole_numbers:
            hint = model.encode(greedy_plan(instance)) if solver.capabilities.hints else None
            first = WholeFirst(solver, workers, before_polish(limits), begun, hint)
            outcomes, how = first(instance, model, parts, progress)
            why = f"{why}; {how}" if how else why
            progress.stage("prices with whole numbers fixed")
            seconds = polish_seconds(limits, begun)
            found = _decoded_integer(instance, model, parts, outcomes, workers, seconds)
        else:
            progress.stage("solve", len(parts))
            start = None if staged is None else staged.basis
            jobs = [Job(solver, part.program, _part_of(start, part)) for part in parts]
            outcomes = workers.run(
                jobs, limits.after(begun).seconds, lambda position, outcome: progress.step()
            )
            found = _decoded(instance, model, parts, outcomes, staged)
        program = model.program
        return dataclasses.replace(
            found,
            solver=solver.name,
            whole_numbers=whole_numbers,
            why=why,
            size=Size(program.num_columns, program.num_rows, program.num_entries, len(parts)),
            build_seconds=built - begun,
            solve_seconds=time.monotonic() - built,
            child_rss_mib=workers.peak_rss_mib,
        )

    def _choose(
        self,
        instance: Instance,
        model: Model,
        parts: list[Part],
        workers: Workers,
        limits: Limits,
        progress: Progress,
    ) -> tuple[Solver, Staged | None, str]:
        """Which solver, from where, and why."""
        if model.program.integer is not None:
            return self._choose_integer(model.program, limits)
        if self.solver is not None:
            _refuse_real_columns(self.solver, model.program)
            return self.solver, None, f"{self.solver.name} was asked for"
        if len(parts) > 1:
            return Glop(), None, f"nothing connects {len(parts)} parts, glop solves each"
        staged = None
        if _ties_periods(instance) and model.program.num_columns <= LARGEST_STAGED:
            progress.stage("solve the periods alone")
            staged = self._staged(instance, model, workers, limits)
        if staged is None:
            return Glop(), None, "one part, glop from its own start"
        return Glop(), staged, "all periods are tied together, glop from the periods solved alone"

    def _choose_integer(
        self, program: Program, limits: Limits
    ) -> tuple[Solver, Staged | None, str]:
        """A solver that takes whole numbers, with the gap that was asked for."""
        if self.solver is None:
            if program.integer is not None and bool(program.integer.all()):
                return _choose_pure(program, limits)
            why = "whole numbers and real ones, highs"
            return Highs(relative_gap=limits.relative_gap), None, why
        if not self.solver.capabilities.integers:
            raise UnsupportedError(
                f"{self.solver.name} takes no whole numbers, which this instance needs; "
                f"these do: {_able(program)}"
            )
        _refuse_real_columns(self.solver, program)
        if isinstance(self.solver, Highs | Scip | CpSat):
            solver = dataclasses.replace(self.solver, relative_gap=limits.relative_gap)
            return solver, None, f"{solver.name} was asked for"
        return self.solver, None, f"{self.solver.name} was asked for"

    def _staged(
        self, instance: Instance, model: Model, workers: Workers, limits: Limits
    ) -> Staged | None:
        """Solve the periods alone; None when that is no help."""
        alone, simpler = periods_alone(instance, self.formulation)
        parts = split(alone.program)
        if len(parts) < 2:
            return None
        solver = Glop(keep_basis=True)
        outcomes = workers.run([Job(solver, part.program) for part in parts], limits.seconds)
        joined = join(alone.program, parts, outcomes)
        if joined.reason is Reason.INTERRUPTED:
            raise KeyboardInterrupt
        if joined.reason is not Reason.OPTIMAL or joined.values is None or joined.basis is None:
            return None
        plan = dataclasses.replace(
            alone.decode(simpler, joined.values), instance_digest=instance.digest
        )
        prices = None if joined.duals is None else alone.prices(joined.duals)
        return Staged(lifted_basis(alone, model, joined.basis), plan, prices)


@dataclass(frozen=True, eq=False)
class Staged:
    """The periods solved alone, in terms of the whole.

    Attributes
    ----------
    basis : where simplex starts.
    plan : a plan in which nothing waits; shares may be broken.
    prices : prices on capacity that go with it.
    """

    basis: Basis
    plan: Plan
    prices: Prices | None


def _decoded(
    instance: Instance,
    model: Model,
    parts: list[Part],
    outcomes: list[Outcome],
    staged: Staged | None,
) -> Found:
    """What there is; parts without values get those of a stand-in plan."""
    program = model.program
    whole = join(program, parts, outcomes)
    values, claimed = whole.values, None
    if values is not None:
        claimed = program.offset + float(program.cost @ values)
    elif whole.reason is not Reason.INFEASIBLE:
        stand_in = greedy_plan(instance) if staged is None else staged.plan
        values = _patched(model, stand_in, parts, outcomes)
    duals = _duals_so_far(program.num_rows, parts, outcomes)
    prices = model.prices(duals)
    if staged is not None and staged.prices is not None and whole.duals is None:
        prices = staged.prices
    return Found(
        reason=whole.reason,
        plan=None if values is None else model.decode(instance, values),
        prices=prices,
        claimed_usd=claimed,
        detail=whole.detail,
    )


def _decoded_integer(
    instance: Instance,
    model: Model,
    parts: list[Part],
    outcomes: list[Outcome],
    workers: Workers,
    seconds: float | None,
) -> Found:
    """The plan with its whole numbers fixed, and the bound that the solver proved."""
    program = model.program
    whole = join(program, parts, outcomes)
    # Fixing needs values everywhere: a part without any serves nothing.
    if whole.values is None and whole.reason is not Reason.INFEASIBLE:
        stand_in = Plan.nothing_served(instance)
        whole = dataclasses.replace(whole, values=_patched(model, stand_in, parts, outcomes))
    final = polished(program, whole, workers, seconds)
    duals = np.zeros(program.num_rows) if final.duals is None else final.duals
    values = final.values
    return Found(
        reason=final.reason,
        plan=None if values is None else model.decode(instance, values),
        prices=model.prices(duals),
        claimed_usd=None if values is None else program.offset + float(program.cost @ values),
        proved_usd=program.offset + whole.bound if np.isfinite(whole.bound) else None,
        nodes=whole.nodes,
        detail=final.detail,
    )


def _patched(model: Model, stand_in: Plan, parts: list[Part], outcomes: list[Outcome]) -> Float:
    """Column values: the solver's where it has any, a stand-in plan's elsewhere."""
    values = model.encode(stand_in)
    for part, outcome in zip(parts, outcomes, strict=True):
        if outcome.values is not None:
            values[part.columns] = outcome.values
    return values


def _choose_pure(program: Program, limits: Limits) -> tuple[Solver, Staged | None, str]:
    """A solver for a program of whole numbers only."""
    obstacle = inexact(program)
    if not obstacle:
        why = "whole numbers only, cp_sat"
        return CpSat(relative_gap=limits.relative_gap), None, why
    why = f"whole numbers only, but not for cp_sat ({obstacle}), highs"
    return Highs(relative_gap=limits.relative_gap), None, why


def _refuse_real_columns(solver: Solver, program: Program) -> None:
    if solver.capabilities.real_columns:
        return
    if program.integer is None or not bool(program.integer.all()):
        raise UnsupportedError(
            f"{solver.name} takes whole numbers only, and this instance has amounts that are "
            f"not; these take them: {_able(program)}"
        )


def _able(program: Program) -> str:
    """Names of the solvers that take the columns of a program."""
    whole = program.integer is not None
    real = program.integer is None or not bool(program.integer.all())
    can = {name: make().capabilities for name, make in SOLVERS.items()}
    return ", ".join(
        name
        for name, able_to in can.items()
        if (able_to.integers or not whole) and (able_to.real_columns or not real)
    )


def _ties_periods(instance: Instance) -> bool:
    """Whether there are periods, and rules that may tie them together."""
    if instance.num_periods < 2:
        return False
    return (
        bool(instance.workloads.deadline_periods.any())
        or instance.budget_usd is not None
        or "horizon" in instance.shares.per.values()
    )


def _part_of(start: Basis | None, part: Part) -> Basis | None:
    if start is None:
        return None
    return Basis(start.columns[part.columns], start.rows[part.rows])


def _duals_so_far(rows: int, parts: list[Part], outcomes: list[Outcome]) -> Float:
    """Duals of the rows, 0 where none are known: prices of 0 still give a bound."""
    duals = np.zeros(rows)
    for part, outcome in zip(parts, outcomes, strict=True):
        if outcome.duals is not None:
            duals[part.rows] = np.nan_to_num(outcome.duals, nan=0.0, posinf=0.0, neginf=0.0)
    return duals

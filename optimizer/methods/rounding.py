"""Rounding: the linear relaxation proves, whole numbers are found period by period.

For fleets whose whole numbers branch and bound cannot handle in one piece. The relaxation of the
whole program gives the bound, recomputed in float64 from its duals; what belongs to the whole
horizon (blocks, fees, chosen pools) is rounded from it; replicas and who gives way to whom are
decided by :mod:`optimizer.methods.period_rounding`. Rows that decide who gives way are left out of
the relaxation, where they say nearly nothing and are most of the program: leaving rows out
keeps a bound a bound.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Size
from optimizer.methods.integer import before_polish, fixed, polish_seconds
from optimizer.methods.period_rounding import PeriodRounding
from optimizer.model.extents import column_extents
from optimizer.model.formulation import Formulation
from optimizer.model.model import Model
from optimizer.model.periods import HORIZON, column_period
from optimizer.program import INFINITY, Program
from optimizer.progress import Progress
from optimizer.solvers.base import Outcome, Reason, Solver
from optimizer.solvers.blocks import LEAST_COLUMNS, join, split
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.safe_bound import safe_bound
from optimizer.solvers.scip import Scip
from optimizer.solvers.workers import Job, Workers, shared_workers

Float = NDArray[np.float64]
Index = NDArray[np.int64]

SPECK = 1e-3
"""Part of a fee below which the relaxation does without what it is paid for."""
LARGE = 20_000
"""Columns above which interior point is quicker than simplex on one connected program."""
SOURCE = "linear relaxation"
"""Whose the bound is, in reports."""


@dataclass(frozen=True)
class Rounding:
    """The rounding method.

    Attributes
    ----------
    solver : for the periods; None: scip, which is quickest on many small programs.
    period_gap : relative gap at which a period counts as solved.
    period_tolerance : feasibility of its rows; no bound rests on it, and the judge looks.
    formulation : how each family is stated.
    """

    solver: Solver | None = None
    period_gap: float = 2e-3
    period_tolerance: float = 1e-7
    formulation: Formulation = Formulation()
    name: str = "rounding"

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Relax, bound, round, polish.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C before there is a plan.
        """
        begun = time.monotonic()
        progress.stage("build")
        model = self.formulation.build(instance)
        program = model.program
        built = time.monotonic()
        workers = shared_workers(limits.threads, limits.memory_mib)
        workers.peak_rss_mib = 0.0
        kept = before_polish(limits)
        loose = _unbounded_replicas(model, _without_priorities(program))
        progress.stage("solve the linear relaxation")
        relaxed = solved(dataclasses.replace(loose, integer=None), workers, kept.after(begun))
        if relaxed.reason is Reason.INTERRUPTED:
            raise KeyboardInterrupt
        found = Found(reason=relaxed.reason, detail=relaxed.detail)
        if relaxed.values is not None and relaxed.duals is not None:
            found = self._rounded(model, loose, relaxed, workers, limits, begun, progress)
        return dataclasses.replace(
            found,
            solver=(self.solver or Scip()).name,
            whole_numbers=program.integer is not None,
            why="linear relaxation for the bound, whole numbers period by period",
            size=Size(program.num_columns, program.num_rows, program.num_entries, 1),
            build_seconds=built - begun,
            solve_seconds=time.monotonic() - built,
            child_rss_mib=workers.peak_rss_mib,
        )

    def _rounded(
        self,
        model: Model,
        loose: Program,
        relaxed: Outcome,
        workers: Workers,
        limits: Limits,
        begun: float,
        progress: Progress,
    ) -> Found:
        """What the periods give, polished; the bound of the relaxation in any case."""
        assert relaxed.values is not None
        assert relaxed.duals is not None
        program = model.program
        extents = dataclasses.replace(loose, upper=column_extents(model), integer=None)
        bound = program.offset + safe_bound(extents, relaxed.duals)
        progress.incumbent(None, bound, 0)
        if program.integer is None:
            return Found(
                reason=Reason.OPTIMAL,
                plan=model.decode(model.instance, relaxed.values),
                prices=model.prices(relaxed.duals),
                claimed_usd=program.offset + float(program.cost @ relaxed.values),
                proved_usd=bound,
                proved_by=SOURCE,
            )
        period = column_period(model)
        # The relaxation may run a part of a replica more than whole ones fit.
        relaxed_values = np.minimum(relaxed.values, program.upper)
        solver = self.solver or Scip(self.period_gap, self.period_tolerance)
        rounding = PeriodRounding(solver, workers, before_polish(limits), begun)
        bought = _horizon_fixed(model, period, relaxed_values)
        values = rounding(bought, period, relaxed_values, relaxed.duals, progress)
        if values is None:
            timed_out = limits.seconds is not None and limits.after(begun).seconds == 0.0
            reason = Reason.TIME_LIMIT if timed_out else Reason.FAILED
            return Found(
                reason=reason,
                prices=model.prices(relaxed.duals),
                proved_usd=bound,
                proved_by=SOURCE,
                detail="no whole numbers were found that fit in every period",
            )
        progress.incumbent(program.offset + float(program.cost @ values), bound, 0)
        progress.stage("best amounts with whole numbers fixed")
        final = _polished(program, values, workers, limits, begun)
        values = values if final is None else final
        return Found(
            reason=Reason.OPTIMAL,
            plan=model.decode(model.instance, values),
            # With every replica fixed a limit on chips or power has nothing left to give, and
            # its price would be nothing or anything. These are the prices that prove the bound.
            prices=model.prices(relaxed.duals),
            claimed_usd=program.offset + float(program.cost @ values),
            proved_usd=bound,
            proved_by=SOURCE,
            notes=("shadow prices are those of the linear relaxation",),
        )


def solved(program: Program, workers: Workers, limits: Limits) -> Outcome:
    """A linear program by the quickest way: its parts by simplex, one large part by barrier."""
    parts = split(program, LEAST_COLUMNS)
    jobs = [
        Job(
            Highs(interior_point=True) if part.program.num_columns > LARGE else Glop(), part.program
        )
        for part in parts
    ]
    return join(program, parts, workers.run(jobs, limits.seconds))


def _polished(
    program: Program, values: Float, workers: Workers, limits: Limits, begun: float
) -> Float | None:
    """The best real values with these whole numbers, if time allows and they are better."""
    rest = fixed(program, values)
    left = dataclasses.replace(limits, seconds=polish_seconds(limits, begun))
    outcome = solved(rest, workers, left)
    if outcome.reason is not Reason.OPTIMAL or outcome.values is None:
        return None
    return outcome.values if program.cost @ outcome.values <= program.cost @ values else None


def _without_priorities(program: Program) -> Program:
    """The program in which the rows about priorities hold for everything."""
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    for block in program.rows:
        if block.name.startswith("priority"):
            lower[block.begin : block.end] = -INFINITY
            upper[block.begin : block.end] = INFINITY
    kept = np.isfinite(lower) | np.isfinite(upper)
    if bool(kept.all()):
        return program
    # Emptied rather than removed, so that duals keep their places.
    lengths = np.diff(program.starts)
    entries = np.repeat(kept, lengths)
    starts = np.concatenate(([0], np.cumsum(np.where(kept, lengths, 0))))
    return dataclasses.replace(
        program,
        row_lower=lower,
        row_upper=upper,
        starts=starts.astype(np.int64),
        columns=program.columns[entries],
        values=program.values[entries],
    )


def _unbounded_replicas(model: Model, program: Program) -> Program:
    """The program in which only the chips limit the number of replicas.

    Rounding that limit down hardly tightens the relaxation, and moves the worth of chips from
    their rows, where the judge looks for it, to the limits of the columns.
    """
    upper = program.upper.copy()
    columns = model.columns.replicas
    upper[columns[columns >= 0]] = INFINITY
    return dataclasses.replace(program, upper=upper)


def _horizon_fixed(model: Model, period: Index, values: Float) -> Program:
    """The program with the whole numbers of the horizon fixed near the relaxation.

    Of a pinned workload the pool with the largest part is chosen, fees are paid where the
    relaxation pays a part of them, and blocks are rounded to the nearest number.
    """
    program = model.program
    assert program.integer is not None
    columns = model.columns
    found = np.round(values)
    fees = np.concatenate(
        (columns.activated[columns.activated >= 0], columns.signed[columns.signed >= 0])
    )
    found[fees] = np.ceil(values[fees] - SPECK)
    routes = np.flatnonzero(columns.chosen >= 0)
    workload = model.instance.routes.workload[routes]
    chosen = columns.chosen[routes]
    order = np.lexsort((-values[chosen], workload))
    first = np.ones(len(order), np.bool_)
    first[1:] = np.diff(workload[order]) > 0
    found[chosen] = 0.0
    found[chosen[order[first]]] = 1.0
    fixed_now = (period == HORIZON) & program.integer
    found = np.where(fixed_now, np.clip(found, program.lower, program.upper), found)
    return dataclasses.replace(
        program,
        lower=np.where(fixed_now, found, program.lower),
        upper=np.where(fixed_now, found, program.upper),
    )

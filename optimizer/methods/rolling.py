"""Rolling: window after window, as a planner does who looks a day or two ahead.

Each window is a program of its own: its first periods are kept, the rest only looks ahead.
What was decided is carried over: tokens that wait, replicas that run, blocks bought, fees
paid, pools chosen, and how much of each share and of the budget is used up. Shares and budget
have to hold over what is decided so far, as nearly as they can before the last window. When nothing
couples the periods the plan is that of the direct method, and so is its proof.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UsageError
from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Size
from optimizer.methods.deciding import Deciding, Terms, Window
from optimizer.methods.integer import polish_seconds, polished
from optimizer.model.formulation import Formulation
from optimizer.model.model import Model
from optimizer.model.periods import column_period
from optimizer.program import Program
from optimizer.progress import Progress
from optimizer.solvers.base import Outcome, Reason, Solver
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.workers import Job, Workers, shared_workers

Float = NDArray[np.float64]

BREAKING = 100.0
"""How many times the dearest column a unit costs by which a share or the budget is missed."""
MOST_MISSED = 1e-6
"""Part of a row's size by which the end of it all may miss it; the judge is stricter yet."""


@dataclass(frozen=True)
class Rolling:
    """Windows with carried state.

    Attributes
    ----------
    window_periods : length of a window.
    kept_periods : how much of it is kept before the next one begins.
    solver : for the windows; None: glop, or highs where there are whole numbers.
    formulation : how each family is stated.

    Raises
    ------
    UsageError
        When the windows cannot be meant.
    """

    window_periods: int = 48
    kept_periods: int = 24
    solver: Solver | None = None
    formulation: Formulation = Formulation()
    name: str = "rolling"

    def __post_init__(self) -> None:
        if not 1 <= self.kept_periods <= self.window_periods:
            raise UsageError(
                "rolling: expected 1 <= kept_periods <= window_periods, got "
                f"{self.kept_periods} and {self.window_periods}"
            )

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Solve the windows in order.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C: what is decided so far is no plan.
        """
        begun = time.monotonic()
        progress.stage("build")
        model = self.formulation.build(instance)
        built = time.monotonic()
        program = model.program
        workers = shared_workers(limits.threads, limits.memory_mib)
        workers.peak_rss_mib = 0.0
        whole = program.integer is not None
        solver = self.solver or (Highs(relative_gap=limits.relative_gap) if whole else Glop())
        deciding = Deciding(
            program, column_period(model), np.zeros(program.num_columns), whole_horizon=True
        )
        outcome = self._roll(deciding, solver, workers, limits.after(begun), progress)
        if whole and outcome.values is not None:
            outcome = polished(program, outcome, workers, polish_seconds(limits, begun))
        return self._found(instance, model, outcome, solver, whole, begun, built, workers)

    def _roll(
        self,
        deciding: Deciding,
        solver: Solver,
        workers: Workers,
        limits: Limits,
        progress: Progress,
    ) -> Outcome:
        """Decide everything; values and duals of the whole program."""
        begun, end = time.monotonic(), deciding.last + 1
        duals = np.zeros(deciding.program.num_rows)
        starts = list(range(0, end, self.kept_periods))
        progress.stage("windows", len(starts))
        for first in starts:
            stop = min(first + self.window_periods, end)
            window = deciding.window(first, stop, self._terms(deciding))
            job = Job(solver, window.program)
            found = workers.run([job], limits.after(begun).seconds)[0]
            if found.reason is Reason.INTERRUPTED:
                raise KeyboardInterrupt
            if found.values is None:
                return Outcome(found.reason, detail=f"window from period {first}: {found.detail}")
            kept = first + self.kept_periods if stop < end else end
            deciding.decide(window, found.values, deciding.period[window.columns] < kept)
            _keep_duals(deciding, window, found, duals, kept)
            progress.step()
            if stop == end:
                break
        if deciding.worst_miss() > MOST_MISSED:
            return Outcome(
                Reason.FAILED, detail="the last window cannot mend what earlier ones did"
            )
        return Outcome(Reason.OPTIMAL, deciding.values, duals)

    def _terms(self, deciding: Deciding) -> Terms:
        """Rows that reach past the window go free, those of the horizon at a high price."""
        rows = deciding.program.num_rows
        long = deciding.reach - deciding.first >= self.window_periods
        price = BREAKING * float(np.abs(deciding.program.cost).max(initial=1.0))
        cost = np.where(long, price, 0.0)
        return Terms(over=cost, under=cost, repaid=np.zeros(rows), most_repaid=np.zeros(rows))

    def _found(
        self,
        instance: Instance,
        model: Model,
        outcome: Outcome,
        solver: Solver,
        whole: bool,
        begun: float,
        built: float,
        workers: Workers,
    ) -> Found:
        program: Program = model.program
        values = outcome.values
        count = 1 + max(0, -(-(instance.num_periods - self.window_periods) // self.kept_periods))
        claimed = None if values is None else program.offset + float(program.cost @ values)
        return Found(
            # A window that has no answer says nothing about the whole.
            reason=Reason.FAILED if outcome.reason is Reason.INFEASIBLE else outcome.reason,
            plan=None if values is None else model.decode(instance, values),
            prices=None if outcome.duals is None else model.prices(outcome.duals),
            claimed_usd=claimed,
            solver=solver.name,
            whole_numbers=whole,
            why=f"{count} windows of {self.window_periods} periods, "
            f"{self.kept_periods} of each kept, by {solver.name}",
            detail=outcome.detail,
            size=Size(program.num_columns, program.num_rows, program.num_entries, count),
            build_seconds=built - begun,
            solve_seconds=time.monotonic() - built,
            child_rss_mib=workers.peak_rss_mib,
        )


def _keep_duals(
    deciding: Deciding, window: Window, found: Outcome, duals: Float, kept: int
) -> None:
    """Duals of the rows that end within what is kept, and the latest of those of the horizon."""
    if found.duals is None:
        return
    ended = (deciding.reach[window.rows] < kept) | (deciding.reach[window.rows] == deciding.last)
    duals[window.rows[ended]] = found.duals[ended]

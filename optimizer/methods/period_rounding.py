"""Whole numbers period by period, at the prices of the linear relaxation.

A fleet in whole replicas over a week is far beyond branch and bound as one program, but nearly
all of it lies within its periods. So the relaxation is solved once, and then one period after
the other is solved with its whole numbers: what was decided before is fixed, what comes later
stands at its value in the relaxation. What reaches into later periods (tokens that wait,
replicas that would have to be started, shares of the horizon) may be missed at its dual price
and a little more; as the end comes near that price rises, and in the last period all has to
fit. This is relax and fix (L. A. Wolsey, "Integer Programming", 2nd ed., 2020, section 13.4),
here with prices for what is still open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.base import Limits
from optimizer.methods.deciding import Deciding, Terms
from optimizer.program import Program
from optimizer.progress import Progress
from optimizer.solvers.base import Reason, Solver
from optimizer.solvers.workers import Job, Workers

Float = NDArray[np.float64]
Index = NDArray[np.int64]

SPREAD = 0.25
"""Part of a row's price by which missing it costs more than keeping clear of it repays."""
LATE = 20.0
"""How many times its price a row of the horizon costs that is missed near the end."""
FIRST_LATE = 0.7
"""Part of the horizon after which that price begins to rise."""
REPAID = 0.02
"""Part of a row's size for which keeping clear of it is repaid: about what rounding moves."""
LEAST_SECONDS = 0.5
"""Least time for a period when little is left."""


@dataclass(frozen=True, eq=False)
class PeriodRounding:
    """Rounds the relaxation of a program period by period.

    Attributes
    ----------
    solver : for the small programs with whole numbers.
    workers : where everything runs.
    limits, begun : how long it may take, and since when.
    """

    solver: Solver
    workers: Workers
    limits: Limits
    begun: float

    def __call__(
        self, program: Program, period: Index, values: Float, duals: Float, progress: Progress
    ) -> Float | None:
        """Column values with whole numbers; None when a period has none that fit.

        They keep the rows within the solver's tolerances; the last word is the judge's.

        Parameters
        ----------
        program : with whole numbers; those of the horizon are fixed by their bounds.
        period : (n,) period of each column, -1 for those of the horizon.
        values, duals : those of the relaxation.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C.
        """
        deciding = Deciding(program, period, values)
        last = deciding.last
        progress.stage("whole numbers period by period", last + 1)
        for current in range(last + 1):
            window = deciding.window(current, current + 1, _terms(deciding, duals, current))
            left = self._share_of_time(last + 1 - current)
            outcome = self.workers.run([Job(self.solver, window.program)], left)[0]
            if outcome.reason is Reason.INTERRUPTED:
                raise KeyboardInterrupt
            if outcome.values is None:
                return None
            deciding.decide(window, outcome.values)
            progress.step()
        return deciding.values

    def _share_of_time(self, periods: int) -> float | None:
        """Seconds for the next of so many periods."""
        left = self.limits.after(self.begun).seconds
        return None if left is None else max(LEAST_SECONDS, 3.0 * left / periods)


def _terms(deciding: Deciding, duals: Float, current: int) -> Terms:
    """Prices of the open rows while a period is decided."""
    price = np.abs(duals)
    # A row without a price must not be missed for nothing either.
    least = 1e-6 * float(price.max(initial=0.0)) + 1e-9
    done = current / max(deciding.last, 1)
    late = LATE * max(0.0, (done - FIRST_LATE) / (1.0 - FIRST_LATE))
    extra = price * (SPREAD + late * (deciding.reach == deciding.last)) + least
    return Terms(
        over=np.maximum(-duals, 0.0) + extra,
        under=np.maximum(duals, 0.0) + extra,
        repaid=(1.0 - SPREAD) * price,
        most_repaid=REPAID * (np.abs(deciding.activity) + 1.0),
    )

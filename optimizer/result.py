"""The result: a plan, the judge's verdict on it, and why the search stopped."""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.evaluate import Evaluation
from optimizer.evaluation.latency import Latency
from optimizer.evaluation.shadow_prices import Family, as_table
from optimizer.instance.instance import Instance
from optimizer.instance.table import Table
from optimizer.methods.base import Size
from optimizer.plan import Plan
from optimizer.prices import Prices

__all__ = ["Result", "Seconds"]

EXIT_CODES = {
    "optimal": 0,
    "feasible": 0,
    "infeasible": 4,
    "no_plan": 7,
}


@dataclass(frozen=True)
class Seconds:
    """Wall-clock seconds by phase.

    Attributes
    ----------
    read : folder to instance.
    build, solve : instance to what the method found; a method's own phases.
    plan : what it found written down as a plan, where the method counts that apart from solving.
    evaluate : the judge and its bound.
    prices : shadow prices.
    write : the plan folder.
    other : all else: libraries loaded, solver processes started, second tries, proofs that there
        is no plan.
    total : all of them together.
    """

    read: float = 0.0
    build: float = 0.0
    solve: float = 0.0
    plan: float = 0.0
    evaluate: float = 0.0
    prices: float = 0.0
    write: float = 0.0
    other: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What a solve found.

    Attributes
    ----------
    instance : the problem that was solved.
    status : optimal (verified, gap <= the one asked for), feasible (verified), infeasible
        (proved), no_plan.
    reason : why the search stopped, in words.
    limit : the limit that was reached (time, interrupt), empty when none was.
    plan : None when there is none that the judge verified.
    evaluation : the judge's verdict, also on a plan that it refused; None without one.
    prices : multipliers behind the bound and the shadow prices.
    families : shadow prices by family.
    method, solver, why : what was used, and why.
    size : size of the program.
    nodes : nodes of the search for whole numbers.
    seconds : time by phase.
    child_rss_mib : peak memory of its largest solver process.
    peak_rss_mib : that and the peak memory of this process up to now, together.
    left_out : why each pool that takes no part takes none.
    notes : what else the user should know.
    failure : what went wrong: "solver" when none came to an end, also when a verified
        stand-in plan is there; "judge" when the only plan was refused; else empty.
    latency : what requests see under the plan; None where no profile says anything about it.
    tightening_rounds : searches after the first, each with slower routes where the queue told
        that promises would be broken.
    slower : (R,) factors on chip-hours per Mtok that ``instance`` has in the end; None without.
    """

    instance: Instance
    status: str
    reason: str
    limit: str = ""
    plan: Plan | None = None
    evaluation: Evaluation | None = None
    prices: Prices | None = None
    families: tuple[Family, ...] = ()
    method: str
    solver: str = ""
    why: str = ""
    size: Size = Size()
    nodes: int = 0
    seconds: Seconds = Seconds()
    child_rss_mib: float = 0.0
    peak_rss_mib: float = 0.0
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failure: str = ""
    latency: Latency | None = None
    tightening_rounds: int = 0
    slower: NDArray[np.float64] | None = None

    @property
    def verified(self) -> bool:
        """Whether the judge confirmed the plan."""
        return self.evaluation is not None and self.evaluation.verified

    @property
    def objective_usd(self) -> float | None:
        """Cost of the plan, as the judge computed it."""
        return self.evaluation.objective_usd if self.evaluation and self.verified else None

    @property
    def bound_usd(self) -> float | None:
        """Proved lower bound on the cost of every plan."""
        return None if self.evaluation is None else self.evaluation.bound.usd

    @property
    def relative_gap(self) -> float | None:
        """(cost - bound) / cost."""
        return self.evaluation.relative_gap if self.evaluation and self.verified else None

    @property
    def unserved_mtok(self) -> float | None:
        """Mtok given up over the horizon."""
        if self.evaluation is None or not self.verified:
            return None
        return float(self.evaluation.unserved_mtok.sum())

    @property
    def exit_code(self) -> int:
        """Exit code of the command line (see docs/command-line.md)."""
        if self.limit == "interrupt":
            return 130
        if self.failure:
            return {"judge": 8, "solver": 9}[self.failure]
        if self.limit and self.status == "feasible":
            return 6
        return EXIT_CODES[self.status]

    def shadow_prices(self) -> Table:
        """All shadow prices: family, name, period, value, unit."""
        return as_table(self.families)

    def timed(self, **seconds: float) -> Result:
        """The same with seconds of some phases set and added up, and memory looked up again."""
        parts = dataclasses.replace(self.seconds, **seconds)
        total = sum(value for name, value in vars(parts).items() if name != "total")
        return dataclasses.replace(
            self,
            seconds=dataclasses.replace(parts, total=total),
            peak_rss_mib=own_peak_rss_mib() + self.child_rss_mib,
        )

    def since(self, begun: float) -> Result:
        """The same with all time since ``begun``, by the monotonic clock, that is in no phase."""
        known = self.seconds.total - self.seconds.other
        return self.timed(other=max(0.0, time.monotonic() - begun - known))


def own_peak_rss_mib() -> float:
    """Peak memory of this process so far, in MiB."""
    try:
        # Of this program alone; the figure below may be that of whoever started it.
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

"""What a method is: an instance in, a plan with prices out, and why it stopped."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import Protocol

from optimizer.errors import UsageError
from optimizer.instance.instance import Instance
from optimizer.methods.market import Market
from optimizer.methods.vertex import LastVertex
from optimizer.plan import Plan
from optimizer.prices import Prices
from optimizer.progress import Progress
from optimizer.solvers.base import Reason


def usable_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits common to all methods; None means no limit.

    Attributes
    ----------
    seconds : wall-clock time for build and solve together.
    relative_gap : gap at which a plan counts as optimal.
    threads : most child processes at work at once; by default the CPUs this process may use.
    memory_mib : address space of each child process.

    Raises
    ------
    UsageError
        When a limit cannot be meant.
    """

    seconds: float | None = None
    relative_gap: float = 1e-6
    threads: int = field(default_factory=usable_cpus)
    memory_mib: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds >= 0:
            raise UsageError(f"time limit: expected seconds >= 0, got {self.seconds}")
        if not 0 <= self.relative_gap < 1:
            raise UsageError(f"gap: expected a fraction from 0 to 1, got {self.relative_gap}")
        if self.threads < 1:
            raise UsageError(f"threads: expected a whole number >= 1, got {self.threads}")
        if self.memory_mib is not None and self.memory_mib < 1:
            raise UsageError(f"memory limit: expected MiB >= 1, got {self.memory_mib}")

    def after(self, begun: float) -> Limits:
        """The same with the time that has passed since ``begun`` taken off."""
        if self.seconds is None:
            return self
        return replace(self, seconds=max(0.0, self.seconds - (time.monotonic() - begun)))


@dataclass(frozen=True)
class Size:
    """How large the program was: variables, rows, entries, and the parts it fell into."""

    variables: int = 0
    rows: int = 0
    entries: int = 0
    parts: int = 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a method found; nothing here is verified.

    Attributes
    ----------
    reason : why it stopped.
    plan : None when it has none.
    prices : multipliers that go with the plan, None when it knows none.
    claimed_usd : cost that the method computed for its plan, None when it did not.
    proved_usd : lower bound that the solver proved on the whole cost, None when the prices
        say all that is known.
    proved_by : whose that bound is, when it is not the solver's.
    notes : what the user should know about prices and plan.
    solver : solver that was used, empty when none was.
    nodes : nodes of the solver's search trees, 0 when it had none.
    whole_numbers : whether the program had columns that take whole numbers only.
    why : why this solver and this way, in a sentence.
    detail : the solver's own words when it failed.
    size : size of the program.
    build_seconds, solve_seconds : time by phase.
    plan_seconds : time to write down the plan, where it is not in ``solve_seconds``.
    child_rss_mib : largest peak memory of a child process.
    """

    reason: Reason
    plan: Plan | None = None
    prices: Prices | None = None
    claimed_usd: float | None = None
    proved_usd: float | None = None
    proved_by: str = ""
    notes: tuple[str, ...] = ()
    solver: str = ""
    nodes: int = 0
    whole_numbers: bool = False
    why: str = ""
    detail: str = ""
    size: Size = Size()
    build_seconds: float = 0.0
    solve_seconds: float = 0.0
    plan_seconds: float = 0.0
    child_rss_mib: float = 0.0


@dataclass(eq=False)
class Memory:
    """What a method leaves behind for its next run on a problem that differs little.

    Attributes
    ----------
    prices : where its climb ended; the prices of the plan itself tell less of where to begin.
    vertex : where its last search ended, for plain instances; None when it did not get there.
    market : the plain instance that it was for, and its market.
    """

    prices: Prices | None = None
    vertex: LastVertex | None = None
    market: tuple[Instance, Market] | None = None


class Method(Protocol):
    """Takes an instance, gives what it found; a frozen record of its own parameters."""

    @property
    def name(self) -> str:
        """Name on the command line."""
        ...

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Look for a plan within the limits."""
        ...

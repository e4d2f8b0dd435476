"""Solve, predict what latency the plan gives, and tighten until promises are kept.

Routes of an instance with profiles are as fast as a replica may be that serves one workload alone.
On a replica that several share the queue may disagree: a long prefill of one delays tokens of
all. Where a promise would be broken, the routes of that group are made slower by as much as
their replicas have too much to do, and the instance is solved again.
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray

from optimizer import solving
from optimizer.evaluation.latency import predicted_latency
from optimizer.evaluation.relief import relief
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits, Method
from optimizer.progress import Progress, Silent
from optimizer.result import Result, Seconds

__all__ = ["solve"]

Float = NDArray[np.float64]

MOST_ROUNDS = 8
"""Rounds after which a plan stays as it is, with its broken promises named."""


def solve(
    instance: Instance,
    *,
    method: str | Method = "auto",
    solver: str = "auto",
    limits: Limits | None = None,
    progress: Progress | None = None,
    keep_promises: bool = True,
) -> Result:
    """Find the cheapest verified plan, whose latency keeps its promises.

    Without profiles this is the search of :func:`optimizer.solving.solve`. With them the result
    says what latency the plan gives, and how many rounds it took until promises were kept.

    Parameters
    ----------
    method : name of a method (auto, direct, rounding, rolling, price,
        price_rounding, greedy), or a method.
    solver : name of a solver (auto, glop, pdlp, highs, scip, cp_sat) for the direct and the
        rolling method.
    limits : time, gap, threads and memory; time is that of all rounds together.
    progress : told what is going on; silent by default.
    keep_promises : False leaves a plan as it is whose latency breaks promises.

    Returns
    -------
    Result
        Also when there is no plan: a search that fails returns, wrong input raises. Its
        ``instance`` is the one that was solved last, with tightened routes where there are any.

    Raises
    ------
    UsageError
        When method or solver are not known or do not go together.
    UnsupportedError
        When the instance has a rule that the method cannot keep.
    """
    begun = time.monotonic()
    limits, progress = limits or Limits(), progress or Silent()
    found = _searched(instance, method, solver, limits, progress)
    if found.latency is None:
        return found.since(begun)
    slower, rounds = np.ones(instance.num_routes), 0
    while found.latency is not None and found.latency.broken and keep_promises:
        left = limits.after(begun)
        if rounds == MOST_ROUNDS or found.limit or left.seconds == 0:
            break
        more = relief(found.instance, found.latency)
        if bool((more == 1.0).all()):
            break  # what is broken is so on idle replicas as well
        progress.note(f"{found.latency.broken:,} promises would be broken; tightening their routes")
        slower_still = slower * more
        again = _searched(slowed(instance, slower_still), method, solver, left, progress)
        if again.latency is None:
            break  # no plan in the time that was left: the one before is one at least
        slower, rounds = slower_still, rounds + 1
        found = dataclasses.replace(again, seconds=_together(found.seconds, again.seconds))
    return dataclasses.replace(found, tightening_rounds=rounds, slower=slower).since(begun)


def slowed(instance: Instance, slower: Float) -> Instance:
    """The instance with (R,) so many times the chip-hours per Mtok."""
    chip_hours = instance.routes.chip_hours_per_mtok * slower
    routes = dataclasses.replace(instance.routes, chip_hours_per_mtok=chip_hours)
    return dataclasses.replace(instance, routes=routes)


def _searched(
    instance: Instance, method: str | Method, solver: str, limits: Limits, progress: Progress
) -> Result:
    """One search, with the latency that its plan gives."""
    found = solving.solve(instance, method=method, solver=solver, limits=limits, progress=progress)
    if found.plan is None or len(instance.profiles.chips_per_replica) == 0:
        return found
    progress.stage("latency")
    begun = time.monotonic()
    latency = predicted_latency(found.instance, found.plan)
    passed = time.monotonic() - begun
    return dataclasses.replace(found, latency=latency).timed(
        evaluate=found.seconds.evaluate + passed
    )


def _together(first: Seconds, second: Seconds) -> Seconds:
    """Seconds of two searches, phase by phase."""
    return Seconds(**{name: value + vars(second)[name] for name, value in vars(first).items()})

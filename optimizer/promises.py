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
from optimizer.evaluation.latency import Latency, predicted_latency
from optimizer.evaluation.relief import relief
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits, Method
from optimizer.progress import Progress, Silent
from optimizer.result import Result

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
    found = solving.solve(
        instance, method=method, solver=solver, limits=limits, progress=progress
    )
    found = _predicted(found, progress)
    slower = np.ones(instance.num_routes)
    rounds = 0
    while found.latency is not None and found.latency.broken and keep_promises:
        left = limits.after(begun)
        if rounds == MOST_ROUNDS or found.limit or left.seconds == 0:
            break
        assert found.plan is not None
        progress.note(f"{found.latency.broken:,} promises would be broken; tightening their routes")
        slower *= relief(found.instance, found.plan, found.latency)
        again = solving.solve(
            _slowed(instance, slower), method=method, solver=solver, limits=left, progress=progress
        )
        again = _predicted(again, progress)
        if again.latency is None:
            break  # what was found before is at least a plan
        rounds += 1
        found = dataclasses.replace(again, seconds=_added(found, again))
    return dataclasses.replace(
        found, tightening_rounds=rounds, notes=found.notes + _notes(found, instance, rounds)
    ).since(begun)

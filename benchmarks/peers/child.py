"""One peer, one instance, in a process of its own: ``python -m benchmarks.peers.child SPEC``.

Runs in the peer's environment. Reads the arrays, solves something tiny so that libraries are
loaded, says that it begins, works, and writes answer and figures. Nothing of this but the work
is in its seconds.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.answer import Answer, Clock, joined
from benchmarks.peers.transport import Transport
from benchmarks.processes import (
    children_cpu_seconds,
    ended_child_peak_rss_mib,
    peak_rss_mib,
    reset_peak,
)


def main(spec: dict[str, Any]) -> None:
    """Do what the specification says; its files are in its folder."""
    folder, options = Path(spec["folder"]), spec["options"]
    entrant = importlib.import_module(f"benchmarks.peers.entrants.{spec['entrant']}")
    clock = Clock()
    if spec["entrant"] == "ours":
        from optimizer.instance.read import read

        instance = read(Path(spec["instance"]))
        entrant.warm_up()
        used = _begin(folder)
        answer = entrant.run_instance(instance, options, clock)
    else:
        given = Transport.load(Path(spec["arrays"]))
        if spec["warm"]:
            entrant.run(tiny(), options, Clock())
        used = _begin(folder)
        answer = worked(entrant, given, options, clock, by_period=spec["by_period"])
    figures = {
        "seconds": clock.seconds,
        "cpu_seconds": _cpu_seconds() - used,
        "peak_rss_mib": peak_rss_mib(),
        "ended_child_peak_rss_mib": ended_child_peak_rss_mib(),
        "version": version(spec["package"]),
    }
    answer.save(folder / "answer.npz")
    (folder / "figures.json").write_text(json.dumps(figures), encoding="utf-8")


def worked(
    entrant: Any, given: Transport, options: dict[str, Any], clock: Clock, *, by_period: bool
) -> Answer:
    """The answer to the whole, or to one period after the other."""
    if not by_period:
        answer: Answer = entrant.run(given, options, clock)
        return answer
    parts = []
    for t in range(given.num_periods):
        with clock.phase("build"):
            part = given.period(t)
        parts.append(entrant.run(part, options, clock))
    return joined(parts)


def tiny() -> Transport:
    """Two workloads and two pools, one of them full."""
    return Transport(
        first=np.array([0, 2, 4]),
        pool=np.array([0, 1, 0, 1]),
        usd=np.array([1.0, 2.0, 1.0, 4.0]),
        hours=np.array([1.0, 1.0, 2.0, 1.0]),
        ceiling=np.array([20.0, 30.0]),
        demand=np.array([[3.0], [4.0]]),
        capacity=np.array([[5.0], [9.0]]),
        used_usd=np.array([[0.0], [1.0]]),
    )


def _begin(folder: Path) -> float:
    """Memory and clock start here; gives the CPU used so far."""
    reset_peak()
    (folder / "begun").touch()
    return _cpu_seconds()


def _cpu_seconds() -> float:
    """Of this process, its children that ended, and those that live."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + children_cpu_seconds()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))

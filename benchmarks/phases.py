"""The phases: files to written plan, each measured where its figure means something.

Every run takes two fresh processes. The *first* reads and builds, and nothing has been built
before: its build includes loading the compiled kernels (compiling them, when the cache of
numba is empty). The *main* one does the whole job once, through the same calls as the command
line, with solver processes started before reading; between reading and solving it builds a
tiny instance, outside every phase, so that kernels are loaded. Phases are told apart by the
stages that the job announces; between two phases the high-water mark of memory is set back.
What children need is read from the kernel while they still live.

Run by :mod:`benchmarks.run` as ``python -m benchmarks.phases PART JSON``.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import processes

PHASES = ("read", "build", "solve", "plan", "evaluate", "prices", "write")
STAGES = {phase: phase for phase in PHASES if phase != "prices"} | {"shadow prices": "prices"}
"""Phase of a stage that the job announces; every other stage is part of solving."""
WARM_UP = Path(__file__).parents[1] / "instances" / "tiny" / "demand"


class Clock:
    """Figures of each phase; also the progress object that the job talks to.

    Attributes
    ----------
    figures : by phase, wall-clock seconds, seconds of CPU and peak RSS of this process.
    """

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, float]] = {}
        self._phase = ""
        self._begun = 0.0
        self._begun_cpu = 0.0

    def begin(self, phase: str) -> None:
        """End the phase before, if any, and begin this one; a phase may come again."""
        self.end()
        processes.reset_peak()
        self._phase = phase
        self._begun, self._begun_cpu = time.perf_counter(), time.process_time()

    def end(self) -> None:
        """End the phase that runs."""
        took = time.perf_counter() - self._begun
        took_cpu = time.process_time() - self._begun_cpu
        if self._phase:
            before = self.figures.get(self._phase, {})
            self.figures[self._phase] = {
                "seconds": before.get("seconds", 0.0) + took,
                "cpu_seconds": before.get("cpu_seconds", 0.0) + took_cpu,
                "peak_rss_mib": max(before.get("peak_rss_mib", 0.0), processes.peak_rss_mib()),
            }
        self._phase = ""

    def stage(self, name: str, total: int = 0) -> None:
        """Begin the phase of this stage."""
        self.begin(STAGES.get(name, "solve"))

    def incumbent(self, value_usd: float | None, bound_usd: float | None, nodes: int) -> None:
        """What is known on the way is not measured."""

    def step(self, count: int = 1) -> None:
        """Steps are not measured."""

    def note(self, text: str) -> None:
        """Notes are in the result."""

    def close(self) -> None:
        """End the last phase."""
        self.end()


def first(folder: Path, method: str) -> dict[str, Any]:
    """Read and build in a process that has not built before."""
    from optimizer.instance.read import read
    from optimizer.methods.market import Market
    from optimizer.methods.registry import method_named
    from optimizer.methods.replica_market import ReplicaMarket
    from optimizer.model.formulation import Formulation
    from optimizer.solvers.blocks import split

    instance = read(folder)
    begun = time.perf_counter()
    name = method_named(method, instance=instance).name
    if name == "price":
        Market.of(instance)
    elif name == "price_rounding":
        ReplicaMarket.of(instance)
    else:
        split(Formulation().build(instance).program)
    return {"build_first_seconds": time.perf_counter() - begun}


def main_job(folder: Path, method: str, solver: str, time_limit_s: float) -> dict[str, Any]:
    """Everything from the files to the written plan; gives figures by phase and the quality."""
    from optimizer.instance.read import read
    from optimizer.methods.base import Limits
    from optimizer.model.formulation import Formulation
    from optimizer.reports.plan_folder import write_plan_folder
    from optimizer.solvers.blocks import split
    from optimizer.solvers.workers import shared_workers
    from optimizer.solving import solve

    limits = Limits(seconds=time_limit_s)
    if method != "greedy":
        shared_workers(limits.threads, limits.memory_mib).start(2)
    clock = Clock()
    clock.begin("read")
    instance = read(folder)
    clock.end()
    trial = processes.ended_child_peak_rss_mib()
    tiny = Formulation().build(read(WARM_UP)).program
    split(tiny)
    split(tiny, least_columns=1)  # programs that fall apart use one more kernel
    used_before = processes.children_cpu_seconds()
    result = solve(instance, method=method, solver=solver, limits=limits, progress=clock)
    clock.end()
    used = processes.children_cpu_seconds() - used_before
    children = processes.children_peak_rss_mib()
    if result.plan is not None:
        with tempfile.TemporaryDirectory() as out:
            clock.begin("write")
            write_plan_folder(result, Path(out) / "plan")
            clock.close()
    size = {
        "workloads": instance.num_workloads,
        "pools": instance.num_pools,
        "periods": instance.num_periods,
        "routes": instance.num_routes,
        "columns": result.size.variables,
        "rows": result.size.rows,
        "entries": result.size.entries,
        "parts": result.size.parts,
    }
    quality = {
        "status": result.status,
        "verified": result.verified,
        "objective_usd": result.objective_usd,
        "bound_usd": result.bound_usd,
        "relative_gap": result.relative_gap,
        "solver": result.solver,
        "why": result.why,
        "notes": list(result.notes),
    }
    phases = clock.figures
    phases["read"]["ended_child_peak_rss_mib"] = trial
    phases["solve"] |= {
        "children_cpu_seconds": used,
        "largest_child_peak_rss_mib": max(children, default=0.0),
        "children_peak_rss_mib": sum(children),
        "together_peak_rss_mib": phases["solve"]["peak_rss_mib"] + sum(children),
    }
    return {"size": size, "phases": phases, "quality": quality}


if __name__ == "__main__":
    part, asked = sys.argv[1], json.loads(sys.argv[2])
    asked["folder"] = Path(asked["folder"])
    answer = first(**asked) if part == "first" else main_job(**asked)
    print(json.dumps(answer))

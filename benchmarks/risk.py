"""Draws of a plan's risk per second: ``python -m benchmarks.risk [--draws N] [--workloads N] ...``.

The shipped instance, or with ``--workloads`` a synthetic one of 64 pools and a week of hours, is
solved once; then its plan meets draws of demand, throughput and prices, and of each of them
alone, as ``optimizer risk`` makes them. Kernels are loaded before.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optimizer
from benchmarks.cases.frontier import FOLDER
from benchmarks.machine import commit, load_average, machine
from benchmarks.record import alone, keep, record
from optimizer.evaluation.risk import AGREE
from optimizer.instance.instance import Instance

POOLS, PERIODS = 64, 168
RANGES = optimizer.Uncertainty(demand=(0.7, 1.4), throughput=(0.8, 1.1))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line and keep the record; gives 1 when the judge disagrees."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.risk", description=__doc__)
    parser.add_argument("--draws", type=int, default=10_000, metavar="N")
    parser.add_argument("--workloads", type=int, metavar="N", help="synthetic, of so many")
    parser.add_argument("--repeat", type=int, default=5, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="file to append to")
    asked = parser.parse_args(arguments)
    with alone():
        made = measured(_instance(asked.workloads), asked.draws, asked.repeat)
    keep(made, asked.out)
    print(_line(made), file=sys.stderr)
    return 0 if made["quality"]["verified"] else 1


def measured(instance: Instance, draws: int, repeat: int) -> dict[str, Any]:
    """The record."""
    code, before = commit(), load_average()
    result = optimizer.solve(instance)
    plan, verdict = result.plan, result.evaluation
    if plan is None or verdict is None:
        raise SystemExit(f"no plan: {result.reason}")
    optimizer.risk(instance, plan, draws=1, uncertainty=RANGES)
    taken, whole, cpu = [], [], []
    for _ in range(repeat):
        begun, used = time.perf_counter(), time.process_time()
        found = optimizer.risk(instance, plan, draws=draws, uncertainty=RANGES)
        whole.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
        taken.append(found.seconds)
    off = abs(found.planned.total - verdict.objective_usd) / verdict.objective_usd
    seconds = statistics.median(taken)
    phases = {
        "draws": {
            "seconds": seconds,
            "draws_per_second": draws / seconds,
            "least_draws_per_second": draws / max(taken),
            "most_draws_per_second": draws / min(taken),
        },
        "whole call": {
            "seconds": statistics.median(whole),
            "cpu_seconds": statistics.median(cpu),
        },
    }
    quality = {
        "verified": verdict.verified and off <= AGREE,
        "off_from_judge": off,
        "planned_usd": found.planned.total,
        "mean_usd": found.cost.mean,
        "standard_error_usd": found.cost.standard_error,
        "tail_mean_usd": found.cost.tail_mean,
    }
    size = {
        "workloads": instance.num_workloads,
        "pools": instance.num_pools,
        "periods": instance.num_periods,
        "routes": instance.num_routes,
        "placements": len(plan.placed_mtok),
        "draws": draws,
        "plans_a_draw": 1 + len(found.sources),
    }
    load = (before, load_average())
    return record("risk", code, load, phases, quality, title="risk of a plan", size=size)


def _instance(workloads: int | None) -> Instance:
    if workloads is None:
        return optimizer.read(FOLDER)
    return optimizer.generate(workloads=workloads, pools=POOLS, periods=PERIODS, seed=0)


def _line(made: dict[str, Any]) -> str:
    size, draws, quality = made["size"], made["phases"]["draws"], made["quality"]
    found, whole = machine(), made["phases"]["whole call"]
    return (
        f"{draws['draws_per_second']:,.0f} draws/s "
        f"({draws['least_draws_per_second']:,.0f} to {draws['most_draws_per_second']:,.0f}), "
        f"{size['workloads']} x {size['pools']} x {size['periods']}, {size['routes']:,} routes, "
        f"{size['placements']:,} placements; {whole['cpu_seconds']:.2f} CPU seconds for "
        f"{size['draws']:,} draws; mean {quality['mean_usd']:,.0f} +- "
        f"{quality['standard_error_usd']:,.0f} USD; {found['cpu']}, {found['cores']} cores"
    )


if __name__ == "__main__":
    sys.exit(main())

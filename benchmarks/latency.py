"""Seconds of the judge's latency: ``python -m benchmarks.latency [--models N] [--pools N] ...``.

A fleet of models on pools, each with a promise, every group in every period at a load of its
own, as a plan with whole replicas has it. Kernels are loaded before.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import commit, load_average, machine
from benchmarks.record import alone, keep, record
from optimizer.evaluation.latency import Latency, predicted_latency
from optimizer.instance.fleet_tables import Replicas
from optimizer.instance.generate import generate
from optimizer.instance.in_memory import labels_of, table_of
from optimizer.instance.instance import Instance
from optimizer.instance.serving_tables import Profiles
from optimizer.instance.tables import Routes
from optimizer.plan import Cells, Plan, from_cells
from optimizer.serving.routes import derive

MODELS, POOLS, PERIODS = 24, 64, 168
CHIPS_PER_REPLICA = 8.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line and keep the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--models", type=int, default=MODELS, metavar="N")
    parser.add_argument("--pools", type=int, default=POOLS, metavar="N")
    parser.add_argument("--periods", type=int, default=PERIODS, metavar="N")
    parser.add_argument("--sharing", type=int, default=1, metavar="N", help="workloads per model")
    parser.add_argument("--parts", action="store_true", help="chips by the part, no replicas")
    parser.add_argument("--repeat", type=int, default=5, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="file to append to")
    asked = parser.parse_args(arguments)
    with alone():
        instance = fleet(asked.models, asked.pools, asked.periods, asked.sharing)
        if asked.parts:
            instance = dataclasses.replace(instance, replicas=table_of(Replicas, 0))
        made = measured(instance, asked.repeat)
    keep(made, asked.out)
    print(_line(made), file=sys.stderr)
    return 0


def measured(instance: Instance, repeat: int) -> dict[str, Any]:
    """The record."""
    code, before = commit(), load_average()
    plan = spread(instance)
    found = predicted_latency(instance, plan)
    seconds, cpu = [], []
    for _ in range(repeat):
        begun, used = time.perf_counter(), time.process_time()
        found = predicted_latency(instance, plan)
        seconds.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    assert found is not None
    phases = {
        "latency": {
            "seconds": statistics.median(seconds),
            "least_seconds": min(seconds),
            "most_seconds": max(seconds),
            "cpu_seconds": statistics.median(cpu),
        }
    }
    size = {
        "models": len(instance.model_names),
        "pools": instance.num_pools,
        "periods": instance.num_periods,
        "groups": len(found.groups.lane),
        "predictions": len(found.kept),
    }
    load = (before, load_average())
    return record("latency", code, load, phases, _quality(found), title="latency", size=size)


def fleet(models: int, pools: int, periods: int, sharing: int) -> Instance:
    """Workloads of the same model share its replicas; every pair is a route."""
    rng = np.random.default_rng(0)
    count = models * sharing
    base = generate(workloads=count, pools=pools, periods=periods, seed=0, eligible=1.0)
    names = [f"m{model:02d}" for model in range(models)]
    model = np.repeat(np.arange(models), sharing)
    chips = base.pools.chip.names
    ways = models * len(chips)
    profiles = table_of(
        Profiles,
        ways,
        model=labels_of(names, np.repeat(np.arange(models), len(chips))),
        chip=labels_of(chips, np.tile(np.arange(len(chips)), models)),
        configuration=labels_of(["tp8"], np.zeros(ways, np.int64)),
        chips_per_replica=np.full(ways, CHIPS_PER_REPLICA),
        max_batch=rng.integers(16, 257, ways).astype(np.float64),
        decode_base_ms=rng.uniform(8, 25, ways),
        decode_per_seq_ms=rng.uniform(0.05, 0.3, ways),
        prefill_base_ms=rng.uniform(2, 10, ways),
        prefill_per_token_ms=rng.uniform(0.005, 0.03, ways),
    )
    workloads = dataclasses.replace(
        base.workloads,
        model=labels_of(names, model),
        traffic_class=labels_of(["interactive"], np.zeros(count, np.int64)),
        input_tokens=rng.uniform(200, 4000, count),
        output_tokens=rng.uniform(50, 600, count),
        ttft_ms=rng.uniform(1000, 3000, count),
        tpot_ms=rng.uniform(40, 120, count),
        slo_percentile=np.full(count, 95.0),
        deadline_periods=np.zeros(count, np.int64),
    )
    replicas = table_of(
        Replicas,
        ways,
        model=profiles.model,
        chip=profiles.chip,
        chips_per_replica=profiles.chips_per_replica,
    )
    empty = dataclasses.replace(
        base,
        workloads=workloads,
        profiles=profiles,
        replicas=replicas,
        routes=table_of(Routes, 0),
    )
    return derive(empty)[0]


def spread(instance: Instance) -> Plan:
    """A plan with something on every route in every period.

    Replicas, where models run in them, are up to 40 % more than needed, and whole.
    """
    rng = np.random.default_rng(1)
    routes, periods = instance.routes, instance.num_periods
    route = np.repeat(np.arange(instance.num_routes), periods)
    period = np.tile(np.arange(periods, dtype=np.int32), instance.num_routes)
    mtok = rng.uniform(0.5, 20.0, len(route)) / routes.chip_hours_per_mtok[route] * 4
    model = instance.workloads.model.codes[routes.workload[route]]
    shape = (len(instance.model_names), instance.num_pools, periods)
    hours = np.zeros(shape)
    np.add.at(hours, (model, routes.pool[route], period), mtok * routes.chip_hours_per_mtok[route])
    needed = hours / (CHIPS_PER_REPLICA * instance.period_hours) * rng.uniform(1.0, 1.4, shape)
    return from_cells(
        instance,
        routes.workload[route],
        routes.pool[route],
        period,
        mtok,
        np.zeros((instance.num_workloads, periods)),
        replicas=Cells.of_dense(np.ceil(needed)) if len(instance.replicas.model) else None,
    )


def _quality(found: Latency) -> dict[str, Any]:
    return {
        "attainment": found.attainment_of_all,
        "broken": found.broken,
        "untrusted": int((~found.trusted).sum()),
        "mean_utilisation": float(found.utilisation.mean()),
    }


def _line(made: dict[str, Any]) -> str:
    size, took, quality = made["size"], made["phases"]["latency"], made["quality"]
    return (
        f"{took['seconds']:.2f} s ({took['least_seconds']:.2f} to {took['most_seconds']:.2f}, "
        f"{took['cpu_seconds']:.2f} CPU seconds) for {size['predictions']:,} predictions in "
        f"{size['groups']:,} groups, {size['models']} x {size['pools']} x {size['periods']}; mean "
        f"utilisation {quality['mean_utilisation']:.2f}; {machine()['cpu']}, "
        f"{machine()['cores']} cores"
    )


if __name__ == "__main__":
    sys.exit(main())

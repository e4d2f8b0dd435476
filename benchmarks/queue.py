"""The queue: ``python -m benchmarks.queue [--stations N] [--settings N] [--out FILE.jsonl]``.

Seconds to invert many stations, each with lengths and promises of its own, for means and for
95th percentiles; the quality beside it is the part of the rates that keep their promise while one
per cent more does not. With ``--settings`` also the distribution of the errors of predictions
against the engine simulated request by request, by region.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import commit, load_average
from benchmarks.record import alone, keep, record
from optimizer.kernels.blocks import usable_cpus
from optimizer.serving.queue import Stations, chosen, largest_rate, predict

Float = NDArray[np.float64]

FIGURES = ("TTFT mean", "TTFT 95 %", "TPOT mean", "TPOT 95 %")
TOLERANCES = np.array([0.05, 0.10, 0.05, 0.10])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and keep the record; gives 1 when a rate was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=__doc__)
    parser.add_argument("--stations", type=int, default=100_000, metavar="N")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    parser.add_argument("--settings", type=int, default=0, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="file to append to")
    asked = parser.parse_args(arguments)
    with alone():
        made = measured(asked.stations, asked.repeat)
    keep(made, asked.out)
    for name, phase in made["phases"].items():
        print(f"{name}: {phase['seconds']:.2f} s", file=sys.stderr)
    if asked.settings:
        print(errors(asked.settings), file=sys.stderr)
    return 0 if made["quality"]["verified"] else 1


def measured(count: int, repeat: int) -> dict[str, Any]:
    """The record of the inversion."""
    code, before = commit(), load_average()
    stations = drawn(count)
    ttft, tpot = promises(stations)
    some = np.arange(min(count, 64))
    phases, quality = {}, {}
    right = True
    for name, percentile in (("means", np.nan), ("percentiles", 95.0)):
        largest_rate(chosen(stations, some), ttft[some], tpot[some], percentile)  # compiles
        seconds, used = [], []
        for _ in range(repeat):
            begun, spent = time.perf_counter(), time.process_time()
            found = largest_rate(stations, ttft, tpot, percentile)
            seconds.append(time.perf_counter() - begun)
            used.append(time.process_time() - spent)
        phases[name] = {"seconds": min(seconds), "cpu_seconds": min(used)}
        rate, bound = found.requests_per_second, np.isin(found.binding, ("ttft", "tpot"))
        at = kept(stations, rate, ttft, tpot, percentile)[rate > 0]
        more = kept(stations, 1.01 * rate, ttft, tpot, percentile)[bound]
        quality[f"{name}_kept_part"] = float((at * (1 + 3e-6) >= 1).mean())
        quality[f"{name}_tight_part"] = float((more < 1).mean())
        right = right and quality[f"{name}_kept_part"] == 1.0
        right = right and quality[f"{name}_tight_part"] == 1.0
    load = (before, load_average())
    size = {"stations": count, "threads": usable_cpus()}
    return record(
        "queue", code, load, phases, quality | {"verified": right}, title="inversion", size=size
    )


def kept(s: Stations, rate: Float, ttft: Float, tpot: Float, percentile: float) -> Float:
    """How far the closest promise is kept, >= 1 where it is."""
    seen = predict(s, rate, percentile)
    mean = np.isnan(percentile)
    late = seen.ttft_ms if mean else seen.ttft_percentile_ms
    slow = seen.tpot_ms if mean else seen.tpot_percentile_ms
    closest: Float = np.fmin(ttft / late, tpot / slow)
    return np.where(np.isnan(closest), np.inf, closest)


def drawn(count: int) -> Stations:
    """Stations of chips and models of all sizes, batches up to 1024."""
    rng = np.random.default_rng(0)
    base = np.exp(rng.uniform(np.log(5), np.log(50), count))
    return Stations(
        decode_base_ms=base,
        decode_per_seq_ms=base * np.exp(rng.uniform(np.log(1e-3), np.log(0.1), count)),
        prefill_base_ms=base * rng.uniform(0, 1, count),
        prefill_per_token_ms=np.exp(rng.uniform(np.log(0.005), np.log(0.2), count)),
        max_batch=np.exp2(rng.integers(0, 11, count).astype(np.float64)),
        input_tokens=np.exp(rng.uniform(np.log(100), np.log(8000), count)),
        output_tokens=np.exp(rng.uniform(np.log(30), np.log(1000), count)),
        input_cv=rng.uniform(0, 1.5, count),
        output_cv=rng.uniform(0, 1.5, count),
        burstiness=np.array(1.0),
        max_queue=np.array(np.inf),
        together=np.array(0.0),
    )


def promises(s: Stations) -> tuple[Float, Float]:
    """TTFT and TPOT of some, that most can keep."""
    rng = np.random.default_rng(1)
    ttft = s.prefill_base_ms + s.prefill_per_token_ms * s.input_tokens
    ttft = ttft * np.exp(rng.uniform(0.0, 3.0, len(s)))
    tpot = (s.decode_base_ms + s.decode_per_seq_ms) * np.exp(rng.uniform(0.0, 1.5, len(s)))
    ttft[rng.random(len(s)) < 0.1] = np.nan
    return ttft, tpot


def errors(settings: int) -> str:
    """Table of errors: median, and nine in ten, over settings that are trusted and the others."""
    from tests.serving.test_agreement import compared

    found = compared(range(6000, 6000 + settings), 200_000, 4)
    lines = [f"{'':>10} {'settings':>9} {'figure':>10} {'median':>8} {'90 %':>8} {'within':>8}"]
    for name, mine in (("trusted", found.trusted), ("others", ~found.trusted)):
        # What the simulation itself does not know is no error of the formulas.
        within = (np.abs(found.error) <= TOLERANCES + 2 * found.noise)[mine].mean(axis=0)
        off = np.abs(found.error[mine])
        for k, figure in enumerate(FIGURES):
            middle, high = np.median(off[:, k]), np.quantile(off[:, k], 0.9)
            lines.append(
                f"{name:>10} {mine.sum():>9} {figure:>10} {middle:>8.2%} {high:>8.2%}"
                f" {within[k]:>8.1%}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())

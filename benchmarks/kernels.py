"""Speed of the sweeps: ``python -m benchmarks.kernels [--workloads N] [--repeat N] [--out FILE]``.

Routes times periods per second of one core for the exact, the pricing and the smooth sweep on a
synthetic market at its own prices, beside what the machine can do, measured in the same run: the
multiplications, additions and minima of the exact sweep with all data in the first cache, and a
triad over large arrays. Times are those of the thread, so that others on the machine matter less.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

import optimizer
from benchmarks.machine import commit, load_average
from benchmarks.record import alone, keep, record
from optimizer.kernels.sweep import cheapest
from optimizer.methods.market import Market
from optimizer.methods.price_ladder import climbed
from optimizer.methods.spread import WIDTHS
from optimizer.methods.sweeps import Sweeps
from optimizer.progress import Silent

Float = NDArray[np.float64]

POOLS, PERIODS = 64, 168
TEMPERATURES = {"coldest": 2e-5, "cold": 1e-4, "warm": 1e-3}
"""Widths of the smooth sweep as parts of a workload's scale."""
TRIAD_CELLS = 8_000_000
LINES = 8


@numba.njit(nogil=True, error_model="numpy")
def multiply_add_minimum(count, usd, hours, price, best):  # type: ignore[no-untyped-def]
    """``count`` times the least of eight ``usd + hours * price`` and ``best``."""
    u, h = usd, hours
    p0, p1, p2, p3, p4, p5, p6, p7 = (
        price[0], price[1], price[2], price[3], price[4], price[5], price[6], price[7],
    )  # fmt: skip
    for i in range(count):
        k = i % 8
        for t in range(len(best)):
            c0, c1 = u[k] + h[k] * p0[t], u[k] + h[k] * p1[t]
            c2, c3 = u[k] + h[k] * p2[t], u[k] + h[k] * p3[t]
            c4, c5 = u[k] + h[k] * p4[t], u[k] + h[k] * p5[t]
            c6, c7 = u[k] + h[k] * p6[t], u[k] + h[k] * p7[t]
            c0 = c0 if c0 < c1 else c1
            c2 = c2 if c2 < c3 else c3
            c4 = c4 if c4 < c5 else c5
            c6 = c6 if c6 < c7 else c7
            c0 = c0 if c0 < c2 else c2
            c4 = c4 if c4 < c6 else c6
            c0 = c0 if c0 < c4 else c4
            best[t] = c0 if c0 < best[t] else best[t]


@numba.njit(nogil=True, error_model="numpy")
def triad(one, other, factor, total):  # type: ignore[no-untyped-def]
    """``total = one + factor * other``."""
    for i in range(len(total)):
        total[i] = one[i] + factor * other[i]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and keep the record; gives 1 when a sweep was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("--workloads", type=int, default=20_000, metavar="N")
    parser.add_argument("--repeat", type=int, default=5, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="file to append to")
    asked = parser.parse_args(arguments)
    with alone():
        made = measured(asked.workloads, asked.repeat)
    keep(made, asked.out)
    print(table(made), file=sys.stderr)
    return 0 if made["quality"]["verified"] else 1


def measured(workloads: int, repeat: int) -> dict[str, Any]:
    """The record."""
    code, before = commit(), load_average()
    instance = optimizer.generate(workloads=workloads, pools=POOLS, periods=PERIODS, seed=0)
    market = Market.of(instance)
    sweeps = Sweeps(market, 1)
    price = climbed(sweeps, Silent(), lambda: False)
    usd, periods = market.used_usd + price, np.arange(PERIODS)
    best = np.empty(market.demand.shape)

    def exact() -> None:
        cheapest(market.first, market.pool, market.usd, market.hours, usd, market.ceiling, best)

    found: dict[str, Any] = {}
    cells = len(market.pool) * PERIODS
    phases = machine_rates(repeat)
    top = phases["machine"]["g_cells_per_second"]

    def note(name: str, seconds: float) -> None:
        rate = cells / seconds / 1e9
        phases[name] = {"g_cells_per_second": rate, "part_of_machine": rate / top}

    note("exact", least_seconds(exact, repeat))
    # Routes are read once, and the answer is written.
    moved = market.pool.nbytes + market.usd.nbytes + market.hours.nbytes + 2 * best.nbytes
    speed = phases["exact"]["g_cells_per_second"] * 1e9 / cells * moved / 1e9
    phases["exact"]["part_of_triad"] = speed / phases["machine"]["triad_gb_per_second"]

    def pricing() -> None:
        found["near"] = sweeps.near(price, np.full(PERIODS, WIDTHS * 2e-5), periods)

    note("pricing", least_seconds(pricing, repeat))
    for name, width in TEMPERATURES.items():

        def smooth(width: float = width) -> None:
            found["smooth"] = sweeps.smooth(price, width * market.scale, periods)

        note(f"smooth, {name}", least_seconds(smooth, repeat))
        found.setdefault("coldest", found["smooth"])
    value = (best * market.demand).sum(axis=0)
    quality = {
        "pricing_off": off(found["near"].value, value),
        "smooth_below_exact": off(found["coldest"].value, value),
        "exact_off": off(best[:50], by_numpy(market, usd, 50)),
    }
    right = quality["exact_off"] == 0.0 and quality["pricing_off"] < 1e-12
    right = right and bool((found["coldest"].value <= value * (1 + 1e-12)).all())
    size = {"workloads": workloads, "pools": POOLS, "periods": PERIODS, "routes": len(market.pool)}
    load = (before, load_average())
    return record(
        "kernels", code, load, phases, quality | {"verified": right}, title="sweeps", size=size
    )


def machine_rates(repeat: int) -> dict[str, dict[str, float]]:
    """What the exact sweep's arithmetic and the memory reach here, one core."""
    rng = np.random.default_rng(1)
    usd, hours, price = rng.random(8), rng.random(8), rng.random((LINES, PERIODS)) + 1.0
    best, count = np.full(PERIODS, 100.0), 20_000
    seconds = least_seconds(lambda: multiply_add_minimum(count, usd, hours, price, best), repeat)
    one, other, total = (np.ones(TRIAD_CELLS) for _ in range(3))
    moving = least_seconds(lambda: triad(one, other, 2.0, total), repeat)
    return {
        "machine": {
            "g_cells_per_second": count * LINES * PERIODS / seconds / 1e9,
            "triad_gb_per_second": 3 * 8 * TRIAD_CELLS / moving / 1e9,
        }
    }


def least_seconds(work: Callable[[], None], repeat: int) -> float:
    """Least time of this thread, after a run that compiles."""
    work()
    took = []
    for _ in range(repeat):
        begun = time.thread_time()
        work()
        took.append(time.thread_time() - begun)
    return min(took)


def by_numpy(market: Market, usd: Float, count: int) -> Float:
    """The exact sweep's answer for the first workloads, the slow way."""
    rows = []
    for w in range(count):
        some = slice(market.first[w], market.first[w + 1])
        cost = market.usd[some, None] + market.hours[some, None] * usd[market.pool[some]]
        rows.append(np.minimum(cost.min(axis=0, initial=np.inf), market.ceiling[w]))
    return np.array(rows)


def off(found: Float, right: Float) -> float:
    """Largest difference, as a part of what is right."""
    return float((np.abs(found - right) / np.maximum(np.abs(right), 1e-300)).max())


def table(made: dict[str, Any]) -> str:
    """The figures in lines."""
    lines = [f"{'sweep':18}{'G cells/s':>10}{'of machine':>12}"]
    for name, phase in made["phases"].items():
        part = f"{phase['part_of_machine']:.0%}" if "part_of_machine" in phase else ""
        lines.append(f"{name:18}{phase['g_cells_per_second']:10.2f}{part:>12}")
    triads = made["phases"]["machine"]["triad_gb_per_second"]
    reached = made["phases"]["exact"]["part_of_triad"]
    lines.append(f"triad {triads:.1f} GB/s; the exact sweep moves {reached:.0%} of that")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

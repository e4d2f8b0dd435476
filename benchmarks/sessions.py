"""How long a session takes to solve again after a small change, beside solving from nothing.

``python -m benchmarks.sessions`` prints one line per solve: seconds of the whole call, judge
included, gap, and how often that goes into the time from nothing.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import optimizer
from optimizer.methods.base import Limits
from optimizer.result import Result
from optimizer.session import Session, open_session


def timed(session: Session, what: str, cold_seconds: float | None) -> float:
    """Solve; tells how long it took and how good the answer is."""
    begun = time.perf_counter()
    result: Result = session.solve(method="price", limits=Limits())
    seconds = time.perf_counter() - begun
    ratio = "" if cold_seconds is None else f"  {cold_seconds / seconds:.1f} times as fast"
    print(f"{what:32} {seconds:8.2f} s  gap {result.relative_gap:.1e}{ratio}", flush=True)
    return seconds


def main() -> None:
    """Solve, change the demand of 1 % of the workloads, solve, make a pool dearer, solve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", type=int, default=100_000)
    parser.add_argument("--pools", type=int, default=64)
    parser.add_argument("--periods", type=int, default=168)
    given = parser.parse_args()
    # Kernels are compiled, or loaded, outside the times.
    small = open_session(optimizer.generate(workloads=200, pools=4, periods=3, seed=1))
    for factor in (1.0, 1.01):
        small.change(demand_mtok=small.instance.demand_mtok * factor)
        small.solve(method="price")
    size = (given.workloads, given.pools, given.periods)
    session = open_session(
        optimizer.generate(workloads=size[0], pools=size[1], periods=size[2], seed=1)
    )
    cold = timed(session, "from nothing", None)
    generator = np.random.default_rng(0)
    demand = session.instance.demand_mtok.copy()
    some = generator.choice(size[0], max(1, size[0] // 100), replace=False)
    demand[some] *= generator.uniform(0.5, 1.5, (len(some), 1))
    session.change(demand_mtok=demand)
    timed(session, "1 % of workloads changed", cold)
    instance = session.instance
    pool = int(np.flatnonzero(~instance.reserved)[0])
    name, price = instance.pools.pool[pool], instance.price_usd_per_chip_hour[pool]
    session.change(usd_per_chip_hour={name: price * 1.1})
    timed(session, "and a pool 10 % dearer", cold)
    session.change(usd_per_chip_hour={name: float(price.mean())})
    timed(session, "and at its mean price at all hours", cold)


if __name__ == "__main__":
    main()

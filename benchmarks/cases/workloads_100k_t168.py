"""The size of a real planner: 100,000 workloads in each hour of a week, 16.8 million placements."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """100,000 workloads, 64 pools, 168 periods."""
    made = generate(workloads=100_000, pools=64, periods=168, seed=1)
    write(made, folder, tables="parquet", matrices="npy")


WORKLOADS_100K_T168 = Case(
    name="workloads_100k_t168",
    title="100,000 workloads, 4,480,000 routes, 168 periods, Parquet and npy",
    prepare=prepare,
    method="price",
    repeat=1,
    time_limit_s=1800.0,
)

"""100,000 workloads in one period: what is done once for each workload, and not for each hour."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """100,000 workloads, 40 pools, 1 period."""
    made = generate(workloads=100_000, pools=40, periods=1, seed=1)
    write(made, folder, tables="parquet", matrices="npy")


WORKLOADS_100K_T1 = Case(
    name="workloads_100k_t1",
    title="100,000 workloads, 2,800,000 routes, 1 period, Parquet and npy",
    prepare=prepare,
    method="price",
    repeat=1,
)

"""A million workloads in each hour of a week: 168 million placements, some 9 GiB of memory."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """1,000,000 workloads, 64 pools, 168 periods."""
    made = generate(workloads=1_000_000, pools=64, periods=168, seed=1)
    write(made, folder, tables="parquet", matrices="npy")


WORKLOADS_1M_T168 = Case(
    name="workloads_1m_t168",
    title="1,000,000 workloads, 44,800,000 routes, 168 periods, Parquet and npy",
    prepare=prepare,
    method="price",
    repeat=1,
    time_limit_s=7200.0,
    only_when_named=True,
)

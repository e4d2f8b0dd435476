"""Limits and windows at the size of a real planner: what couples workloads and periods."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """100,000 workloads, 64 pools, 168 periods; 30 % may wait a day, shares, power by region."""
    made = generate(
        workloads=100_000,
        pools=64,
        periods=168,
        seed=1,
        deferrable=0.3,
        window=24,
        shares=True,
        power=True,
    )
    write(made, folder, tables="parquet", matrices="npy")


COUPLED_100K_T168 = Case(
    name="coupled_100k_t168",
    title="100,000 workloads, 168 periods; 30 % may wait 24 hours, shares, power",
    prepare=prepare,
    method="price",
    repeat=1,
    time_limit_s=1800.0,
)

"""Whole replicas for a hundred thousand workloads and a week, 753 million columns."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """100,000 workloads of 24 models, 64 pools, 168 periods; replicas of 4 to 64 chips."""
    made = generate(workloads=100_000, pools=64, periods=168, seed=1, models=24, replicas=True)
    write(made, folder, tables="parquet", matrices="npy")


REPLICAS_100K_T168 = Case(
    name="replicas_100k_t168",
    title="4,480,000 routes, 24 models in whole replicas, 168 periods, Parquet and npy",
    prepare=prepare,
    method="price_rounding",
    repeat=1,
    time_limit_s=160.0,
)

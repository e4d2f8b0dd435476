"""896,000 routes in each hour of a week: 151 million columns, which no solver is shown."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """20,000 workloads, 64 pools, 168 periods."""
    made = generate(workloads=20_000, pools=64, periods=168, seed=1)
    write(made, folder, tables="parquet", matrices="npy")


ROUTES_896K_T168 = Case(
    name="routes_896k_t168",
    title="896,000 routes, 168 periods, Parquet and npy",
    prepare=prepare,
    method="price",
    repeat=1,
)

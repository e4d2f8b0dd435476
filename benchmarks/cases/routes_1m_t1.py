"""About a million routes in one period: one part, which nothing splits."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """36,000 workloads, 40 pools."""
    made = generate(workloads=36_000, pools=40, periods=1, seed=1)
    write(made, folder, tables="parquet", matrices="parquet")


ROUTES_1M_T1 = Case(
    name="routes_1m_t1",
    title="1,008,000 routes, 1 period, Parquet",
    prepare=prepare,
    repeat=3,
)

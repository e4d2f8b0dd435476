"""About 6,000 routes in each hour of a week: 168 parts that nothing connects."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """215 workloads, 40 pools, 168 periods."""
    made = generate(workloads=215, pools=40, periods=168, seed=1)
    write(made, folder, tables="csv", matrices="npy")


ROUTES_6K_T168 = Case(
    name="routes_6k_t168",
    title="6,020 routes, 168 periods, matrices as npy",
    prepare=prepare,
)

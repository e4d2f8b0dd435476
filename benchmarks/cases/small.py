"""Seconds in all: for the smoke test of the harness."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """About 100 routes in 6 periods."""
    made = generate(workloads=20, pools=8, periods=6, seed=1)
    write(made, folder, tables="csv", matrices="csv")


SMALL = Case(
    name="small",
    title="about 100 routes, 6 periods, CSV",
    prepare=prepare,
    repeat=3,
)

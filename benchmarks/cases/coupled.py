"""Deadlines and shares: everything hangs together, and simplex starts from the periods alone."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case
from optimizer.instance.generate import generate
from optimizer.instance.write import write


def prepare(folder: Path) -> None:
    """A third of 60 workloads may wait 8 periods; limits on compute, tokens and spend."""
    made = generate(
        workloads=60,
        pools=12,
        periods=48,
        seed=1,
        deferrable=1 / 3,
        window=8,
        shares=True,
    )
    write(made, folder, tables="csv", matrices="csv")


COUPLED = Case(
    name="coupled", title="504 routes, 48 periods, deadlines and shares, CSV", prepare=prepare
)

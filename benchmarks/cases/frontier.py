"""The instance that comes with the project."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case

FOLDER = Path(__file__).parents[2] / "instances" / "frontier-2026-05"


def prepare(folder: Path) -> Path:
    """It is there already."""
    return FOLDER


FRONTIER = Case(name="frontier", title="the shipped instance frontier-2026-05", prepare=prepare)

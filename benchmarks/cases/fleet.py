"""The fleet that comes with the project: every family of rules, whole replicas for a week."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import Case

FOLDER = Path(__file__).parents[2] / "instances" / "frontier-2026-05-fleet"


def prepare(folder: Path) -> Path:
    """It is there already."""
    return FOLDER


FLEET = Case(
    name="fleet",
    title="the shipped instance frontier-2026-05-fleet",
    prepare=prepare,
    repeat=3,
    time_limit_s=120.0,
)

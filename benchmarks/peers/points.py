"""What a plot shows of records: seconds, gap, and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEAST_GAP = 1e-12
"""Gaps below it are rounding, and are drawn there."""


@dataclass(frozen=True)
class Point:
    """A run.

    Attributes
    ----------
    peer, instance : names.
    periods : how many.
    cells : routes times periods.
    seconds : build, solve and extract; the limit where there is no answer.
    gap : proved gap of the answer, or of the repaired one where the raw one breaks rules; None
        where there is no answer.
    raw : whether the raw answer keeps every rule.
    """

    peer: str
    instance: str
    periods: int
    cells: int
    seconds: float
    gap: float | None
    raw: bool


def points_of(runs: Sequence[dict[str, Any]]) -> list[Point]:
    """A point for each peer and instance, from small to large; the last run counts."""
    last = {(one["instance"], one["peer"]): one for one in runs}
    found = [_point(one) for one in last.values()]
    return sorted(found, key=lambda point: point.cells)


def _point(one: dict[str, Any]) -> Point:
    quality, size = one["quality"], one["size"]
    periods = size["periods"]
    cells = size["routes"] * periods
    names = one["peer"], one["instance"]
    if quality["outcome"] != "answer":
        return Point(*names, periods, cells, one["time_limit_s"], None, False)
    kept = quality if quality["verified"] else quality["repaired"]
    gap = max(kept["relative_gap"], LEAST_GAP) if kept["verified"] else None
    seconds = sum(phase["seconds"] for phase in one["phases"].values())
    return Point(*names, periods, cells, seconds, gap, quality["verified"])

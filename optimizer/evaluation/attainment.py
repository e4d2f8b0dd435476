"""How much of a promise groups of placements keep at each load: given by whoever knows latency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem
from optimizer.plan import Plan

Float = NDArray[np.float64]
Index = NDArray[np.int64]

__all__ = ["Attainment"]


@dataclass(frozen=True, eq=False)
class Attainment:
    """Part of the tokens within their promise, by group and load.

    A group is any set of a plan's placements that share their chips in a period, such as those of
    a model on a pool under one configuration; placements with a promise apart from those without.
    Between the ratios the part is interpolated, beyond the ends it stays as it is there.

    Attributes
    ----------
    group : (K,) group of each placement, in the plan's order; -1 = in none.
    held_chip_hours : (G,) chip-hours that the plan holds for each group.
    ratio : (N,) chip-hours needed over chip-hours held, strictly rising.
    attained : (G, N) part of the group's tokens within their promise at each ratio, 0 ... 1.

    Raises
    ------
    InputError
        With every array that does not fit.
    """

    group: Index
    held_chip_hours: Float
    ratio: Float
    attained: Float

    def __post_init__(self) -> None:
        problems = list(self._misfits())
        if problems:
            raise InputError(problems)

    def _misfits(self) -> list[Problem]:
        groups, points = len(self.held_chip_hours), len(self.ratio)
        found = []
        if self.attained.shape != (groups, points):
            shape = str(self.attained.shape)
            found.append(Problem("attainment, attained", f"shape {(groups, points)}", shape))
        elif not ((self.attained >= 0) & (self.attained <= 1)).all():
            found.append(Problem("attainment, attained", "parts from 0 to 1"))
        if points == 0 or not (np.diff(self.ratio) > 0).all() or not (self.ratio >= 0).all():
            found.append(Problem("attainment, ratio", "one or more numbers >= 0, strictly rising"))
        if not ((self.held_chip_hours >= 0) & np.isfinite(self.held_chip_hours)).all():
            found.append(Problem("attainment, held_chip_hours", "finite numbers >= 0"))
        if len(self.group) and not (-1 <= int(self.group.min()) <= int(self.group.max()) < groups):
            found.append(Problem("attainment, group", f"positions from -1 to {groups - 1}"))
        return found

    def admit(self, plan: Plan) -> None:
        """Refuse a table for a plan with another number of placements."""
        if len(self.group) != len(plan.placed_mtok):
            wanted = f"a group for each of {len(plan.placed_mtok)} placements"
            raise InputError(Problem("attainment, group", wanted, str(len(self.group))))

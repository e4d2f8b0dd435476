"""A mixed-integer program whose columns are named by tuples and whose rows are dictionaries.

Slow and easy to read. SciPy solves it: first with whole numbers, then once more as a linear
program with the whole numbers fixed, so that a cost is not off by what a solver forgives where
a switch multiplies a large number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

Key = tuple[Any, ...]
Terms = dict[Key, float]

TOLERANCE = 1e-6
"""How far a row may be missed, relative to the larger of 1 and the sum of its terms."""
TIGHT: Any = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True)
class Row:
    """``low <= terms <= high``, and the rule that asks for it."""

    family: str
    terms: Terms
    low: float
    high: float

    def broken(self, values: Mapping[Key, float]) -> bool:
        """Whether values miss the row; columns without a value are zero."""
        parts = [number * values.get(key, 0.0) for key, number in self.terms.items()]
        sides = [abs(side) for side in (self.low, self.high) if math.isfinite(side)]
        slack = TOLERANCE * max([1.0, sum(map(abs, parts)), *sides])
        return not self.low - slack <= sum(parts) <= self.high + slack


@dataclass
class NamedProgram:
    """Least ``cost + constant`` subject to rows and bounds; no column may be negative."""

    upper: dict[Key, float] = field(default_factory=dict)
    whole: set[Key] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    cost: Terms = field(default_factory=dict)
    constant: float = 0.0

    def column(self, *key: object, upper: float = math.inf, whole: bool = False) -> None:
        """Add a column from 0 to ``upper``."""
        assert key not in self.upper, key
        self.upper[key] = upper
        if whole:
            self.whole.add(key)

    def at_most(self, family: str, terms: Terms, side: float) -> None:
        """Add the row ``terms <= side``."""
        self.rows.append(Row(family, terms, -math.inf, side))

    def at_least(self, family: str, terms: Terms, side: float) -> None:
        """Add the row ``terms >= side``."""
        self.rows.append(Row(family, terms, side, math.inf))

    def equal(self, family: str, terms: Terms, side: float) -> None:
        """Add the row ``terms = side``."""
        self.rows.append(Row(family, terms, side, side))

    def solve(self) -> tuple[float, dict[Key, float]] | None:
        """Least cost and the values of the columns; None when nothing keeps all rows."""
        if not self.whole:
            return self._linear({})
        found = self._mixed()
        if found is None:
            return None
        fixed = {key: float(round(found[key])) for key in self.whole}
        polished = self._linear(fixed)
        assert polished is not None, "whole numbers that only a tolerance allows"
        return polished

    def _mixed(self) -> dict[Key, float] | None:
        keys = list(self.upper)
        matrix = self._matrix(keys)
        low = [row.low for row in self.rows]
        high = [row.high for row in self.rows]
        found: Any = milp(
            [self.cost.get(key, 0.0) for key in keys],
            integrality=np.array([int(key in self.whole) for key in keys]),
            bounds=Bounds([0.0] * len(keys), [self.upper[key] for key in keys]),
            constraints=LinearConstraint(matrix, low, high) if self.rows else None,
            options={"mip_rel_gap": 0.0},
        )
        if found.status == 2:
            return None
        assert found.status == 0, found.message
        return dict(zip(keys, found.x.tolist(), strict=True))

    def _linear(self, fixed: Mapping[Key, float]) -> tuple[float, dict[Key, float]] | None:
        keys = list(self.upper)
        matrix = self._matrix(keys)
        even = [at for at, row in enumerate(self.rows) if row.low == row.high]
        upper = [
            (sign * matrix[at], sign * side)
            for at, row in enumerate(self.rows)
            for sign, side in ((1.0, row.high), (-1.0, row.low))
            if row.low != row.high and math.isfinite(side)
        ]
        found: Any = linprog(
            [self.cost.get(key, 0.0) for key in keys],
            A_ub=np.array([row for row, _ in upper]) if upper else None,
            b_ub=[side for _, side in upper] if upper else None,
            A_eq=matrix[even] if even else None,
            b_eq=[self.rows[at].low for at in even] if even else None,
            bounds=[(fixed.get(key, 0.0), fixed.get(key, self.upper[key])) for key in keys],
            method="highs",
            options=TIGHT,
        )
        if found.status == 2:
            return None
        assert found.status == 0, found.message
        values = dict(zip(keys, found.x.tolist(), strict=True))
        return float(found.fun + self.constant), values

    def _matrix(self, keys: list[Key]) -> np.ndarray:
        place = {key: at for at, key in enumerate(keys)}
        matrix = np.zeros((len(self.rows), len(keys)))
        for at, row in enumerate(self.rows):
            for key, number in row.terms.items():
                matrix[at, place[key]] = number
        return matrix

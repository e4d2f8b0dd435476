"""What the judge finds: violations as numbers with their place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

RELATIVE = 1e-6
"""A row of demand may be missed, or a share passed, by this part of itself."""
HARD = 1e-9
"""A pool's limit may be passed by this part of itself: rounding, and nothing else."""
SPECK = 1e-9
"""Mtok or chip-hours below which nothing counts: a thousandth of a token."""
MOST = 1e15
"""Largest amount that a plan may name, as an instance may; sums of such never overflow."""
MOST_LISTED = 50
"""Violations listed per family; the count is of all."""


def no_amount(values: Float) -> NDArray[np.bool_]:
    """Where numbers are no amounts: below zero, too large for anything, or not numbers."""
    # Two reductions decide the good case without a temporary as long as a plan.
    if len(values) == 0 or (values.min() >= 0 and values.max() <= MOST):
        return np.zeros(values.shape, np.bool_)
    return ~((values >= 0) & (values <= MOST))


@dataclass(frozen=True)
class Violation:
    """One rule that a plan breaks.

    Attributes
    ----------
    family : family of the rule.
    place : where, in the words of the instance.
    amount : what the plan has there.
    limit : what the rule allows.
    unit : unit of both.
    """

    family: str
    place: str
    amount: float
    limit: float
    unit: str

    @property
    def excess(self) -> float:
        """By how much the rule is broken."""
        return abs(self.amount - self.limit)

    def __str__(self) -> str:
        return (
            f"{self.family}: {self.place}: {self.amount:.9g} {self.unit}, "
            f"limit {self.limit:.9g} (off by {self.excess:.3g})"
        )

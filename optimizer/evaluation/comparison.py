"""Two plans under the same draws: how they differ, draw by draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.distribution import Distribution, variance_of
from optimizer.evaluation.risk_sample import Sample

Float = NDArray[np.float64]

__all__ = ["Against", "compared"]


@dataclass(frozen=True, eq=False)
class Against:
    """Another plan under the same draws.

    Attributes
    ----------
    cost, unserved_mtok : of the other plan.
    difference : cost of the plan less that of the other, draw by draw.
    unserved_difference : the same of unserved Mtok.
    attainment, attainment_difference : of the other plan, and of the plan less that; the tail are
        the low ones. None where it is not known of both.
    chance_cheaper : part of the draws in which the plan costs less than the other.
    independent_standard_error : what the standard error of the mean difference would be if each
        plan had draws of its own.
    sample : the other plan in every draw.
    """

    cost: Distribution
    unserved_mtok: Distribution
    difference: Distribution
    unserved_difference: Distribution
    attainment: Distribution | None
    attainment_difference: Distribution | None
    chance_cheaper: float
    independent_standard_error: float
    sample: Sample


def compared(sample: Sample, other: Sample, level: float) -> Against:
    """A plan less another, from samples of the same draws."""
    difference = sample.cost_usd - other.cost_usd
    within = bool(len(sample.promised_mtok) and len(other.promised_mtok))
    apart = variance_of(sample.cost_usd) + variance_of(other.cost_usd)
    return Against(
        cost=Distribution.of(other.cost_usd, level),
        unserved_mtok=Distribution.of(other.unserved_mtok, level),
        difference=Distribution.of(difference, level),
        unserved_difference=Distribution.of(sample.unserved_mtok - other.unserved_mtok, level),
        attainment=_low(other.attainment, level) if within else None,
        attainment_difference=_low(sample.attainment - other.attainment, level) if within else None,
        chance_cheaper=float((difference < 0).mean()),
        independent_standard_error=math.sqrt(apart / len(sample)),
        sample=other,
    )


def _low(part: Float, level: float) -> Distribution:
    """Parts of promises kept, of which the low ones are the bad ones."""
    return Distribution.of(part, level, worst_is_high=False)

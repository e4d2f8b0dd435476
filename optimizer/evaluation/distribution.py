"""What a sample says of a random amount: mean, spread, quantiles, and the mean of its bad tail."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

PERCENTILES = (5, 25, 50, 75, 95, 99)

__all__ = ["PERCENTILES", "Distribution", "tail_mean", "value_at_risk", "variance_of"]


@dataclass(frozen=True)
class Distribution:
    """Estimates from equally likely draws.

    Attributes
    ----------
    mean, standard_error : mean of the draws, and standard deviation of that estimate.
    standard_deviation : of one draw; not a number with fewer than two.
    least, most : smallest and largest draw.
    quantiles : by percentile, the smallest draw that is not below so many percent of them.
    worst_is_high : whether large amounts are the bad ones.
    level : part of the draws that the tail leaves out.
    at_risk : value at risk: the quantile at the level, counted from the good end.
    tail_mean : conditional value at risk: mean of the worst ``1 - level`` of the draws.
    tail_standard_error : standard deviation of that estimate.
    """

    mean: float
    standard_error: float
    standard_deviation: float
    least: float
    most: float
    quantiles: Mapping[int, float]
    worst_is_high: bool
    level: float
    at_risk: float
    tail_mean: float
    tail_standard_error: float

    @classmethod
    def of(cls, draws: Float, level: float, *, worst_is_high: bool = True) -> Distribution:
        """Estimate from draws.

        Parameters
        ----------
        draws : (D,) at least one.
        level : at least 0, below 1.
        """
        ordered, count = np.sort(draws), len(draws)
        spread = math.sqrt(variance_of(draws))
        sign = 1.0 if worst_is_high else -1.0
        bad = ordered if worst_is_high else -ordered[::-1]
        at_risk, tail = value_at_risk(bad, level), tail_mean(bad, level)
        beyond = at_risk + np.maximum(bad - at_risk, 0.0) / (1.0 - level)
        tail_spread = math.sqrt(variance_of(beyond))
        return cls(
            mean=_mean(draws),
            standard_error=spread / math.sqrt(count),
            standard_deviation=spread,
            least=float(ordered[0]),
            most=float(ordered[-1]),
            quantiles={part: value_at_risk(ordered, part / 100) for part in PERCENTILES},
            worst_is_high=worst_is_high,
            level=level,
            at_risk=sign * at_risk,
            tail_mean=sign * tail,
            tail_standard_error=tail_spread / math.sqrt(count),
        )


def value_at_risk(ordered: Float, level: float) -> float:
    """Smallest draw with at least the part ``level`` of all at or below it.

    Parameters
    ----------
    ordered : (D,) draws, rising.
    """
    return float(ordered[_rank(len(ordered), level) - 1])


def tail_mean(ordered: Float, level: float) -> float:
    """Mean of the largest ``1 - level`` of the draws, of which one may count in part.

    The least over z of ``z + sum(max(0, x - z)) / (D (1 - level))``, taken at the value at risk:
    R. T. Rockafellar, S. Uryasev, "Optimization of conditional value-at-risk", Journal of Risk 2
    (2000), theorem 1. The part of the atom at the value at risk that
    belongs to the tail: the same, "Conditional value-at-risk for general loss distributions",
    Journal of Banking & Finance 26 (2002).

    Parameters
    ----------
    ordered : (D,) draws, rising.
    """
    count = len(ordered)
    rank = _rank(count, level)
    atom = max(rank - level * count, 0.0) * float(ordered[rank - 1])
    return (atom + math.fsum(ordered[rank:].tolist())) / (count * (1.0 - level))


def variance_of(draws: Float) -> float:
    """Unbiased estimate of the variance; not a number with fewer than two draws."""
    return float(np.var(draws, ddof=1)) if len(draws) > 1 else math.nan


def _rank(count: int, level: float) -> int:
    """Which draw, counted from 1, is the quantile; products such as 0.95 * 100 are whole."""
    return min(max(math.ceil(round(level * count, 9)), 1), count)


def _mean(draws: Float) -> float:
    return math.fsum(draws.tolist()) / len(draws)

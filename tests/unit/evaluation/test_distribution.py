"""Quantiles and tails of samples whose answer is known."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from optimizer.evaluation.distribution import Distribution, tail_mean, value_at_risk


def test_a_hundred_draws() -> None:
    """1 ... 100 in any order: quantiles are draws, the worst 5 are 96 ... 100."""
    draws = np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    found = Distribution.of(draws, 0.95)
    assert dict(found.quantiles) == {5: 5.0, 25: 25.0, 50: 50.0, 75: 75.0, 95: 95.0, 99: 99.0}
    assert (found.mean, found.least, found.most) == (50.5, 1.0, 100.0)
    assert (found.at_risk, found.tail_mean) == (95.0, pytest.approx(98.0))
    # The variance of 1 ... n, unbiased, is n (n + 1) / 12.
    assert found.standard_deviation == pytest.approx(math.sqrt(100 * 101 / 12))
    assert found.standard_error == pytest.approx(math.sqrt(101 / 12))


def test_the_atom_at_the_quantile_counts_in_part() -> None:
    """Of 1, 2, 3, 4 the worst 37.5 % are 4 and half of 3: (4 + 0.5 * 3) / 1.5."""
    assert tail_mean(np.array([1.0, 2.0, 3.0, 4.0]), 0.625) == pytest.approx(5.5 / 1.5)
    assert value_at_risk(np.array([1.0, 2.0, 3.0, 4.0]), 0.625) == 3.0


@pytest.mark.parametrize("level", [0.0, 0.1, 0.3, 0.5, 0.9, 0.95, 0.99, 0.999])
def test_tail_is_the_least_of_the_program(level: float) -> None:
    """Rockafellar and Uryasev: min over z of z + E max(0, x - z) / (1 - level), at some draw."""
    draws = np.sort(np.random.default_rng(5).lognormal(size=61).round(1))  # with ties
    program = [z + np.maximum(draws - z, 0.0).mean() / (1 - level) for z in draws]
    assert tail_mean(draws, level) == pytest.approx(min(program), rel=1e-12)


def test_ends_of_the_level() -> None:
    """Level 0 is the mean; a tail smaller than a draw is the largest draw."""
    draws = np.array([3.0, 1.0, 2.0])
    assert Distribution.of(draws, 0.0).tail_mean == pytest.approx(2.0)
    assert Distribution.of(draws, 0.99).tail_mean == pytest.approx(3.0)


def test_normal_tail() -> None:
    """Of a standard normal: density at the quantile over 1 - level (2.0627 at 95 %)."""
    draws = np.random.default_rng(11).standard_normal(400_000)
    found = Distribution.of(draws, 0.95)
    normal = NormalDist()
    expected = normal.pdf(normal.inv_cdf(0.95)) / 0.05
    assert expected == pytest.approx(2.0627, abs=1e-4)
    assert abs(found.tail_mean - expected) < 4 * found.tail_standard_error
    assert found.tail_standard_error < 0.01


def test_the_bad_tail_may_be_the_low_one() -> None:
    draws = np.arange(1.0, 101.0)
    found = Distribution.of(draws, 0.95, worst_is_high=False)
    assert found.tail_mean == pytest.approx(3.0)
    assert found.at_risk == 6.0
    assert found.quantiles[5] == 5.0


def test_one_draw_says_nothing_of_its_error() -> None:
    found = Distribution.of(np.array([7.0]), 0.95)
    assert (found.mean, found.tail_mean, found.quantiles[99]) == (7.0, 7.0, 7.0)
    assert math.isnan(found.standard_error)
    assert math.isnan(found.tail_standard_error)

"""Elementary functions of the kernels against those of numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from optimizer.kernels.elementary import (
    LARGEST,
    exponential,
    log_ratio,
    logarithm,
    normal_tail,
)
from optimizer.kernels.jit import kernel

Float = NDArray[np.float64]


@kernel
def exponentials(x: Float, answer: Float) -> None:
    for i in range(len(x)):
        answer[i] = exponential(x[i])


@kernel
def logarithms(x: Float, answer: Float) -> None:
    for i in range(len(x)):
        answer[i] = logarithm(x[i])


@kernel
def ratios(more: Float, rest: Float, answer: Float) -> None:
    for i in range(len(more)):
        answer[i] = log_ratio(more[i], rest[i])


@kernel
def tails(z: Float, tail: Float, density: Float) -> None:
    for i in range(len(z)):
        tail[i], density[i] = normal_tail(z[i])


def test_exponential() -> None:
    x = np.concatenate([np.linspace(-LARGEST, LARGEST, 2001), np.linspace(-1, 1, 501), [0.0]])
    answer = np.empty_like(x)
    exponentials(x, answer)
    np.testing.assert_allclose(answer, np.exp(x), rtol=2e-15)
    beyond = np.array([-1e4, 1e4])
    exponentials(beyond, answer[:2])
    np.testing.assert_allclose(answer[:2], np.exp([-LARGEST, LARGEST]), rtol=2e-15)


def test_logarithm() -> None:
    x = np.concatenate([np.exp(np.linspace(-600, 600, 2001)), np.linspace(0.5, 2.0, 501)])
    answer = np.empty_like(x)
    logarithms(x, answer)
    np.testing.assert_allclose(answer, np.log(x), rtol=2e-15, atol=1e-16)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e5])
def test_ratio(size: float) -> None:
    rest = size * np.linspace(1.0, 2.0, 1601)
    more = rest * np.exp(np.linspace(-60.0, 12.0, 1601))
    more[0] = 0.0
    answer = np.empty_like(rest)
    ratios(more, rest, answer)
    both = more[1:] / rest[1:]
    np.testing.assert_allclose(answer[1:], np.log1p(both) / both, rtol=3e-15)
    assert answer[0] == pytest.approx(1.0, rel=1e-15)


def test_normal_tail() -> None:
    z = np.concatenate([np.linspace(-9.0, 9.0, 1801), np.linspace(9.0, 30.0, 211)])
    tail, density = np.empty_like(z), np.empty_like(z)
    tails(z, tail, density)
    # The square of z is rounded, and so the tail by so much times the square.
    assert (np.abs(tail / ndtr(-z) - 1.0) <= 2e-14 + 2e-16 * z**2).all()
    np.testing.assert_allclose(density, np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi), rtol=2e-15)

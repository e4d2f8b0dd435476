"""What happens during an iteration: who comes, and what an arrival waits for."""

from __future__ import annotations

import math

from optimizer.kernels.elementary import exponential, log_ratio
from optimizer.kernels.jit import inlined, inner


@inlined
def empty(rate, length, variance):  # type: ignore[no-untyped-def]
    """P(nobody comes) in a time of gamma distribution with that mean, > 0, and variance."""
    return exponential(-rate * length * log_ratio(rate * variance, length))


@inlined
def mean_rest(length, second, part):  # type: ignore[no-untyped-def]
    """What an arrival waits for beside its own prefill.

    That is the rest of an iteration under way and the prefills of all who came during it; moments
    of the iteration are not length-biased.
    """
    return (0.5 + part) * second / length


@inlined
def square_rest(length, second, third, part, rate_square):  # type: ignore[no-untyped-def]
    """Second moment of the same, with U L of the rest and compound Poisson prefills over L."""
    return ((1.0 / 3.0 + part + part * part) * third + rate_square * second) / length


@inner
def company(rate, burstiness, span):  # type: ignore[no-untyped-def]
    """How many more than of a Poisson process come within a span that an arrival falls into.

    Gaps are taken for gamma of shape 1 / burstiness: the renewal function of short times is
    (t / scale) ** shape / Gamma(1 + shape), on both sides of the arrival, half a span each; of
    long ones the excess is (burstiness - 1) / 2 a side.
    """
    shape = 1.0 / burstiness
    half = 0.5 * span * rate
    near = math.exp(shape * math.log(half * shape) - math.lgamma(1.0 + shape)) - half
    return 2.0 * max(min(near, 0.5 * (burstiness - 1.0)), 0.0)

"""What happens during an iteration: how long it lasts, who comes, what an arrival waits for.

An iteration at level j that begins with k admitted requests lasts T = d(j) + [k > 0] base + sum of
k prefills, k counted over the iteration before. Its mean is a fixed point and its variance that of
an autoregression, with P(k = 0) for T taken as gamma.
"""

from __future__ import annotations

import math

from optimizer.kernels.batch_lane import (
    DECODE_BASE,
    DECODE_PER_SEQ,
    FAMILY,
    FOLLOW,
    FREE,
    GROWS,
    LENGTH,
    NOISE,
    NONE,
    PART,
    PREFILL,
    PREFILL_BASE,
    RATE,
    SPREAD,
    VARIANCE,
)
from optimizer.kernels.elementary import exponential, log_ratio
from optimizer.kernels.jit import inlined, inner

FOLLOWS = 0.3
"""Most that the base of a prefill, which is paid once, makes the length of an iteration hang on
that of the one before; fitted to simulations."""


@inner
def iteration(lane, count, j):  # type: ignore[no-untyped-def]
    """One step towards the length of an iteration at level j; begins with that of the last.

    P(nobody comes) is that in a time of gamma distribution with its mean and variance.
    """
    # Short loops: of a long one the processor has fewer lanes in work at a time.
    for i in range(count):
        lane[NONE + i] = log_ratio(lane[RATE + i] * lane[VARIANCE + i], lane[LENGTH + i])
    for i in range(count):
        lane[NONE + i] = exponential(-lane[RATE + i] * lane[LENGTH + i] * lane[NONE + i])
    for i in range(count):
        rate, part, free = lane[RATE + i], lane[PART + i], lane[FREE + i]
        base, prefill, length = lane[PREFILL_BASE + i], lane[PREFILL + i], lane[LENGTH + i]
        step = lane[DECODE_BASE + i] + lane[DECODE_PER_SEQ + i] * j
        none = lane[NONE + i]
        paid = base * rate * none
        slope = free - paid
        slope = slope if slope > 0.1 * free else 0.1 * free
        follows = FOLLOWS * free
        turn = part + (paid if paid < follows else follows)
        turn = turn if turn < 0.98 else 0.98
        settled = (1.0 - turn) * (1.0 + turn)
        both = 1.0 / (slope * settled)
        grows, beyond = settled * both, slope * both
        length -= (length * free - step - base * (1.0 - none)) * grows
        length = length if length > step else step
        counted = rate * length
        noise = counted * (prefill * prefill + lane[SPREAD + i])
        noise += base * none * (base * (1.0 - none) + 2.0 * prefill * counted)
        lane[LENGTH + i], lane[NONE + i], lane[GROWS + i] = length, none, grows
        lane[NOISE + i], lane[VARIANCE + i] = noise, noise * beyond
        lane[FOLLOW + i] = 1.0 + ((1.0 + turn) * beyond - 1.0) * lane[FAMILY + i]


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

"""Percentiles of TTFT and TPOT: the time that no more than a part of the requests is over.

Newton's method on the logarithm of the tail against the logarithm of the time, which is nearly
straight for waits and bends down for everything else, so that steps end on one side; inside a
bracket, since tails of times that are certain, and of those that are uniform, have jumps and edges.
"""

from __future__ import annotations

import math

from optimizer.kernels.batch_tpot import DEVIATION, MEAN, tpot_late
from optimizer.kernels.batch_ttft import MEAN as WHOLE
from optimizer.kernels.batch_ttft import PART, SHAPE, ttft_late
from optimizer.kernels.jit import inner
from optimizer.kernels.root import between

CLOSE = 1e-6
"""Percentiles are found to this part of themselves; the last step is far smaller than itself."""
TURNS, SMOOTH_TURNS = 200, 20
"""Turns at most, and those in which Newton's steps are taken."""
NEAR = 1e-3
"""Part of the time that a step is shorter than where the next one is likely to be the last."""
APART = 1.5
"""A kind of requests is far from the others where it takes so many times as long."""


@inner
def ttft_percentile(state, prefill_base, kinds, count, late, mean):  # type: ignore[no-untyped-def]
    """The least time in which all but a part ``late`` of requests have their first token."""
    if math.isinf(mean):
        return math.inf
    low, high, at_low, at_high = 0.0, math.inf, -math.log(late), -math.inf
    time = prefill_base + _likely(kinds, count, late)
    for turn in range(TURNS):
        tail, density = ttft_late(state, prefill_base, kinds, count, time)
        low, high, at_low, at_high = _held(time, tail, late, low, high, at_low, at_high)
        time, found = _closer(time, tail, density, late, low, high, at_low, at_high, turn)
        if found:
            break
    return time


@inner
def _likely(kinds, count, late):  # type: ignore[no-untyped-def]
    """About where the percentile is.

    A few that wait long make the second moment and not the percentile: the kind that takes longest
    is by itself where it is far from the others, all of it late or none of the others.
    """
    last = kinds[count - 1]
    part, mean, square = _moments(kinds, count - 1)
    if count > 1 and last[WHOLE] > APART * mean:
        if last[PART] < 0.9 * late:
            return _gamma_quantile(mean, square, (late - last[PART]) / part)
        if last[PART] > 1.1 * late:
            square = last[WHOLE] * last[WHOLE] * (1.0 + 1.0 / last[SHAPE])
            return _gamma_quantile(last[WHOLE], square, late / last[PART])
    part, mean, square = _moments(kinds, count)
    return _gamma_quantile(mean, square, late)


@inner
def _moments(kinds, count):  # type: ignore[no-untyped-def]
    """Part of all that the first few kinds are, and their first two moments."""
    part = mean = square = 0.0
    for i in range(count):
        kind = kinds[i]
        part += kind[PART]
        mean += kind[PART] * kind[WHOLE]
        square += kind[PART] * kind[WHOLE] * kind[WHOLE] * (1.0 + 1.0 / kind[SHAPE])
    return (part, mean / part, square / part) if part > 0.0 else (0.0, 0.0, 0.0)


@inner
def _gamma_quantile(mean, square, late):  # type: ignore[no-untyped-def]
    """About what a part ``late`` of a gamma variable with these moments is over."""
    ninth = max(square / (mean * mean) - 1.0, 0.0) / 9.0
    cube = 1.0 - ninth + normal_quantile(late) * math.sqrt(ninth)
    return mean * max(cube, 0.1) ** 3


@inner
def tpot_percentile(lane, count, late):  # type: ignore[no-untyped-def]
    """The same of the time per token, of requests as :func:`tpot_lengths` puts them down."""
    low, high, at_low, at_high = 0.0, math.inf, -math.log(late), -math.inf
    time = lane[MEAN] + normal_quantile(late) * lane[DEVIATION]
    for turn in range(TURNS):
        tail, density = tpot_late(lane, count, time)
        low, high, at_low, at_high = _held(time, tail, late, low, high, at_low, at_high)
        time, found = _closer(time, tail, density, late, low, high, at_low, at_high, turn)
        if found:
            break
    return time


@inner
def _held(time, tail, late, low, high, at_low, at_high):  # type: ignore[no-untyped-def]
    """The bracket with one end moved, and how far the tail is above ``late`` at its ends."""
    value = math.log(max(tail, 1e-3 * late) / late)
    return (time, high, value, at_high) if value > 0.0 else (low, time, at_low, value)


@inner
def _closer(  # type: ignore[no-untyped-def]
    time, tail, density, late, low, high, at_low, at_high, turn
):
    """The next time to look at, or the one wanted, and whether it is that.

    A step of Newton's is the last one where it is small and the time before is over the part
    allowed: the least time that is not may be far below one that nearly is.
    """
    closed = low >= (1.0 - CLOSE) * high
    if density > 0.0 and tail > 0.0 and turn < SMOOTH_TURNS:
        step = math.log(tail / late) * tail / (density * time)
        closer = time * math.exp(min(max(step, -2.0), 2.0))
        if time == low and 0.0 <= step < CLOSE:
            return closer, True
        if low < closer < high:
            # Rather too early than too late: that closes the bracket.
            early = closer * (1.0 - 0.4 * CLOSE)
            return (early if abs(step) < NEAR and not closed and early > low else closer), closed
    if closed:
        return high, True
    if math.isinf(high):
        return 2.0 * low, False
    return between(low, high, at_low, at_high, turn, CLOSE), False


@inner
def normal_quantile(late):  # type: ignore[no-untyped-def]
    """Z with P(Z > z) = late of a standard normal variable, to 0.003.

    Abramowitz & Stegun, Handbook of Mathematical Functions, 26.2.22.
    """
    t = math.sqrt(-2.0 * math.log(min(late, 1.0 - late)))
    z = t - (2.30753 + 0.27061 * t) / (1.0 + t * (0.99229 + t * 0.04481))
    return z if late < 0.5 else -z

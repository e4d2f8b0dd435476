"""TPOT of a class of requests in a station whose state is known.

Time per output token of a request with L decode steps: the time of a step depends on the level.
Its mean over the request varies with the variance over levels, damped over a time t by

    h(t / relax), h(u) = 2 (u - 1 + exp(-u)) / u ** 2

the variance of a time average of a process with exponentially falling correlation (Papoulis,
Probability, random variables and stochastic processes), and with the prefills that come between.
What exceeds the shortest possible step is taken for gamma, at quantiles of L.
"""

from __future__ import annotations

import math

from optimizer.kernels.batch_levels import (
    EXTRA,
    EXTRA_VARIANCE,
    JITTER,
    RELAX,
    STEP,
    STEP_VARIANCE,
)
from optimizer.kernels.batch_tails import SMOOTH, gamma_tail, log_gamma, smooth_tail
from optimizer.kernels.elementary import exponential
from optimizer.kernels.jit import inner

NORMAL_QUANTILES = (
    -1.5341205, -0.8871466, -0.4887764, -0.1573107, 0.1573107, 0.4887764, 0.8871466, 1.5341205,
)  # fmt: skip
"""Standard normal quantiles at (i + 1/2) / 8: output lengths are taken at these, lognormal."""
LENGTHS = len(NORMAL_QUANTILES)
LEAST_VARIATION = 1e-14
"""Squared variation that what exceeds the shortest step has at least."""
# Rows of requests by their length, which are SIMD lanes. Decode steps; a time per token by the
# mean excess is so much times it less so much; shape of the excess as a gamma variable, and what
# follows of it; what of the tail is theirs, and how fast it falls.
(
    LENGTH, TIMES, LESS, SHAPE, NINTH, PER_ROOT, LOG_GAMMA, TAIL, DENSITY,
) = range(0, 9 * LENGTHS, LENGTHS)  # fmt: skip
MEAN, DEVIATION = 9 * LENGTHS, 9 * LENGTHS + 1  # of the time per token over all lengths
WIDTH = 9 * LENGTHS + 2
"""Numbers that are put down of a class."""


@inner
def tpot_lengths(state, least_step, steps, output_cv, lane):  # type: ignore[no-untyped-def]
    """Fill in requests by their length, each a part of all; gives how many lengths there are.

    Parameters
    ----------
    least_step : ms of a decode step of one request alone.
    steps, output_cv : mean decode steps of the class, and how its lengths vary.
    lane : (WIDTH,) to be filled in.
    """
    spread = math.log1p(output_cv * output_cv)
    count = LENGTHS if spread > 0.0 else 1
    lane[LENGTH] = steps
    if spread > 0.0:
        root = math.sqrt(spread)
        for i in range(LENGTHS):
            lane[LENGTH + i] = root * NORMAL_QUANTILES[i] - 0.5 * spread
        for i in range(count):
            length = (steps + 1.0) * exponential(lane[LENGTH + i]) - 1.0
            lane[LENGTH + i] = length if length > 1.0 else 1.0
    each = max(state[STEP] - state[EXTRA] / steps, least_step)
    for i in range(count):
        length = lane[LENGTH + i]
        whole = length * each
        aged = whole / state[RELAX]
        some = aged if aged > 1e-3 else 1e-3
        kept = 2.0 * (some - 1.0 + exponential(-some)) / (some * some)
        kept = kept if aged > 1e-3 else 1.0 - aged * (1.0 / 3.0)
        variance = state[STEP_VARIANCE] * length * length * kept + state[JITTER] * whole
        variance += state[EXTRA_VARIANCE]
        floor = 0.999 * least_step * length
        mean = whole + state[EXTRA] - floor
        mean = mean if mean > 1e-9 * floor else 1e-9 * floor
        varied = variance / (mean * mean)
        varied = varied if varied > LEAST_VARIATION else LEAST_VARIATION
        lane[TIMES + i], lane[LESS + i] = length / mean, floor / mean
        lane[SHAPE + i], lane[NINTH + i] = 1.0 / varied, varied / 9.0
        lane[PER_ROOT + i] = 3.0 / math.sqrt(varied)
    total = square = 0.0
    for i in range(count):
        lane[LOG_GAMMA + i] = log_gamma(lane[SHAPE + i])
        one = (1.0 + lane[LESS + i]) / lane[TIMES + i]
        total += one
        square += one * one + 1.0 / (lane[SHAPE + i] * lane[TIMES + i] * lane[TIMES + i])
    lane[MEAN] = total / count
    lane[DEVIATION] = math.sqrt(max(square / count - lane[MEAN] * lane[MEAN], 0.0))
    return count


@inner
def tpot_late(lane, count, time):  # type: ignore[no-untyped-def]
    """Part of requests whose mean time per token is over ``time`` ms, and how fast it falls."""
    for i in range(count):
        ratio = time * lane[TIMES + i] - lane[LESS + i]
        tail, density = smooth_tail(ratio, lane[NINTH + i], lane[PER_ROOT + i])
        lane[TAIL + i], lane[DENSITY + i] = tail, density * lane[TIMES + i]
    late = falling = 0.0
    for i in range(count):
        shape, times = lane[SHAPE + i], lane[TIMES + i]
        if shape < SMOOTH:
            x = shape * (time * times - lane[LESS + i])
            tail, density = gamma_tail(shape, lane[LOG_GAMMA + i], x)
            lane[TAIL + i], lane[DENSITY + i] = tail, density * shape * times
        late += lane[TAIL + i]
        falling += lane[DENSITY + i]
    return late / count, falling / count

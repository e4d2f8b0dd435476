"""TTFT and TPOT of a class of requests in a station whose state is known.

Time to the first token is the prefill's base, the request's own prefill and a rest, which depends
on what an arrival finds: nobody (no rest), a decode step, an iteration with prefill, or a full
batch. Each kind has a mean and a variance, and its tail is fitted with the part that the own
prefill has in it (lognormal, as lengths are).

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
    BLOCKED,
    BLOCKED_MEAN,
    BLOCKED_SQUARE,
    EXTRA,
    EXTRA_VARIANCE,
    IDLE,
    JITTER,
    MIXED,
    MIXED_MEAN,
    MIXED_SQUARE,
    PLAIN,
    PLAIN_MEAN,
    PLAIN_SQUARE,
    RELAX,
    STEP,
    STEP_VARIANCE,
)
from optimizer.kernels.batch_tails import fitted_tail, log_gamma
from optimizer.kernels.jit import inner

NORMAL_QUANTILES = (
    -1.5341205, -0.8871466, -0.4887764, -0.1573107, 0.1573107, 0.4887764, 0.8871466, 1.5341205,
)  # fmt: skip
"""Standard normal quantiles at (i + 1/2) / 8: output lengths are taken at these, lognormal."""


# Columns of a kind of requests: two of those by what they find, two of those by their length.
PART, MEAN, VARIANCE, LOGNORMAL, SHIFT, LOG_GAMMA, FLAT, REACH, LENGTH, FLOOR = range(10)
KINDS, COLUMNS = len(NORMAL_QUANTILES), 10
"""Kinds at most, and what is put down of each."""


@inner
def ttft_mean(state, prefill_base, prefill):  # type: ignore[no-untyped-def]
    """Mean time to the first token of requests with that mean prefill, ms."""
    return (
        prefill_base + prefill + state[PLAIN] * state[PLAIN_MEAN]
        + state[MIXED] * state[MIXED_MEAN] + state[BLOCKED] * state[BLOCKED_MEAN]
    )  # fmt: skip


@inner
def _flat(mean, variance, square):  # type: ignore[no-untyped-def]
    """How nearly a rest of that mean and variance is uniform, as that of a decode step is.

    Its squared coefficient of variation is 1/3 then, and larger with the prefills of others.
    """
    varied = square / (mean * mean) - 1.0 if mean > 0.0 else 1.0
    return min(max((0.6 - varied) / 0.25, 0.0), 1.0) if variance > 0.0 else 0.0


@inner
def _kind(part, mean, square, own, spread, kinds, count):  # type: ignore[no-untyped-def]
    """Put down what is known of the requests of one kind, if there are any; gives how many."""
    if part < 1e-9:
        return count
    variance = max(square - mean * mean, 0.0) + spread
    share = spread / variance if variance > 0.0 else 0.0
    kinds[count, PART] = part
    kinds[count, MEAN], kinds[count, VARIANCE] = own + mean, variance
    kinds[count, LOGNORMAL], kinds[count, SHIFT] = share, mean
    kinds[count, FLAT] = (1.0 - share) * _flat(mean, variance, square)
    kinds[count, REACH] = math.sqrt(3.0 * variance)
    return _prepared(kinds, count)


@inner
def _prepared(kinds, count):  # type: ignore[no-untyped-def]
    """Add what a tail of two moments needs for every time."""
    mean, variance = kinds[count, MEAN], kinds[count, VARIANCE]
    gamma = kinds[count, LOGNORMAL] < 1.0 and variance > 1e-12 * mean * mean
    kinds[count, LOG_GAMMA] = log_gamma(mean * mean / variance) if gamma else 0.0
    return count + 1


@inner
def ttft_kinds(state, prefill, input_cv, kinds):  # type: ignore[no-untyped-def]
    """Fill in the kinds of requests by what they find; gives how many there are.

    Parameters
    ----------
    kinds : (KINDS, COLUMNS) to be filled in.
    """
    own, spread = prefill, (prefill * input_cv) ** 2
    count = _kind(state[IDLE], 0.0, 0.0, own, spread, kinds, 0)
    count = _kind(state[PLAIN], state[PLAIN_MEAN], state[PLAIN_SQUARE], own, spread, kinds, count)
    count = _kind(state[MIXED], state[MIXED_MEAN], state[MIXED_SQUARE], own, spread, kinds, count)
    return _kind(
        state[BLOCKED], state[BLOCKED_MEAN], state[BLOCKED_SQUARE], own, spread, kinds, count
    )


@inner
def ttft_late(state, prefill_base, kinds, count, time):  # type: ignore[no-untyped-def]
    """Part of requests whose first token comes later than ``time`` ms."""
    if math.isinf(state[BLOCKED_MEAN]):
        return 1.0
    left = time - prefill_base
    if left < 0.0:
        return 1.0
    answer = 0.0
    for i in range(count):
        late = fitted_tail(
            kinds[i, MEAN], kinds[i, VARIANCE], kinds[i, LOGNORMAL], kinds[i, SHIFT],
            kinds[i, LOG_GAMMA], left,
        )  # fmt: skip
        if kinds[i, FLAT] > 0.0:
            uniform = 0.5 * (kinds[i, MEAN] + kinds[i, REACH] - left) / kinds[i, REACH]
            late += kinds[i, FLAT] * (min(max(uniform, 0.0), 1.0) - late)
        answer += kinds[i, PART] * late
    return answer


@inner
def tpot_kinds(state, least_step, steps, output_cv, kinds):  # type: ignore[no-untyped-def]
    """Fill in requests by their length, each a part of all; gives how many kinds there are.

    Parameters
    ----------
    least_step : ms of a decode step of one request alone.
    steps, output_cv : mean decode steps of the class, and how its lengths vary.
    kinds : (KINDS, COLUMNS) to be filled in.
    """
    spread = math.log1p(output_cv * output_cv)
    count = len(NORMAL_QUANTILES) if spread > 0.0 else 1
    for i in range(count):
        length = steps
        if spread > 0.0:
            exponent = math.sqrt(spread) * NORMAL_QUANTILES[i] - 0.5 * spread
            length = max((steps + 1.0) * math.exp(exponent) - 1.0, 1.0)
        whole = length * max(state[STEP] - state[EXTRA] / steps, least_step)
        aged = whole / state[RELAX]
        kept = 1.0 - aged / 3.0 if aged < 1e-3 else 2.0 * (aged - 1.0 + math.exp(-aged)) / aged**2
        variance = state[STEP_VARIANCE] * length * length * kept + state[JITTER] * whole
        floor = 0.999 * least_step * length
        kinds[i, PART], kinds[i, LENGTH], kinds[i, FLOOR] = 1.0 / count, length, floor
        kinds[i, MEAN] = max(whole + state[EXTRA] - floor, 1e-9 * floor)
        kinds[i, VARIANCE] = variance + state[EXTRA_VARIANCE]
        kinds[i, LOGNORMAL] = 0.0
        _prepared(kinds, i)
    return count


@inner
def tpot_late(kinds, count, time):  # type: ignore[no-untyped-def]
    """Part of requests whose mean time per token after the first is over ``time`` ms."""
    late = 0.0
    for i in range(count):
        late += kinds[i, PART] * fitted_tail(
            kinds[i, MEAN], kinds[i, VARIANCE], 0.0, 0.0, kinds[i, LOG_GAMMA],
            time * kinds[i, LENGTH] - kinds[i, FLOOR],
        )  # fmt: skip
    return late

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
from optimizer.kernels.batch_tails import fitted_tail
from optimizer.kernels.jit import inner

NORMAL_QUANTILES = (
    -1.5341205, -0.8871466, -0.4887764, -0.1573107, 0.1573107, 0.4887764, 0.8871466, 1.5341205,
)  # fmt: skip
"""Standard normal quantiles at (i + 1/2) / 8: output lengths are taken at these, lognormal."""


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
def _kind(part, mean, square, own, spread, time):  # type: ignore[no-untyped-def]
    """Part of all requests that are of one kind and later than ``time``."""
    if part < 1e-9:
        return 0.0
    variance = max(square - mean * mean, 0.0) + spread
    share = spread / variance if variance > 0.0 else 0.0
    late = fitted_tail(own + mean, variance, share, mean, time)
    flat = (1.0 - share) * _flat(mean, variance, square)
    if flat > 0.0:
        reach = math.sqrt(3.0 * variance)
        uniform = 0.5 * (own + mean + reach - time) / reach
        late += flat * (min(max(uniform, 0.0), 1.0) - late)
    return part * late


@inner
def ttft_tail(state, prefill_base, prefill, input_cv, time):  # type: ignore[no-untyped-def]
    """Part of requests whose first token comes later than ``time`` ms."""
    if math.isinf(state[BLOCKED_MEAN]):
        return 1.0
    left = time - prefill_base
    if left < 0.0:
        return 1.0
    own, spread = prefill, (prefill * input_cv) ** 2
    answer = _kind(state[IDLE], 0.0, 0.0, own, spread, left)
    answer += _kind(state[PLAIN], state[PLAIN_MEAN], state[PLAIN_SQUARE], own, spread, left)
    answer += _kind(state[MIXED], state[MIXED_MEAN], state[MIXED_SQUARE], own, spread, left)
    answer += _kind(state[BLOCKED], state[BLOCKED_MEAN], state[BLOCKED_SQUARE], own, spread, left)
    return answer


@inner
def tpot_tail(state, least_step, steps, output_cv, time):  # type: ignore[no-untyped-def]
    """Part of requests whose mean time per token after the first is over ``time`` ms.

    Parameters
    ----------
    least_step : ms of a decode step of one request alone.
    steps, output_cv : mean decode steps of the class, and how its lengths vary.
    """
    spread = math.log1p(output_cv * output_cv)
    count = len(NORMAL_QUANTILES) if spread > 0.0 else 1
    late = 0.0
    for i in range(count):
        length = steps
        if spread > 0.0:
            exponent = math.sqrt(spread) * NORMAL_QUANTILES[i] - 0.5 * spread
            length = max((steps + 1.0) * math.exp(exponent) - 1.0, 1.0)
        whole = length * max(state[STEP] - state[EXTRA] / steps, least_step)
        aged = whole / state[RELAX]
        kept = 1.0 - aged / 3.0 if aged < 1e-3 else 2.0 * (aged - 1.0 + math.exp(-aged)) / aged**2
        variance = state[STEP_VARIANCE] * length * length * kept + state[JITTER] * whole
        variance += state[EXTRA_VARIANCE]
        floor = 0.999 * least_step * length
        mean = max(whole + state[EXTRA] - floor, 1e-9 * floor)
        late += fitted_tail(mean, variance, 0.0, 0.0, time * length - floor)
    return late / count

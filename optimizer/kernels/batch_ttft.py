"""TTFT of a class of requests in a station whose state is known.

Time to the first token is the prefill's base, the request's own prefill and a rest, which depends
on what an arrival finds: nobody (no rest), a decode step, an iteration with prefill, or a full
batch. Each kind has a mean and a variance, and its tail is fitted with the part that the own
prefill has in it (lognormal, as lengths are).
"""

from __future__ import annotations

import math

from optimizer.kernels.batch_levels import (
    BLOCKED,
    BLOCKED_MEAN,
    BLOCKED_SQUARE,
    IDLE,
    MIXED,
    MIXED_MEAN,
    MIXED_SQUARE,
    PLAIN,
    PLAIN_MEAN,
    PLAIN_SQUARE,
)
from optimizer.kernels.batch_tails import gamma_tail, log_gamma
from optimizer.kernels.elementary import normal_tail
from optimizer.kernels.jit import inner

# Columns of a kind of requests, by what they find. Its part of all; mean; how much of the tail is
# that of a lognormal variable, and the mean of all beside it; shape of the gamma variable; what
# makes a logarithm normal; how much of the tail is uniform, and how far that reaches.
PART, MEAN, LOGNORMAL, SHIFT, SHAPE, LOG_GAMMA, CENTRE, PER_ROOT, FLAT, REACH = range(10)
COLUMNS = 10
KINDS = 4
CERTAIN = 1e-12
"""Squared variation below which a time is certain."""


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
    kind = kinds[count]
    variance = max(square - mean * mean, 0.0) + spread
    share = spread / variance if variance > 0.0 else 0.0
    whole = own + mean
    kind[PART], kind[MEAN], kind[LOGNORMAL], kind[SHIFT] = part, whole, share, mean
    kind[FLAT] = (1.0 - share) * _flat(mean, variance, square)
    kind[REACH] = math.sqrt(3.0 * variance)
    kind[SHAPE] = math.inf
    if variance > CERTAIN * whole * whole:
        kind[SHAPE] = whole * whole / variance
        kind[LOG_GAMMA] = log_gamma(kind[SHAPE]) if share < 1.0 else 0.0
        if share > 0.0:
            varied = math.log1p(variance / (own * own))
            kind[CENTRE] = 0.5 * varied - math.log(own)
            kind[PER_ROOT] = 1.0 / math.sqrt(varied)
    return count + 1


@inner
def ttft_kinds(state, prefill, input_cv, kinds):  # type: ignore[no-untyped-def]
    """Fill in the kinds of requests by what they find; gives how many there are.

    Parameters
    ----------
    kinds : (KINDS, COLUMNS) to be filled in.
    """
    if math.isinf(state[BLOCKED_MEAN]):  # all wait for ever
        return 0
    own, spread = prefill, (prefill * input_cv) ** 2
    count = _kind(state[IDLE], 0.0, 0.0, own, spread, kinds, 0)
    count = _kind(state[PLAIN], state[PLAIN_MEAN], state[PLAIN_SQUARE], own, spread, kinds, count)
    count = _kind(state[MIXED], state[MIXED_MEAN], state[MIXED_SQUARE], own, spread, kinds, count)
    return _kind(
        state[BLOCKED], state[BLOCKED_MEAN], state[BLOCKED_SQUARE], own, spread, kinds, count
    )


@inner
def ttft_late(state, prefill_base, kinds, count, time):  # type: ignore[no-untyped-def]
    """Part of requests whose first token comes later than ``time`` ms, and how fast it falls."""
    if math.isinf(state[BLOCKED_MEAN]):
        return 1.0, 0.0
    left = time - prefill_base
    if left < 0.0:
        return 1.0, 0.0
    answer = falling = 0.0
    for i in range(count):
        kind = kinds[i]
        late, density = _kind_late(kind, left)
        if kind[FLAT] > 0.0:
            uniform = 0.5 * (kind[MEAN] + kind[REACH] - left) / kind[REACH]
            late += kind[FLAT] * (min(max(uniform, 0.0), 1.0) - late)
            density *= 1.0 - kind[FLAT]
            density += 0.5 * kind[FLAT] / kind[REACH] if 0.0 < uniform < 1.0 else 0.0
        answer += kind[PART] * late
        falling += kind[PART] * density
    return answer, falling


@inner
def _kind_late(kind, left):  # type: ignore[no-untyped-def]
    """The same of one kind, as a mix of a lognormal variable, beside a constant, and a gamma one.

    Both have the two moments known. ``left`` is the time without the prefill's base.
    """
    mean, shape, lognormal = kind[MEAN], kind[SHAPE], kind[LOGNORMAL]
    if math.isinf(shape):
        return (1.0 if left < mean * (1.0 - 1e-12) else 0.0), 0.0
    late = density = 0.0
    if lognormal < 1.0:
        per_scale = shape / mean
        tail, slope = gamma_tail(shape, kind[LOG_GAMMA], left * per_scale)
        late, density = (1.0 - lognormal) * tail, (1.0 - lognormal) * slope * per_scale
    if lognormal > 0.0:
        x = left - kind[SHIFT]
        if x <= 0.0:
            late += lognormal
        else:
            tail, slope = normal_tail((math.log(x) + kind[CENTRE]) * kind[PER_ROOT])
            late += lognormal * tail
            density += lognormal * slope * kind[PER_ROOT] / x
    return late, density

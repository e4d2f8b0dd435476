"""What classes see in a station whose requests are served together.

Lengths count through their means alone: a percentile of TTFT is that of the wait, one of TPOT the
decode step at that percentile of the concurrency that requests in service see.
"""

from __future__ import annotations

import math

from optimizer.kernels.batch_row import (
    DECODE_BASE,
    DECODE_PER_SEQ,
    INPUT,
    MOST,
    OUTPUT,
    OWN_INPUT,
    PREFILL_BASE,
    PREFILL_PER_TOKEN,
    ROOM,
    limit_of,
    rate_of,
)
from optimizer.kernels.batch_together import ABOVE, EFFECTIVE, WAIT, together, wait_tail
from optimizer.kernels.jit import inner
from optimizer.kernels.root import between

CLOSE = 1e-6
"""Percentiles are found to this part of themselves."""


@inner
def chained(row, per_second, asked, state):  # type: ignore[no-untyped-def]
    """Fill in the state; ``asked`` is a concurrency."""
    together(
        rate_of(per_second, limit_of(row)), row[DECODE_BASE], row[DECODE_PER_SEQ],
        row[PREFILL_BASE], row[PREFILL_PER_TOKEN] * row[INPUT], row[MOST],
        max(row[OUTPUT] - 1.0, 0.0), row[ROOM], asked, state,
    )  # fmt: skip


@inner
def allowed(row, tpot):  # type: ignore[no-untyped-def]
    """Most requests in service with which a decode step keeps a promise."""
    left = tpot - row[DECODE_BASE]
    if left < 0.0:
        return 0.0
    return left * (1.0 + 1e-12) / row[DECODE_PER_SEQ] if row[DECODE_PER_SEQ] > 0.0 else math.inf


@inner
def chained_means(row, own, state):  # type: ignore[no-untyped-def]
    """Mean TTFT and TPOT of a class."""
    n = state[EFFECTIVE]
    ttft = state[WAIT] + row[PREFILL_BASE] + row[PREFILL_PER_TOKEN] * own[OWN_INPUT] * n
    return ttft, row[DECODE_BASE] + row[DECODE_PER_SEQ] * n


@inner
def chained_ttft_late(row, own, state, time):  # type: ignore[no-untyped-def]
    """Part of a class whose TTFT is over a time."""
    prefill = row[PREFILL_PER_TOKEN] * own[OWN_INPUT]
    served = row[PREFILL_BASE] + prefill * state[EFFECTIVE]
    return wait_tail(state, row[ROOM], time - served)


@inner
def chained_tpot_late(row, state, time):  # type: ignore[no-untyped-def]
    """Part of a class whose TPOT is over a time, of which the state was asked."""
    return 1.0 if time < row[DECODE_BASE] + row[DECODE_PER_SEQ] else state[ABOVE]


@inner
def chained_ttft_percentile(row, own, state, late, mean):  # type: ignore[no-untyped-def]
    """The least time that no more than ``late`` of a class is over."""
    if math.isinf(mean):
        return math.inf
    low, high = 0.0, 2.0 * mean
    at_low = -math.log(late)
    at_high = _above(chained_ttft_late(row, own, state, high), late)
    while at_high > 0.0:
        low, at_low = high, at_high
        high *= 2.0
        at_high = _above(chained_ttft_late(row, own, state, high), late)
    turn = side = 0
    while high - low > CLOSE * high and turn < 200:
        time = between(low, high, at_low, at_high, turn, CLOSE)
        value = _above(chained_ttft_late(row, own, state, time), late)
        if value > 0.0:
            low, at_low = time, value
            at_high *= 0.5 if side > 0 else 1.0
            side = 1
        else:
            high, at_high = time, value
            at_low *= 0.5 if side < 0 else 1.0
            side = -1
        turn += 1
    return high


@inner
def _above(tail, late):  # type: ignore[no-untyped-def]
    """How far a tail is above ``late``, as a logarithm: tails of waits are straight in it."""
    return math.log(max(tail, 1e-3 * late) / late)


@inner
def chained_tpot_percentile(row, per_second, late, state):  # type: ignore[no-untyped-def]
    """Decode step that no more than ``late`` of those in service are over."""
    low, high = 0, int(row[MOST])
    while high - low > 1:
        n = (low + high) // 2
        chained(row, per_second, float(n), state)
        if state[ABOVE] > late:
            low = n
        else:
            high = n
    return row[DECODE_BASE] + row[DECODE_PER_SEQ] * high

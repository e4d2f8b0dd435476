"""A station under a rate of its own: its lane, its state, and what a class of requests sees there.

Rates are in requests per second here, times in ms.
"""

from __future__ import annotations

import math

from optimizer.kernels import batch_lane as lanes
from optimizer.kernels.batch_levels import levels
from optimizer.kernels.batch_row import (
    BURSTINESS,
    DECODE_BASE,
    DECODE_PER_SEQ,
    INPUT,
    INPUT_CV,
    MOST,
    OUTPUT,
    OUTPUT_CV,
    OWN_INPUT,
    OWN_INPUT_CV,
    OWN_OUTPUT,
    OWN_OUTPUT_CV,
    PREFILL_BASE,
    PREFILL_PER_TOKEN,
    ROOM,
    TOGETHER,
    limit_of,
    rate_of,
    steps_of,
)
from optimizer.kernels.batch_tpot import tpot_lengths
from optimizer.kernels.batch_ttft import ttft_kinds
from optimizer.kernels.jit import inner


@inner
def enter(row, per_second, lane, place):  # type: ignore[no-untyped-def]
    """Put a station under a rate into a lane, to climb; one served together climbs nothing."""
    limit = limit_of(row)
    steps, part = steps_of(row[OUTPUT])
    prefill = row[PREFILL_PER_TOKEN] * row[INPUT]
    lane[lanes.RATE + place] = rate_of(per_second, limit)
    lane[lanes.LIMIT + place] = 1e-3 * limit
    lane[lanes.DECODE_BASE + place] = part * row[DECODE_BASE]
    lane[lanes.DECODE_PER_SEQ + place] = part * row[DECODE_PER_SEQ]
    lane[lanes.PREFILL_BASE + place] = row[PREFILL_BASE]
    lane[lanes.PREFILL + place] = prefill
    lane[lanes.SPREAD + place] = (prefill * row[INPUT_CV]) ** 2
    lane[lanes.MOST + place] = 1.0 if row[TOGETHER] > 0.0 else row[MOST]
    lane[lanes.STEPS + place] = steps
    lane[lanes.BURSTINESS + place] = row[BURSTINESS]


@inner
def settle(row, lane, place, state):  # type: ignore[no-untyped-def]
    """Fill in the state of a station that has climbed."""
    levels(lane, place, row[INPUT_CV], row[OUTPUT_CV], row[ROOM], state)


@inner
def reach(row, per_second):  # type: ignore[no-untyped-def]
    """About how many levels a station climbs: those of a Poisson number, and its tail."""
    rate = 1e-3 * per_second
    steps, part = steps_of(row[OUTPUT])
    free = max(1.0 - rate * row[PREFILL_PER_TOKEN] * row[INPUT], 0.05)
    left = free - rate * steps * part * row[DECODE_PER_SEQ]
    mean = rate * steps * part * row[DECODE_BASE] / max(left, 1e-9)
    return min(row[MOST], mean + 8.0 * math.sqrt(mean) / free + 8.0)


@inner
def ttft_kinds_of(row, own, state, kinds):  # type: ignore[no-untyped-def]
    """Put down what the tail of TTFT of a class is made of; gives how many kinds."""
    prefill = row[PREFILL_PER_TOKEN] * own[OWN_INPUT]
    return ttft_kinds(state, prefill, own[OWN_INPUT_CV], kinds)


@inner
def tpot_lengths_of(row, own, state, lengths):  # type: ignore[no-untyped-def]
    """Put down what the tail of TPOT of a class is made of; gives how many lengths."""
    steps, _ = steps_of(own[OWN_OUTPUT])
    least = row[DECODE_BASE] + row[DECODE_PER_SEQ]
    return tpot_lengths(state, least, steps, own[OWN_OUTPUT_CV], lengths)

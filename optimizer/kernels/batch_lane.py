"""The numbers of stations that climb side by side, one station to a SIMD lane.

All are in one array, a row of lanes for each, so that the compiler knows that no row overlaps
another. Times in ms, rates per ms.
"""

from __future__ import annotations

LANES = 16
ROWS = 51
"""Numbers of a lane."""
# What is known of a station, filled in by the caller: arrivals per ms, > 0; of a prefill beside its
# base the mean and variance, ms; max_batch; mean decode steps of a request.
(
    RATE, DECODE_BASE, DECODE_PER_SEQ, PREFILL_BASE, PREFILL, SPREAD, MOST, STEPS, BURSTINESS, LIMIT,
) = range(0, 10 * LANES, LANES)  # fmt: skip
# What follows of it: arrivals by batches of them, first arrivals of batches per ms; part of the
# time in prefill and what it leaves; ms between arrivals; 1 / m; how much families vary.
(
    CLUSTERS, BATCH, BATCHED, FIRST_RATE, PART, FREE, GAP, PLACE, FAMILY, BURSTS, RATE_SPREAD, COVER,
) = range(10 * LANES, 22 * LANES, LANES)  # fmt: skip
# An iteration at the level: mean, by which variance and noise; P(nobody is admitted); by how much
# its length follows those before, and itself.
(
    LENGTH, PER_LENGTH, VARIANCE, NOISE, NONE, FOLLOW, GROWS,
) = range(22 * LANES, 29 * LANES, LANES)  # fmt: skip
# Time decoding at the level, flow up across it, part of the flow in families begun below; how long
# a crossing stops decoding.
Y, FLOW, TAIL_FLOW, STOP = range(29 * LANES, 33 * LANES, LANES)
# Flow up to the full batch and the time of prefills on the way there, both 0 where levels end
# before; requests done; time, time in prefill, time by requests decoding; times of what an arrival
# finds, two with their first two moments; token times, squared; tokens times level, by steps;
# variance of what comes between tokens.
(
    LAST_FLOW, LAST_THROUGH, COMPLETED, TOTAL, PREFILLING, RUNNING, IDLE, PLAIN, PLAIN_MEAN,
    PLAIN_SQUARE, MIXED, MIXED_MEAN, MIXED_SQUARE, TOKEN_SQUARE, TOKEN_LEVEL, JITTER,
) = range(33 * LANES, 49 * LANES, LANES)  # fmt: skip
TIMES = (Y, FLOW, TAIL_FLOW)  + tuple(range(LAST_FLOW, JITTER + LANES, LANES))
# The iteration that ends an idle time, and its prefill.
OPENING, FIRST_STOP = range(49 * LANES, 51 * LANES, LANES)

"""The numbers of stations that climb side by side, one station to a SIMD lane.

All are in one array, a row of lanes for each, so that the compiler knows that no row overlaps
another. Times in ms, rates per ms.
"""

from __future__ import annotations

LANES = 16
ROWS = 50
"""Numbers of a lane."""
# What is known of a station, filled in by the caller: arrivals, > 0, and the most that can leave;
# of a prefill beside its base the mean and variance; max_batch; mean decode steps of a request.
(
    RATE, LIMIT, DECODE_BASE, DECODE_PER_SEQ, PREFILL_BASE, PREFILL, SPREAD, MOST, STEPS,
    BURSTINESS,
) = range(0, 10 * LANES, LANES)  # fmt: skip
# What follows of it. Of bursts: variance over mean, at least 1; mean arrivals in one, what one is
# of that and what the others are; first arrivals per ms. Part of the time in prefill, and what it
# leaves; time between arrivals; 1 / max_batch; how much the variance of families counts, and what
# lengths of prefills add to it; time at level 1 that is counted with the end of an idle time.
(
    BURSTS, BATCH, FIRST, OTHERS, FIRST_RATE, PART, FREE, GAP, PLACE, FAMILY, RATE_SPREAD, COVER,
) = range(10 * LANES, 22 * LANES, LANES)  # fmt: skip
# The iteration that ends an idle time, and its prefill.
OPENING, FIRST_STOP = range(22 * LANES, 24 * LANES, LANES)
# An iteration at the level: mean, variance, and that of its prefills alone; P(nobody is admitted);
# how much more varies because each follows that before; what the mean grows by for each ms of it.
LENGTH, VARIANCE, NOISE, NONE, FOLLOW, GROWS = range(24 * LANES, 30 * LANES, LANES)
# How long a crossing of the level stops decoding.
STOP = 30 * LANES
# Times from here on are parts of that with nobody there. Decoding at the level; flow up across it,
# and of that what families begun below bring.
Y, FLOW, TAIL_FLOW = range(31 * LANES, 34 * LANES, LANES)
# Flow up to the full batch and the time of prefills on the way there, both 0 where levels end
# before.
LAST_FLOW, LAST_THROUGH = range(34 * LANES, 36 * LANES, LANES)
# Sums over levels: requests done; time, that in prefill, and that by requests decoding; times of
# what an arrival finds, two with their first two moments; time by requests times the time of their
# tokens; requests done times level; variance of the prefills between tokens.
(
    COMPLETED, TOTAL, PREFILLING, RUNNING, IDLE, PLAIN, PLAIN_MEAN, PLAIN_SQUARE, MIXED,
    MIXED_MEAN, MIXED_SQUARE, TOKEN_SQUARE, DONE_LEVEL, JITTER,
) = range(36 * LANES, 50 * LANES, LANES)  # fmt: skip
TIMES = tuple(range(Y, ROWS * LANES, LANES))
"""All that is counted in the time with nobody there."""

"""The largest rates that keep promises, of many stations, each by itself.

Each promise is falling in the rate. The rate is bracketed between none and a part of saturation,
and found by regula falsi. As many stations as there are lanes are looked for at a time, each at a
rate of its own; one that is found makes place for the next.

Letters: k = stations, each with one class, c = columns. Rates are in requests per second here,
times in ms. A promise that is NaN is none.
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.kernels import batch_together as chain
from optimizer.kernels.batch_chained import (
    allowed,
    chained,
    chained_means,
    chained_tpot_late,
    chained_ttft_late,
)
from optimizer.kernels.batch_climb import climb, whole_vectors
from optimizer.kernels.batch_lane import LANES, ROWS
from optimizer.kernels.batch_lane import MOST as LANE_MOST
from optimizer.kernels.batch_levels import LOST, TPOT
from optimizer.kernels.batch_levels import WIDTH as STATE_WIDTH
from optimizer.kernels.batch_row import (
    MOST,
    OWN_INPUT,
    PREFILL_BASE,
    PREFILL_PER_TOKEN,
    TOGETHER,
    limit_of,
)
from optimizer.kernels.batch_station import enter, settle, tpot_lengths_of, ttft_kinds_of
from optimizer.kernels.batch_tpot import WIDTH, tpot_late
from optimizer.kernels.batch_ttft import COLUMNS, KINDS, ttft_late, ttft_mean
from optimizer.kernels.jit import inner, kernel
from optimizer.kernels.root import between

# What holds a rate down.
BY_TTFT, BY_TPOT, BY_THROUGHPUT, BY_ALL = range(4)

CLOSE = 1e-6
"""Rates are found to this part of themselves."""
TURNS = 200

# What is known of a search: the rate looked at, and what for; the bracket, and how far the promise
# that is closest is from being broken at its ends; steps so far, and which end moved last; how far
# both promises are at the upper end; part lost at the lower one.
(
    RATE, STAGE, LOW, HIGH, AT_LOW, AT_HIGH, TURN, SIDE, TTFT_SLACK, TPOT_SLACK, GONE,
) = range(11)  # fmt: skip
SEARCH = 11
AT_MOST, AT_LEAST, BETWEEN, FOUND, ALL_KEEP, NONE_KEEPS = range(6)
"""Stages: the highest rate of all, none, those between; and three ends."""


@kernel
def largest_rates(  # type: ignore[no-untyped-def]
    stations, ttft, tpot, percentile, highest, classes, begin, end, rate, binding, lost
):
    """Fill in the largest rates that keep the promises, and what holds them down.

    Parameters
    ----------
    stations, classes : as in :func:`~optimizer.kernels.batch_queue.predictions`.
    ttft, tpot : (k,) promises, ms, NaN for none.
    percentile : (k,) part of requests that must keep them, NaN for the mean.
    highest : part of saturation that no rate is above.
    rate : (k,) requests per second.
    binding : (k,) one of ``BY_TTFT``, ``BY_TPOT``, ``BY_THROUGHPUT``, ``BY_ALL`` (no rate does).
    lost : (k,) part of the arrivals that is lost at that rate.
    """
    # Batches of like size go side by side, so that lanes end together.
    order = np.argsort(stations[begin:end, MOST])
    lane, state = np.zeros(ROWS * LANES), np.zeros(max(STATE_WIDTH, chain.WIDTH))
    kinds, lengths = np.zeros((KINDS, COLUMNS)), np.zeros(WIDTH)
    searches, who = np.zeros((LANES, SEARCH)), np.zeros(LANES, np.int64)
    begun = going = 0
    while begun < end - begin and going < LANES:
        who[going] = begin + order[begun]
        _begin(searches[going], highest * limit_of(stations[who[going]]))
        begun += 1
        going += 1
    while going > 0:
        wide = whole_vectors(going)
        for place in range(wide):
            some = min(place, going - 1)  # the last one once more where nobody is
            enter(stations[who[some]], searches[some, RATE], lane, place)
            if some < place:
                lane[LANE_MOST + place] = 1.0
        climb(lane, wide)
        for place in range(going):
            k = who[place]
            one, other, gone = _slack(
                stations[k], classes[k], searches[place, RATE], ttft[k], tpot[k],
                1.0 - percentile[k], lane, place, state, kinds, lengths,
            )  # fmt: skip
            _step(searches[place], one, other, gone)
        place = 0
        while place < going:
            search, k = searches[place], who[place]
            if search[STAGE] < FOUND:
                place += 1
                continue
            rate[k], binding[k], lost[k] = search[LOW], _holding(search), search[GONE]
            if begun < end - begin:
                who[place] = begin + order[begun]
                _begin(search, highest * limit_of(stations[who[place]]))
                begun += 1
                place += 1
            else:
                going -= 1
                search[:], who[place] = searches[going], who[going]


@inner
def _begin(search, high):  # type: ignore[no-untyped-def]
    """Begin a search at the highest rate."""
    search[:] = 0.0
    search[RATE] = search[HIGH] = high
    search[STAGE] = AT_MOST


@inner
def _step(search, one, other, gone):  # type: ignore[no-untyped-def]
    """Go on with a search, the slack of both promises and the part lost at its rate known."""
    value, place = min(one, other), search[RATE]
    if search[STAGE] == AT_MOST and value >= 0.0:
        search[LOW], search[GONE], search[STAGE] = place, gone, ALL_KEEP
        return
    if search[STAGE] == AT_LEAST and value < 0.0:
        search[STAGE] = NONE_KEEPS
        return
    if value >= 0.0:
        search[LOW], search[AT_LOW], search[GONE] = place, value, gone
        search[AT_HIGH] *= 0.5 if search[SIDE] > 0.0 else 1.0
        search[SIDE] = 1.0 if search[STAGE] == BETWEEN else 0.0
    else:
        search[HIGH], search[AT_HIGH] = place, value
        search[TTFT_SLACK], search[TPOT_SLACK] = one, other
        search[AT_LOW] *= 0.5 if search[SIDE] < 0.0 else 1.0
        search[SIDE] = -1.0 if search[STAGE] == BETWEEN else 0.0
    if search[STAGE] == AT_MOST:
        search[STAGE], search[RATE] = AT_LEAST, 0.0
        return
    search[TURN] += 1.0 if search[STAGE] == BETWEEN else 0.0
    search[STAGE] = BETWEEN
    low, high = search[LOW], search[HIGH]
    if high - low > CLOSE * high and search[TURN] < TURNS:
        search[RATE] = between(low, high, search[AT_LOW], search[AT_HIGH], int(search[TURN]), CLOSE)
    else:
        search[STAGE] = FOUND


@inner
def _holding(search):  # type: ignore[no-untyped-def]
    """What holds the rate of a search that has ended down."""
    if search[STAGE] == ALL_KEEP:
        return BY_THROUGHPUT
    if search[STAGE] == NONE_KEEPS:
        return BY_ALL
    return BY_TTFT if search[TTFT_SLACK] <= search[TPOT_SLACK] else BY_TPOT


@inner
def _slack(  # type: ignore[no-untyped-def]
    row, own, per_second, ttft, tpot, late, lane, place, state, kinds, lengths
):
    """How far each promise is from being broken, log of what is allowed by what is so; part lost.

    The station has climbed in that lane at that rate.
    """
    first = second = math.inf
    if row[TOGETHER] > 0.0:
        chained(row, per_second, math.inf if math.isnan(tpot) else allowed(row, tpot), state)
        if math.isnan(late):
            mean_ttft, mean_tpot = chained_means(row, own, state)
            return _by_mean(ttft, mean_ttft), _by_mean(tpot, mean_tpot), state[chain.LOST]
        if not math.isnan(ttft):
            first = _by_part(late, chained_ttft_late(row, own, state, ttft))
        if not math.isnan(tpot):
            second = _by_part(late, chained_tpot_late(row, state, tpot))
        return first, second, state[chain.LOST]
    settle(row, lane, place, state)
    base = row[PREFILL_BASE]
    if math.isnan(late):
        mean_ttft = ttft_mean(state, base, row[PREFILL_PER_TOKEN] * own[OWN_INPUT])
        return _by_mean(ttft, mean_ttft), _by_mean(tpot, state[TPOT]), state[LOST]
    if not math.isnan(ttft):
        count = ttft_kinds_of(row, own, state, kinds)
        first = _by_part(late, ttft_late(state, base, kinds, count, ttft)[0])
    if not math.isnan(tpot):
        count = tpot_lengths_of(row, own, state, lengths)
        second = _by_part(late, tpot_late(lengths, count, tpot)[0])
    return first, second, state[LOST]


@inner
def _by_mean(promise, mean):  # type: ignore[no-untyped-def]
    """Slack of a promise of a mean; endless where there is none."""
    return math.inf if math.isnan(promise) else math.log(max(promise, 1e-300) / mean)


@inner
def _by_part(late, part):  # type: ignore[no-untyped-def]
    """Slack of a promise that a part ``late`` may break."""
    return math.log(late / max(part, 1e-30))

"""Predictions of what requests see in many stations, each by itself.

Letters: k = classes, g = their stations, c = columns of a station. Rates are in requests per
second here, times in ms. A promise that is NaN is none.
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
    chained_tpot_percentile,
    chained_ttft_late,
    chained_ttft_percentile,
)
from optimizer.kernels.batch_climb import climb, whole_vectors
from optimizer.kernels.batch_lane import LANES, ROWS
from optimizer.kernels.batch_levels import BLOCKED, LOST, RUNNING, TPOT, WAIT
from optimizer.kernels.batch_levels import WIDTH as STATE_WIDTH
from optimizer.kernels.batch_percentile import tpot_percentile, ttft_percentile
from optimizer.kernels.batch_row import (
    OWN_INPUT,
    PREFILL_BASE,
    PREFILL_PER_TOKEN,
    TOGETHER,
    limit_of,
)
from optimizer.kernels.batch_station import enter, reach, settle, tpot_lengths_of, ttft_kinds_of
from optimizer.kernels.batch_tpot import WIDTH, tpot_late
from optimizer.kernels.batch_ttft import COLUMNS, KINDS, ttft_late, ttft_mean
from optimizer.kernels.jit import inner, kernel

# Columns of a prediction.
(
    MEAN_TTFT, LATE_TTFT, MEAN_TPOT, LATE_TPOT, MEAN_WAIT, LOAD, MEAN_RUNNING, PART_LOST,
    PART_WAITING, IN_TIME,
) = range(10)  # fmt: skip


@kernel
def predictions(  # type: ignore[no-untyped-def]
    stations, per_second, percentile, group, classes, ttft, tpot, begin, end, answer
):  # fmt: skip
    """Fill in what the classes ``begin`` ... ``end - 1`` see, each in the station of its group.

    Parameters
    ----------
    stations : (g, c) one row per station.
    per_second : (g,) arrivals.
    percentile : (k,) of requests, as a part; NaN gives NaN.
    group : (k,) the station of each class; those that follow each other share its state.
    classes : (k, 4) own lengths: input tokens, their cv, output tokens, their cv.
    ttft, tpot : (k,) promises, ms, NaN for none.
    answer : (k, 10) mean and percentile of TTFT, of TPOT, wait, load, running, part lost, part of
        the others that finds no place in the batch, part that keeps both promises, taken for
        independent: those lost keep nothing.
    """
    station = np.empty(end - begin, np.int64)
    count = 0
    for k in range(begin, end):
        if k == begin or group[k] != group[k - 1]:
            station[count] = group[k]
            count += 1
    states, limits = _settled(stations, per_second, station[:count])
    kinds, lengths = np.zeros((KINDS, COLUMNS)), np.zeros(WIDTH)
    chain_state = np.zeros(chain.WIDTH)
    here = -1
    for k in range(begin, end):
        g = group[k]
        here += 1 if k == begin or g != group[k - 1] else 0
        row, own, late = stations[g], classes[k], 1.0 - percentile[k]
        if row[TOGETHER] > 0.0:
            _chained(row, own, per_second[g], late, ttft[k], tpot[k], chain_state, answer[k])
        else:
            _levelled(row, own, late, ttft[k], tpot[k], states[here], kinds, lengths, answer[k])
        answer[k, LOAD] = per_second[g] / limits[here]


@inner
def _settled(stations, per_second, station):  # type: ignore[no-untyped-def]
    """State and limit of some of the stations.

    Those that climb as far go side by side, so that lanes end together.
    """
    count = len(station)
    far = np.empty(count)
    for i in range(count):
        far[i] = reach(stations[station[i]], per_second[station[i]])
    order = np.argsort(far)
    states, limits = np.empty((count, STATE_WIDTH)), np.empty(count)
    lane = np.zeros(ROWS * LANES)
    for first in range(0, count, LANES):
        some = min(LANES, count - first)
        wide = whole_vectors(some)
        for place in range(wide):
            g = station[order[first + min(place, some - 1)]]
            enter(stations[g], per_second[g], lane, place)
        climb(lane, wide)
        for place in range(some):
            i = order[first + place]
            settle(stations[station[i]], lane, place, states[i])
            limits[i] = limit_of(stations[station[i]])
    return states, limits


@inner
def _levelled(row, own, late, ttft, tpot, state, kinds, lengths, seen):  # type: ignore[no-untyped-def]
    """Fill in what a class sees in a station with iteration-level batching."""
    base = row[PREFILL_BASE]
    mean = ttft_mean(state, base, row[PREFILL_PER_TOKEN] * own[OWN_INPUT])
    seen[MEAN_TTFT], seen[MEAN_TPOT] = mean, state[TPOT]
    seen[MEAN_WAIT], seen[MEAN_RUNNING] = state[WAIT], state[RUNNING]
    seen[PART_LOST], seen[PART_WAITING] = state[LOST], state[BLOCKED]
    kept = 1.0 - state[LOST]
    told = not math.isnan(late)
    if told or not math.isnan(ttft):
        count = ttft_kinds_of(row, own, state, kinds)
        if not math.isnan(ttft):
            kept *= 1.0 - ttft_late(state, base, kinds, count, ttft)[0]
        if told:
            seen[LATE_TTFT] = ttft_percentile(state, base, kinds, count, late, mean)
    if told or not math.isnan(tpot):
        count = tpot_lengths_of(row, own, state, lengths)
        if not math.isnan(tpot):
            kept *= 1.0 - tpot_late(lengths, count, tpot)[0]
        if told:
            seen[LATE_TPOT] = tpot_percentile(lengths, count, late)
    seen[IN_TIME] = kept
    if not told:
        seen[LATE_TTFT] = seen[LATE_TPOT] = math.nan


@inner
def _chained(row, own, per_second, late, ttft, tpot, state, seen):  # type: ignore[no-untyped-def]
    """Fill in what a class sees in a station whose requests are served together."""
    chained(row, per_second, math.inf if math.isnan(tpot) else allowed(row, tpot), state)
    seen[MEAN_TTFT], seen[MEAN_TPOT] = chained_means(row, own, state)
    seen[MEAN_WAIT], seen[MEAN_RUNNING] = state[chain.WAIT], state[chain.SERVED]
    seen[PART_LOST], seen[PART_WAITING] = state[chain.LOST], state[chain.HELD_UP]
    kept = 1.0 - state[chain.LOST]
    if not math.isnan(ttft):
        kept *= 1.0 - chained_ttft_late(row, own, state, ttft)
    if not math.isnan(tpot):
        kept *= 1.0 - chained_tpot_late(row, state, tpot)
    seen[IN_TIME] = kept
    seen[LATE_TTFT] = seen[LATE_TPOT] = math.nan
    if not math.isnan(late):
        seen[LATE_TTFT] = chained_ttft_percentile(row, own, state, late, seen[MEAN_TTFT])
        seen[LATE_TPOT] = chained_tpot_percentile(row, per_second, late, state)


@kernel
def limits(stations, answer):  # type: ignore[no-untyped-def]
    """Fill in (k,) the requests per second that leave when the batch is always full."""
    for k in range(len(stations)):
        answer[k] = limit_of(stations[k])

"""Predictions, attainment and largest rates of many stations, each by itself.

Letters: k = stations or classes, g = groups whose state is known, c = columns of a station.
Rates are in requests per second here, times in ms. A promise that is NaN is none.
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.kernels import batch_together as chain
from optimizer.kernels.batch_full import saturation
from optimizer.kernels.batch_latency import (
    COLUMNS,
    KINDS,
    tpot_kinds,
    tpot_late,
    ttft_kinds,
    ttft_late,
    ttft_mean,
)
from optimizer.kernels.batch_levels import BLOCKED, LOST, RUNNING, TPOT, WAIT, levels
from optimizer.kernels.batch_levels import WIDTH as STATE_WIDTH
from optimizer.kernels.batch_together import service, together, wait_tail
from optimizer.kernels.jit import inner, kernel
from optimizer.kernels.root import between

# Columns of a station.
(
    DECODE_BASE, DECODE_PER_SEQ, PREFILL_BASE, PREFILL_PER_TOKEN, MOST, INPUT, OUTPUT, INPUT_CV,
    OUTPUT_CV, BURSTINESS, ROOM, TOGETHER,
) = range(12)  # fmt: skip
# Columns of a class: its own lengths.
OWN_INPUT, OWN_INPUT_CV, OWN_OUTPUT, OWN_OUTPUT_CV = range(4)
# Columns of a prediction.
(
    MEAN_TTFT, LATE_TTFT, MEAN_TPOT, LATE_TPOT, MEAN_WAIT, LOAD, MEAN_RUNNING, PART_LOST,
    PART_WAITING, IN_TIME,
) = range(10)  # fmt: skip
# What holds a rate down.
BY_TTFT, BY_TPOT, BY_THROUGHPUT, BY_ALL = range(4)

CLOSE = 1e-6
"""Rates and percentiles are found to this part of themselves."""


@inner
def _steps(output):  # type: ignore[no-untyped-def]
    """Decode steps; where there is less than one, the part of a step that is done."""
    steps = output - 1.0
    return (steps, 1.0) if steps >= 1.0 else (1.0, max(steps, 1e-6))


@inner
def _limit(row):  # type: ignore[no-untyped-def]
    """Requests per second that leave when the batch is always full."""
    prefill = row[PREFILL_PER_TOKEN] * row[INPUT]
    if row[TOGETHER] > 0.0:
        return 1e3 * row[MOST] / service(
            row[MOST], row[DECODE_BASE], row[DECODE_PER_SEQ], row[PREFILL_BASE], prefill,
            max(row[OUTPUT] - 1.0, 0.0),
        )  # fmt: skip
    steps, part = _steps(row[OUTPUT])
    return 1e3 * saturation(
        part * row[DECODE_BASE], part * row[DECODE_PER_SEQ], row[PREFILL_BASE], prefill,
        row[MOST], steps,
    )  # fmt: skip


@inner
def _settle(row, per_second, asked, state):  # type: ignore[no-untyped-def]
    """Fill in the state of a station; ``asked`` is a concurrency, for ``together`` alone."""
    rate = max(1e-3 * per_second, 1e-9 * _limit(row))
    prefill = row[PREFILL_PER_TOKEN] * row[INPUT]
    if row[TOGETHER] > 0.0:
        together(
            rate, row[DECODE_BASE], row[DECODE_PER_SEQ], row[PREFILL_BASE], prefill, row[MOST],
            max(row[OUTPUT] - 1.0, 0.0), row[ROOM], asked, state,
        )  # fmt: skip
        return
    steps, part = _steps(row[OUTPUT])
    levels(
        rate, part * row[DECODE_BASE], part * row[DECODE_PER_SEQ], row[PREFILL_BASE], prefill,
        row[MOST], steps, row[INPUT_CV], row[OUTPUT_CV], row[BURSTINESS], row[ROOM], state,
    )  # fmt: skip


@inner
def _concurrency(row, tpot):  # type: ignore[no-untyped-def]
    """Most requests in service with which a decode step keeps a promise; ``together``."""
    left = tpot - row[DECODE_BASE]
    if left < 0.0:
        return 0.0
    return left * (1.0 + 1e-12) / row[DECODE_PER_SEQ] if row[DECODE_PER_SEQ] > 0.0 else math.inf


@inner
def _means(row, own, state):  # type: ignore[no-untyped-def]
    """Mean TTFT and TPOT of a class."""
    prefill = row[PREFILL_PER_TOKEN] * own[OWN_INPUT]
    if row[TOGETHER] > 0.0:
        n = state[chain.EFFECTIVE]
        ttft = state[chain.WAIT] + row[PREFILL_BASE] + prefill * n
        return ttft, row[DECODE_BASE] + row[DECODE_PER_SEQ] * n
    return ttft_mean(state, row[PREFILL_BASE], prefill), state[TPOT]


@inner
def _ttft_kinds(row, own, state, kinds):  # type: ignore[no-untyped-def]
    """Put down what the tail of TTFT of a class is made of; gives how many kinds."""
    if row[TOGETHER] > 0.0:
        return 0
    prefill = row[PREFILL_PER_TOKEN] * own[OWN_INPUT]
    return ttft_kinds(state, prefill, own[OWN_INPUT_CV], kinds)


@inner
def _ttft_over(row, own, state, kinds, count, time):  # type: ignore[no-untyped-def]
    """Part of a class whose TTFT is over a time."""
    if row[TOGETHER] > 0.0:
        prefill = row[PREFILL_PER_TOKEN] * own[OWN_INPUT]
        served = row[PREFILL_BASE] + prefill * state[chain.EFFECTIVE]
        return wait_tail(state, row[ROOM], time - served)
    return ttft_late(state, row[PREFILL_BASE], kinds, count, time)


@inner
def _late_ttft(row, own, state, kinds, time):  # type: ignore[no-untyped-def]
    """The same for one time alone."""
    return _ttft_over(row, own, state, kinds, _ttft_kinds(row, own, state, kinds), time)


@inner
def _tpot_kinds(row, own, state, kinds):  # type: ignore[no-untyped-def]
    """Put down what the tail of TPOT of a class is made of; not for ``together``."""
    steps, _ = _steps(own[OWN_OUTPUT])
    least = row[DECODE_BASE] + row[DECODE_PER_SEQ]
    return tpot_kinds(state, least, steps, own[OWN_OUTPUT_CV], kinds)


@inner
def _late_tpot(row, own, state, kinds, time):  # type: ignore[no-untyped-def]
    """Part of a class whose TPOT is over a time; of ``together`` the state was asked for it."""
    if row[TOGETHER] > 0.0:
        return 1.0 if time < row[DECODE_BASE] + row[DECODE_PER_SEQ] else state[chain.ABOVE]
    return tpot_late(kinds, _tpot_kinds(row, own, state, kinds), time)


@inner
def _above(tail, late):  # type: ignore[no-untyped-def]
    """How far a tail is above ``late``, as a logarithm: tails of waits are straight in it."""
    return math.log(max(tail, 1e-3 * late) / late)


@inner
def _ttft_percentile(row, own, state, kinds, late, mean):  # type: ignore[no-untyped-def]
    """The least time that no more than ``late`` of a class is over."""
    if math.isinf(mean):
        return math.inf
    count = _ttft_kinds(row, own, state, kinds)
    low, high = 0.0, 2.0 * mean
    at_low, at_high = -math.log(late), _above(_ttft_over(row, own, state, kinds, count, high), late)
    while at_high > 0.0:
        low, at_low = high, at_high
        high *= 2.0
        at_high = _above(_ttft_over(row, own, state, kinds, count, high), late)
    turn = side = 0
    while high - low > CLOSE * high and turn < 200:
        time = between(low, high, at_low, at_high, turn, CLOSE)
        value = _above(_ttft_over(row, own, state, kinds, count, time), late)
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
def _tpot_percentile(row, own, state, kinds, late):  # type: ignore[no-untyped-def]
    """The same of the time per token, for stations that are not ``together``."""
    count = _tpot_kinds(row, own, state, kinds)
    low, high = 0.0, state[TPOT]
    at_low, at_high = -math.log(late), _above(tpot_late(kinds, count, high), late)
    while at_high > 0.0:
        low, at_low = high, at_high
        high *= 1.3
        at_high = _above(tpot_late(kinds, count, high), late)
    turn = side = 0
    while high - low > CLOSE * high and turn < 200:
        time = between(low, high, at_low, at_high, turn, CLOSE)
        value = _above(tpot_late(kinds, count, time), late)
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
def _step_percentile(row, per_second, late, state):  # type: ignore[no-untyped-def]
    """Decode step that no more than ``late`` of those in service are over; ``together``."""
    low, high = 0, int(row[MOST])
    while high - low > 1:
        n = (low + high) // 2
        _settle(row, per_second, float(n), state)
        if state[chain.ABOVE] > late:
            low = n
        else:
            high = n
    return row[DECODE_BASE] + row[DECODE_PER_SEQ] * high


@inner
def _kept(row, own, state, kinds, per_second, ttft, tpot):  # type: ignore[no-untyped-def]
    """Part of a class that keeps both promises; of ``together`` it changes what was asked."""
    if row[TOGETHER] > 0.0 and not math.isnan(tpot):
        _settle(row, per_second, _concurrency(row, tpot), state)
    kept = 1.0 - (state[chain.LOST] if row[TOGETHER] > 0.0 else state[LOST])
    if not math.isnan(ttft):
        kept *= 1.0 - _late_ttft(row, own, state, kinds, ttft)
    if not math.isnan(tpot):
        kept *= 1.0 - _late_tpot(row, own, state, kinds, tpot)
    return kept


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
    group : (k,) the station of each class, sorted or not.
    classes : (k, 4) own lengths: input tokens, their cv, output tokens, their cv.
    ttft, tpot : (k,) promises, ms, NaN for none.
    answer : (k, 10) mean and percentile of TTFT, of TPOT, wait, load, running, part lost, part of
        the others that finds no place in the batch, part that keeps both promises, taken for
        independent: those lost keep nothing.
    """
    state, kinds = np.zeros(STATE_WIDTH), np.zeros((KINDS, COLUMNS))
    last = -1
    for k in range(begin, end):
        g = group[k]
        row, own = stations[g], classes[k]
        if g != last:
            _settle(row, per_second[g], math.inf, state)
            last = g
        answer[k, MEAN_TTFT], answer[k, MEAN_TPOT] = _means(row, own, state)
        alike = row[TOGETHER] > 0.0
        answer[k, MEAN_WAIT] = state[chain.WAIT] if alike else state[WAIT]
        answer[k, LOAD] = per_second[g] / _limit(row)
        answer[k, MEAN_RUNNING] = state[chain.SERVED] if alike else state[RUNNING]
        answer[k, PART_LOST] = state[chain.LOST] if alike else state[LOST]
        answer[k, PART_WAITING] = state[chain.HELD_UP] if alike else state[BLOCKED]
        answer[k, IN_TIME] = _kept(row, own, state, kinds, per_second[g], ttft[k], tpot[k])
        if alike and not math.isnan(tpot[k]):
            last = -1
        answer[k, LATE_TTFT] = answer[k, LATE_TPOT] = math.nan
        if math.isnan(percentile[k]):
            continue
        late = 1.0 - percentile[k]
        answer[k, LATE_TTFT] = _ttft_percentile(row, own, state, kinds, late, answer[k, MEAN_TTFT])
        if alike:
            answer[k, LATE_TPOT] = _step_percentile(row, per_second[g], late, state)
            last = -1
        else:
            answer[k, LATE_TPOT] = _tpot_percentile(row, own, state, kinds, late)


@inner
def _slack(row, own, per_second, ttft, tpot, late, state, kinds):  # type: ignore[no-untyped-def]
    """How far each promise is from being broken: log of what is allowed by what is so."""
    _settle(row, per_second, _concurrency(row, tpot), state)
    first = second = math.inf
    if math.isnan(late):
        mean_ttft, mean_tpot = _means(row, own, state)
        if not math.isnan(ttft):
            first = math.log(max(ttft, 1e-300) / mean_ttft)
        if not math.isnan(tpot):
            second = math.log(max(tpot, 1e-300) / mean_tpot)
        return first, second
    if not math.isnan(ttft):
        first = math.log(late / max(_late_ttft(row, own, state, kinds, ttft), 1e-30))
    if not math.isnan(tpot):
        second = math.log(late / max(_late_tpot(row, own, state, kinds, tpot), 1e-30))
    return first, second


@kernel
def largest_rates(  # type: ignore[no-untyped-def]
    stations, ttft, tpot, percentile, highest, classes, begin, end, rate, binding, lost
):
    """Fill in the largest rates that keep the promises, and what holds them down.

    Parameters
    ----------
    stations, classes : as in :func:`attainments`.
    ttft, tpot : (k,) promises, ms, NaN for none.
    percentile : (k,) part of requests that must keep them, NaN for the mean.
    highest : part of saturation that no rate is above.
    rate : (k,) requests per second.
    binding : (k,) one of ``BY_TTFT``, ``BY_TPOT``, ``BY_THROUGHPUT``, ``BY_ALL`` (no rate does).
    lost : (k,) part of the arrivals that is lost at that rate.
    """
    state, kinds = np.zeros(STATE_WIDTH), np.zeros((KINDS, COLUMNS))
    for k in range(begin, end):
        row, own = stations[k], classes[k]
        late = 1.0 - percentile[k]
        high = highest * _limit(row)
        first, second = _slack(row, own, high, ttft[k], tpot[k], late, state, kinds)
        binding[k] = BY_THROUGHPUT
        rate[k] = high
        if min(first, second) < 0.0:
            low = 0.0
            first_low, second_low = _slack(row, own, low, ttft[k], tpot[k], late, state, kinds)
            if min(first_low, second_low) < 0.0:
                rate[k], binding[k], lost[k] = 0.0, BY_ALL, 0.0
                continue
            at_low, at_high = min(first_low, second_low), min(first, second)
            turn = side = 0
            while high - low > CLOSE * high and turn < 200:
                middle = between(low, high, at_low, at_high, turn, CLOSE)
                one, other = _slack(row, own, middle, ttft[k], tpot[k], late, state, kinds)
                value = min(one, other)
                if value >= 0.0:
                    low, at_low = middle, value
                    at_high *= 0.5 if side > 0 else 1.0
                    side = 1
                else:
                    high, at_high, first, second = middle, value, one, other
                    at_low *= 0.5 if side < 0 else 1.0
                    side = -1
                turn += 1
            rate[k] = low
            binding[k] = BY_TTFT if first <= second else BY_TPOT
            _settle(row, low, math.inf, state)
        lost[k] = state[chain.LOST] if row[TOGETHER] > 0.0 else state[LOST]


@kernel
def limits(stations, answer):  # type: ignore[no-untyped-def]
    """Fill in (k,) the requests per second that leave when the batch is always full."""
    for k in range(len(stations)):
        answer[k] = _limit(stations[k])

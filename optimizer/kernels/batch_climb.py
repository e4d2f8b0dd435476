"""The levels of stations below the full batch, added up from the empty station.

Letters: m = max_batch, j = level, requests in the station, i = lanes. Times in ms, rates per ms.

Levels. Decode steps alone are a birth-death chain: at level j < m requests leave at the rate
j / ((O - 1) d(j)), which is the processor-sharing view and depends on lengths through their mean
(Kleinrock, Queueing Systems II, ch. 4; Cohen, The multiple phase service network with generalized
processor sharing, 1979). Each arrival below m stops decoding for its prefill, and who arrives
meanwhile stops it next: a family, the total progeny of a branching process of mean r = rate *
prefill, so that levels are crossed in batches of mean 1 / (1 - r). With P(family > k) = w g**k
fitted to its first two moments the flow up across level j is a recursion of one step,

    F(j) = first y(j) + H(j),   H(j) = g H(j - 1) + w g first y(j - 1),
    y(j + 1) = F(j) / rate of leaving at j + 1

with y(j) the time decoding at level j and P(j) F(j) that of prefills while j requests wait for
them. Above m no prefill is done but one per request that leaves, and levels fall off as (rate /
saturation)**k; the sums over them are closed.

Stations climb side by side, one to a SIMD lane: the steps of one wait for each other, those of
different stations do not. All numbers of a lane are in one array, a row of lanes for each, so that
the compiler knows that no row overlaps another. A lane that is done goes on with nobody there.
"""

from __future__ import annotations

from optimizer.kernels.batch_iteration import iteration, mean_rest, square_rest
from optimizer.kernels.batch_lane import (
    BATCH,
    BURSTINESS,
    BURSTS,
    COMPLETED,
    COVER,
    DECODE_BASE,
    DECODE_PER_SEQ,
    DONE_LEVEL,
    FAMILY,
    FIRST,
    FIRST_RATE,
    FIRST_STOP,
    FLOW,
    FOLLOW,
    FREE,
    GAP,
    GROWS,
    IDLE,
    JITTER,
    LAST_FLOW,
    LAST_THROUGH,
    LENGTH,
    MIXED,
    MIXED_MEAN,
    MIXED_SQUARE,
    MOST,
    NOISE,
    NONE,
    OPENING,
    OTHERS,
    PART,
    PLACE,
    PLAIN,
    PLAIN_MEAN,
    PLAIN_SQUARE,
    PREFILL,
    PREFILL_BASE,
    PREFILLING,
    RATE,
    RATE_SPREAD,
    RUNNING,
    SPREAD,
    STEPS,
    STOP,
    TAIL_FLOW,
    TIMES,
    TOKEN_SQUARE,
    TOTAL,
    VARIANCE,
    Y,
)
from optimizer.kernels.jit import inner

FAMILY_PLACES = 4.0
"""Batches of so many places cut families short: below, only their mean is kept."""
NEGLIGIBLE = 1e-14
"""Levels end where this part of the busy time is left out."""
LARGE = 1e200
"""Times are made smaller by this where they are over it."""


@inner
def climb(lane, count):  # type: ignore[no-untyped-def]
    """Add up the levels 0 ... m - 1 of each lane, in parts of the time with nobody there.

    Parameters
    ----------
    lane : (ROWS * LANES,) rows of lanes, what is known of the stations filled in.
    count : lanes that are taken. The compiler must not know how many: it would write the loops
        over them out, and not make them SIMD.
    """
    _nobody(lane, count)
    top = 0.0
    for i in range(count):
        top = max(top, lane[MOST + i])
    going = count
    j = 1.0
    while j < top and going > 0:
        for _ in range(6 if j == 1.0 else 1):
            iteration(lane, count, j)
        _cross(lane, count, j)
        _add(lane, count, j)
        going, large = 0, 0
        for i in range(count):
            going += 1 if lane[FLOW + i] > 0.0 else 0
            large += 1 if lane[Y + i] > LARGE else 0
        if large > 0:
            _scale(lane, count)
        j += 1.0


@inner
def whole_vectors(count):  # type: ignore[no-untyped-def]
    """Lanes that so many stations take: the compiler goes through four at a time."""
    return (count + 3) // 4 * 4


@inner
def _nobody(lane, count):  # type: ignore[no-untyped-def]
    """Level 0, and what follows of what is known."""
    for i in range(count):
        rate, prefill, spread = lane[RATE + i], lane[PREFILL + i], lane[SPREAD + i]
        base, most = lane[PREFILL_BASE + i], lane[MOST + i]
        first_step = lane[DECODE_BASE + i] + lane[DECODE_PER_SEQ + i]
        square = prefill * prefill + spread
        part = rate * prefill
        free = 1.0 - min(part, 0.95)  # beyond, only the room to wait bounds the station
        # Bursts: arrivals come in geometric batches.
        bursts = max(lane[BURSTINESS + i], 1.0)
        first = 2.0 / (1.0 + bursts)
        first_rate = rate * first
        lane[BURSTS + i], lane[BATCH + i] = bursts, 0.5 * (1.0 + bursts)
        lane[FIRST + i], lane[OTHERS + i], lane[FIRST_RATE + i] = first, 1.0 - first, first_rate
        lane[PART + i], lane[FREE + i], lane[GAP + i] = part, free, 1.0 / rate
        lane[PLACE + i], lane[FAMILY + i] = 1.0 / most, max(0.0, 1.0 - FAMILY_PLACES / most)
        lane[RATE_SPREAD + i] = rate * rate * spread
        stop = base + prefill
        through = stop * first_rate
        opening = stop + first_step
        lane[STOP + i] = lane[FIRST_STOP + i] = stop
        lane[OPENING + i] = opening
        lane[Y + i], lane[FLOW + i], lane[TAIL_FLOW + i] = 1.0, first_rate, 0.0
        lane[IDLE + i], lane[COMPLETED + i], lane[RUNNING + i] = 1.0, 0.0, 0.0
        lane[TOTAL + i], lane[PREFILLING + i] = 1.0 + through, through
        lane[PLAIN + i] = lane[PLAIN_MEAN + i] = lane[PLAIN_SQUARE + i] = 0.0
        lane[TOKEN_SQUARE + i] = lane[DONE_LEVEL + i] = lane[JITTER + i] = 0.0
        lane[LENGTH + i] = (first_step + base) / free
        lane[VARIANCE + i] = 0.0
        lane[MIXED + i] = lane[MIXED_MEAN + i] = lane[MIXED_SQUARE + i] = lane[COVER + i] = 0.0
        lane[LAST_FLOW + i], lane[LAST_THROUGH + i] = first_rate, through
        if most > 1.0:
            # The iteration that ends an idle time begins with the prefill of who ended it.
            second = opening * opening + spread
            third = opening * (opening * opening + 3.0 * spread)
            third += 2.0 * spread * spread / prefill if prefill > 0.0 else 0.0
            weight = first_rate * opening
            lane[COVER + i] = first_rate * first_step
            lane[MIXED + i] = weight
            lane[MIXED_MEAN + i] = weight * mean_rest(opening, second, part)
            lane[MIXED_SQUARE + i] = weight * square_rest(
                opening, second, third, part, rate * square
            )
            lane[LAST_FLOW + i] = lane[LAST_THROUGH + i] = 0.0
        else:
            lane[Y + i] = lane[FLOW + i] = 0.0


@inner
def _cross(lane, count, j):  # type: ignore[no-untyped-def]
    """Time decoding at level j and the flow up across it, from those of the level below."""
    left = 1.0 / j
    for i in range(count):
        first_rate = lane[FIRST_RATE + i]
        flow, y_below = lane[FLOW + i], lane[Y + i]
        step = lane[DECODE_BASE + i] + lane[DECODE_PER_SEQ + i] * j
        lane[COMPLETED + i] += flow
        lane[DONE_LEVEL + i] += j * flow
        y = flow * lane[STEPS + i] * step * left
        # Families of those who come while a prefill is done: their mean less 1, the variance over
        # the mean, that of geometric ones, and the least that the mean allows, all multiplied by
        # powers of ``few``, so that one division does.
        branching = lane[RATE + i] * lane[STOP + i]
        branching = branching if branching < 0.95 else 0.95
        few = 1.0 - branching
        more = lane[OTHERS + i] + branching * lane[FIRST + i]
        dispersion = branching + lane[RATE_SPREAD + i] + few * (lane[BURSTS + i] - 1.0 + branching)
        short = 2.0 * more * few * lane[BATCH + i]
        at_least = 2.0 * more * few * few
        dispersion = short + (dispersion - short) * lane[FAMILY + i]
        dispersion = dispersion if dispersion > at_least else at_least
        dispersion = dispersion if dispersion > 0.0 else 1.0
        both = 1.0 / (dispersion * few)
        stay = at_least * few * both
        keep = 1.0 - stay if stay > 0.0 else 0.0
        begin = more * lane[BATCH + i] * dispersion * both * stay
        tail_flow = keep * lane[TAIL_FLOW + i] + begin * first_rate * y_below
        lane[Y + i], lane[TAIL_FLOW + i] = y, tail_flow
        lane[FLOW + i] = first_rate * y + tail_flow


@inner
def _add(lane, count, j):  # type: ignore[no-untyped-def]
    """Add what is at level j to the sums, and end lanes that are through."""
    for i in range(count):
        rate, part = lane[RATE + i], lane[PART + i]
        prefill, none, variance = lane[PREFILL + i], lane[NONE + i], lane[VARIANCE + i]
        length, y, flow = lane[LENGTH + i], lane[Y + i], lane[FLOW + i]
        square = rate * (prefill * prefill + lane[SPREAD + i])
        step = lane[DECODE_BASE + i] + lane[DECODE_PER_SEQ + i] * j
        some = 1.0 - none
        some = some if some > 1e-30 else 1e-30
        both = 1.0 / (length * some)
        per_length = some * both
        stop = prefill + lane[PREFILL_BASE + i] * (1.0 - none) * lane[GAP + i] * per_length
        through = stop * flow
        lane[STOP + i] = stop
        weight = y + through
        lane[TOTAL + i] += weight
        lane[PREFILLING + i] += through
        lane[RUNNING + i] += j * weight
        lane[TOKEN_SQUARE + i] += j * step * weight * (weight / (y if y > 0.0 else 1.0))
        follow = lane[FOLLOW + i]
        lane[JITTER + i] += (
            j * weight * lane[NOISE + i] * per_length * follow * follow
            * (1.0 - j * lane[PLACE + i])
        )  # fmt: skip
        # What an arrival finds; that of level 1 in part the iteration that ended the idle time.
        found = weight - lane[COVER + i]
        lane[COVER + i] = 0.0
        # Those who come while the last place is taken wait for another.
        found -= through if j == lane[MOST + i] - 1.0 else 0.0
        found = found if found > 0.0 else 0.0
        plain = none * step * per_length
        plain = found * (plain if plain < 1.0 else 1.0)
        rest = (0.5 + part) * step
        lane[PLAIN + i] += plain
        lane[PLAIN_MEAN + i] += plain * rest
        third_part = 1.0 / 3.0 + part + part * part
        lane[PLAIN_SQUARE + i] += plain * (third_part * step * step + square * step)
        some = length * both
        mean = (length - none * step) * some
        mean = mean if mean > step else step
        second = (length * length + variance - none * step * step) * some
        deviation = second - mean * mean
        deviation = deviation if deviation > 0.0 else 0.0
        second = deviation + mean * mean
        over = mean - step
        varied = over > 1e-9 * step
        over = over if varied else 1.0
        both = 1.0 / (mean * over)
        third = 2.0 * deviation * deviation * both if varied else 0.0
        third += mean * mean + 3.0 * deviation
        second *= both * over
        mixed = found - plain
        lane[MIXED + i] += mixed
        lane[MIXED_MEAN + i] += mixed * (0.5 + part) * second
        lane[MIXED_SQUARE + i] += mixed * (third_part * third + square * second)
        lane[LENGTH + i] = length + lane[DECODE_PER_SEQ + i] * lane[GROWS + i]
        # The end: the full batch comes next, or what is above is too little to count.
        little = found < NEGLIGIBLE * (lane[TOTAL + i] - lane[IDLE + i])
        little = little & (flow * lane[STEPS + i] * step < y * j) & (y <= LARGE)
        last = j == lane[MOST + i] - 1.0
        lane[LAST_FLOW + i] = flow if last & (not little) else lane[LAST_FLOW + i]
        lane[LAST_THROUGH + i] = through if last & (not little) else lane[LAST_THROUGH + i]
        on = 0.0 if last | little else 1.0
        lane[Y + i] = y * on
        lane[FLOW + i] = flow * on
        lane[TAIL_FLOW + i] *= on


@inner
def _scale(lane, count):  # type: ignore[no-untyped-def]
    """Count the time of lanes in larger units, where it is nearly too large for a number."""
    for i in range(count):
        if lane[Y + i] > LARGE:
            for row in TIMES:
                lane[row + i] /= LARGE

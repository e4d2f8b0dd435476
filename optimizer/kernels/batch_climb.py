"""The levels of stations below the full batch, added up from the empty station.

Letters: m = max_batch, j = level, requests in the station, l = lanes. Times in ms, rates per ms.

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

An iteration at level j that begins with k admitted requests lasts T = d(j) + [k > 0] base + sum of
k prefills, k counted over the iteration before. Its mean is a fixed point and its variance that of
an autoregression, with P(k = 0) for T taken as gamma.

Stations climb side by side, one to a SIMD lane: the steps of one wait for each other, those of
different stations do not. All numbers of a lane are in one array, a row of lanes for each, so that
the compiler knows that no row overlaps another. A lane that is done goes on with nobody there.
"""

from __future__ import annotations

from optimizer.kernels.batch_iteration import mean_rest, square_rest
from optimizer.kernels.batch_lane import (
    BATCH,
    BATCHED,
    BURSTINESS,
    BURSTS,
    CLUSTERS,
    COMPLETED,
    COVER,
    DECODE_BASE,
    DECODE_PER_SEQ,
    FAMILY,
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
    PART,
    PLACE,
    PLAIN,
    PLAIN_MEAN,
    PLAIN_SQUARE,
    PREFILL,
    PREFILLING,
    PREFILL_BASE,
    RATE,
    RATE_SPREAD,
    RUNNING,
    SPREAD,
    STEPS,
    STOP,
    TAIL_FLOW,
    TIMES,
    TOKEN_LEVEL,
    TOKEN_SQUARE,
    TOTAL,
    VARIANCE,
    Y,
)
from optimizer.kernels.elementary import exponential, log_ratio
from optimizer.kernels.jit import inner

FAMILY_PLACES = 4.0
"""Batches of so many places cut families short: below, only their mean is kept."""
FOLLOWS = 0.3
"""Most that the base of a prefill, which is paid once, makes the length of an iteration hang on
that of the one before; fitted to simulations."""
NEGLIGIBLE = 1e-14
"""Levels end where this part of the busy time is left out."""
LARGE = 1e200
"""Times are made smaller by this where they are over it."""


@inner
def climb(lane, count):  # type: ignore[no-untyped-def]
    """Add up the levels 0 ... m - 1 of each lane, in parts of the time with nobody there.

    Parameters
    ----------
    lane : (ROWS * LANES,) rows of lanes, those known of the stations filled in.
    """
    _nobody(lane, count)
    top = 0.0
    for l in range(count):
        top = max(top, lane[MOST + l])
    going = count
    j = 1.0
    while j < top and going > 0:
        for _ in range(6 if j == 1.0 else 1):
            _iteration(lane, count, j)
        _cross(lane, count, j)
        _add(lane, count, j)
        going, large = 0, 0
        for l in range(count):
            going += 1 if lane[FLOW + l] > 0.0 else 0
            large += 1 if lane[Y + l] > LARGE else 0
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
    for l in range(count):
        rate, prefill, spread = lane[RATE + l], lane[PREFILL + l], lane[SPREAD + l]
        base, most = lane[PREFILL_BASE + l], lane[MOST + l]
        first_step = lane[DECODE_BASE + l] + lane[DECODE_PER_SEQ + l]
        square = prefill * prefill + spread
        part = rate * prefill
        free = 1.0 - min(part, 0.95)  # beyond, only the room to wait bounds the station
        # Bursts: arrivals come in geometric batches of mean 1 / clusters.
        bursts = max(lane[BURSTINESS + l], 1.0)
        clusters = 2.0 / (1.0 + bursts)
        first_rate = rate * clusters
        lane[CLUSTERS + l], lane[FIRST_RATE + l], lane[BURSTS + l] = clusters, first_rate, bursts
        lane[BATCH + l], lane[BATCHED + l] = 0.5 * (1.0 + bursts), 1.0 - clusters
        lane[PART + l], lane[FREE + l], lane[GAP + l] = part, free, 1.0 / rate
        lane[PLACE + l], lane[FAMILY + l] = 1.0 / most, max(0.0, 1.0 - FAMILY_PLACES / most)
        lane[RATE_SPREAD + l] = rate * rate * spread
        stop = base + prefill
        through = stop * first_rate
        opening = stop + first_step
        lane[STOP + l] = lane[FIRST_STOP + l] = stop
        lane[OPENING + l] = opening
        lane[Y + l], lane[FLOW + l], lane[TAIL_FLOW + l] = 1.0, first_rate, 0.0
        lane[IDLE + l], lane[COMPLETED + l], lane[RUNNING + l] = 1.0, 0.0, 0.0
        lane[TOTAL + l], lane[PREFILLING + l] = 1.0 + through, through
        lane[PLAIN + l] = lane[PLAIN_MEAN + l] = lane[PLAIN_SQUARE + l] = 0.0
        lane[TOKEN_SQUARE + l] = lane[TOKEN_LEVEL + l] = lane[JITTER + l] = 0.0
        lane[LENGTH + l] = (first_step + base) / free
        lane[VARIANCE + l] = 0.0
        lane[MIXED + l] = lane[MIXED_MEAN + l] = lane[MIXED_SQUARE + l] = lane[COVER + l] = 0.0
        lane[LAST_FLOW + l], lane[LAST_THROUGH + l] = first_rate, through
        if most > 1.0:
            # The iteration that ends an idle time begins with the prefill of who ended it.
            second = opening * opening + spread
            third = opening * (opening * opening + 3.0 * spread)
            third += 2.0 * spread * spread / prefill if prefill > 0.0 else 0.0
            weight = first_rate * opening
            lane[COVER + l] = first_rate * first_step
            lane[MIXED + l] = weight
            lane[MIXED_MEAN + l] = weight * mean_rest(opening, second, part)
            lane[MIXED_SQUARE + l] = weight * square_rest(
                opening, second, third, part, rate * square
            )
            lane[LAST_FLOW + l] = lane[LAST_THROUGH + l] = 0.0
        else:
            lane[Y + l] = lane[FLOW + l] = 0.0


@inner
def _iteration(lane, count, j):  # type: ignore[no-untyped-def]
    """One step towards the length of an iteration at level j; begins with that of the last."""
    # Short loops: the lanes of one wait for each other less than the steps of a long one.
    for l in range(count):
        lane[NONE + l] = log_ratio(lane[RATE + l] * lane[VARIANCE + l], lane[LENGTH + l])
    for l in range(count):
        lane[NONE + l] = exponential(-lane[RATE + l] * lane[LENGTH + l] * lane[NONE + l])
    for l in range(count):
        rate, part, free = lane[RATE + l], lane[PART + l], lane[FREE + l]
        base, prefill, length = lane[PREFILL_BASE + l], lane[PREFILL + l], lane[LENGTH + l]
        step = lane[DECODE_BASE + l] + lane[DECODE_PER_SEQ + l] * j
        none = lane[NONE + l]
        paid = base * rate * none
        slope = free - paid
        slope = slope if slope > 0.1 * free else 0.1 * free
        follows = FOLLOWS * free
        turn = part + (paid if paid < follows else follows)
        turn = turn if turn < 0.98 else 0.98
        settled = (1.0 - turn) * (1.0 + turn)
        both = 1.0 / (slope * settled)
        grows, beyond = settled * both, slope * both
        length -= (length * free - step - base * (1.0 - none)) * grows
        length = length if length > step else step
        counted = rate * length
        noise = counted * (prefill * prefill + lane[SPREAD + l])
        noise += base * none * (base * (1.0 - none) + 2.0 * prefill * counted)
        lane[LENGTH + l], lane[NONE + l], lane[GROWS + l] = length, none, grows
        lane[NOISE + l], lane[VARIANCE + l] = noise, noise * beyond
        lane[FOLLOW + l] = 1.0 + ((1.0 + turn) * beyond - 1.0) * lane[FAMILY + l]


@inner
def _cross(lane, count, j):  # type: ignore[no-untyped-def]
    """Time decoding at level j and the flow up across it, from those of the level below."""
    left = 1.0 / j
    for l in range(count):
        first_rate = lane[FIRST_RATE + l]
        flow, y_below = lane[FLOW + l], lane[Y + l]
        step = lane[DECODE_BASE + l] + lane[DECODE_PER_SEQ + l] * j
        lane[COMPLETED + l] += flow
        lane[TOKEN_LEVEL + l] += j * flow
        y = flow * lane[STEPS + l] * step * left
        # Families of those who come while a prefill is done. Their mean, the dispersion, the least
        # that geometric ones have, and that of the plainest are times powers of ``few``.
        branching = lane[RATE + l] * lane[STOP + l]
        branching = branching if branching < 0.95 else 0.95
        few = 1.0 - branching
        more = lane[BATCHED + l] + branching * lane[CLUSTERS + l]
        dispersion = branching + lane[RATE_SPREAD + l] + few * (lane[BURSTS + l] - 1.0 + branching)
        short = 2.0 * more * few * lane[BATCH + l]
        at_least = 2.0 * more * few * few
        dispersion = short + (dispersion - short) * lane[FAMILY + l]
        dispersion = dispersion if dispersion > at_least else at_least
        dispersion = dispersion if dispersion > 0.0 else 1.0
        both = 1.0 / (dispersion * few)
        stay = at_least * few * both
        keep = 1.0 - stay if stay > 0.0 else 0.0
        begin = more * lane[BATCH + l] * dispersion * both * stay
        tail_flow = keep * lane[TAIL_FLOW + l] + begin * first_rate * y_below
        lane[Y + l], lane[TAIL_FLOW + l] = y, tail_flow
        lane[FLOW + l] = first_rate * y + tail_flow


@inner
def _add(lane, count, j):  # type: ignore[no-untyped-def]
    """Add what is at level j to the sums, and end lanes that are through."""
    for l in range(count):
        rate, part = lane[RATE + l], lane[PART + l]
        prefill, none, variance = lane[PREFILL + l], lane[NONE + l], lane[VARIANCE + l]
        length, y, flow = lane[LENGTH + l], lane[Y + l], lane[FLOW + l]
        square = rate * (prefill * prefill + lane[SPREAD + l])
        step = lane[DECODE_BASE + l] + lane[DECODE_PER_SEQ + l] * j
        some = 1.0 - none
        some = some if some > 1e-30 else 1e-30
        both = 1.0 / (length * some)
        per_length = some * both
        stop = prefill + lane[PREFILL_BASE + l] * (1.0 - none) * lane[GAP + l] * per_length
        through = stop * flow
        lane[STOP + l] = stop
        weight = y + through
        lane[TOTAL + l] += weight
        lane[PREFILLING + l] += through
        lane[RUNNING + l] += j * weight
        lane[TOKEN_SQUARE + l] += j * step * weight * weight / (y if y > 0.0 else 1.0)
        follow = lane[FOLLOW + l]
        lane[JITTER + l] += (
            j * weight * lane[NOISE + l] * per_length * follow * follow
            * (1.0 - j * lane[PLACE + l])
        )  # fmt: skip
        # What an arrival finds; that of level 1 in part the iteration that ended the idle time.
        found = weight - lane[COVER + l]
        lane[COVER + l] = 0.0
        # Those who come while the last place is taken wait for another.
        found -= through if j == lane[MOST + l] - 1.0 else 0.0
        found = found if found > 0.0 else 0.0
        plain = none * step * per_length
        plain = found * (plain if plain < 1.0 else 1.0)
        rest = (0.5 + part) * step
        lane[PLAIN + l] += plain
        lane[PLAIN_MEAN + l] += plain * rest
        third_part = 1.0 / 3.0 + part + part * part
        lane[PLAIN_SQUARE + l] += plain * (third_part * step * step + square * step)
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
        lane[MIXED + l] += mixed
        lane[MIXED_MEAN + l] += mixed * (0.5 + part) * second
        lane[MIXED_SQUARE + l] += mixed * (third_part * third + square * second)
        lane[LENGTH + l] = length + lane[DECODE_PER_SEQ + l] * lane[GROWS + l]
        # The end: the full batch comes next, or what is above is too little to count.
        little = found < NEGLIGIBLE * (lane[TOTAL + l] - lane[IDLE + l])
        little = little & (flow * lane[STEPS + l] * step < y * j) & (y <= LARGE)
        last = j == lane[MOST + l] - 1.0
        lane[LAST_FLOW + l] = flow if last & (not little) else lane[LAST_FLOW + l]
        lane[LAST_THROUGH + l] = through if last & (not little) else lane[LAST_THROUGH + l]
        on = 0.0 if last | little else 1.0
        lane[Y + l] = y * on
        lane[FLOW + l] = flow * on
        lane[TAIL_FLOW + l] *= on


@inner
def _scale(lane, count):  # type: ignore[no-untyped-def]
    """Count the time of lanes in larger units, where it is nearly too large for a number."""
    for l in range(count):
        if lane[Y + l] > LARGE:
            for row in TIMES:
                lane[row + l] /= LARGE

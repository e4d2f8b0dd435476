"""One station with iteration-level batching in its steady state: what all predictions come from.

Letters: m = max_batch, j = level, requests in the station. Times in ms, rates per ms.

The engine. At a step boundary requests that are done leave; waiting ones are admitted in order
while fewer than m run; all admitted are prefilled together (base plus time per token of all of
them), have their first token when that is done, and a decode step of base plus so much per running
request follows. A request of O tokens takes part in O - 1 decode steps.

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
"""

from __future__ import annotations

import math

from optimizer.kernels.batch_tails import normal_tail
from optimizer.kernels.jit import inner

# What a state holds, in order.
IDLE = 0  # P(an arrival finds nobody)
PLAIN, PLAIN_MEAN, PLAIN_SQUARE = 1, 2, 3  # finds a place and a decode step without prefill
MIXED, MIXED_MEAN, MIXED_SQUARE = 4, 5, 6  # finds a place and an iteration with prefill
BLOCKED, BLOCKED_MEAN, BLOCKED_SQUARE = 7, 8, 9  # finds the batch full
WAIT = 10  # mean wait for a place in the batch, ms, over those not lost
TPOT = 11  # mean time between tokens
STEP, STEP_VARIANCE = 12, 13  # mean time of a token by level, and its variance over levels
RELAX = 14  # ms in which the level forgets
JITTER = 15  # variance of the prefills that come between, per ms
RUNNING = 16  # mean requests decoding
LOST = 17  # part of arrivals that find no room
PREFILLING = 18  # part of the time spent in prefill
EXTRA, EXTRA_VARIANCE = 19, 20  # prefills of those who come during a request's own, ms
WIDTH = 21

FAMILY_PLACES = 4.0
"""Batches of so many places cut families short: below, only their mean is kept."""
SPILL = 0.95
"""How much families that meet a nearly full batch lengthen the wait; fitted to simulations."""
HEAVY = 0.17
"""How much less lognormal lengths of squared variation over 1 wait; fitted to simulations."""
SHARED = 0.3
"""How much prefills, which stop all requests alike, take of what varying lengths add to the wait;
fitted to simulations."""
NEGLIGIBLE = 1e-14


@inner
def saturation(decode_base, decode_per_seq, prefill_base, prefill, most, steps):  # type: ignore[no-untyped-def]
    """Requests per ms that leave a batch that is always full.

    With k of m requests leaving per iteration each takes part in ``O - 1`` steps, and the
    prefill's base is paid in iterations in which k > 0, k binomial.
    """
    full = decode_base + decode_per_seq * most
    if steps <= 0.0:
        return most / (prefill_base + most * prefill)
    paid = admitting(most, steps)
    return 1.0 / (prefill + (full + prefill_base * paid) * steps / most)


@inner
def admitting(most, steps):  # type: ignore[no-untyped-def]
    """Part of the iterations of a full batch in which somebody leaves."""
    if steps <= 1.0:
        return 1.0
    return 1.0 - math.exp(most * math.log1p(-1.0 / steps))


@inner
def wait_factor(square, places, load):  # type: ignore[no-untyped-def]
    """Mean wait by that with exponential service, for lengths of squared variation ``square``.

    Kimura's interpolation (Approximations for multi-server queues: system interpolations,
    Queueing Systems 17, 1994) between exponential and constant service, the latter by Cosmetatos
    (Some approximate equilibrium results for the multi-server queue M/G/r, 1976), at most the
    light-traffic limit m / (m + 1). In light traffic lengths of lognormal distribution wait less
    than two moments tell: the places that take long ones leave the others free.
    """
    constant = 0.5 * (
        1.0 + (1.0 - load) * (places - 1.0) * (math.sqrt(4.0 + 5.0 * places) - 2.0)
        / (16.0 * load * places)
    )  # fmt: skip
    constant = min(constant, places / (places + 1.0))
    answer = (1.0 + square) / (2.0 * square + (1.0 - square) / constant)
    over = min(max(square - 1.0, 0.0), 1.5)
    return answer * (1.0 - HEAVY * (1.0 - load) * (1.0 - 1.0 / places) * over)


@inner
def levels(  # type: ignore[no-untyped-def]
    rate, decode_base, decode_per_seq, prefill_base, prefill, most, steps,
    input_cv, output_cv, burstiness, room, state,
):  # fmt: skip
    """Fill in the state of a station; its load, rate by saturation.

    Parameters
    ----------
    rate : arrivals per ms, > 0.
    prefill : ms of a prefill beside its base, on average.
    most : max_batch.
    steps : mean decode steps of a request, O - 1.
    room : requests that may wait, infinity for any number.
    state : (WIDTH,) to be filled in.
    """
    limit = saturation(decode_base, decode_per_seq, prefill_base, prefill, most, steps)
    load = rate / limit
    endless = math.isinf(room)
    square = prefill * prefill * (1.0 + input_cv * input_cv)  # E[prefill ** 2]
    spread = square - prefill * prefill
    part = rate * prefill
    held = min(part, 0.95)  # beyond, the station is out of balance and only its room bounds it
    free = 1.0 - held
    full_step = decode_base + decode_per_seq * most
    paid = admitting(most, steps)
    leaving = most / steps  # requests that leave an iteration of a full batch
    admitted = leaving / paid
    full_prefill = prefill + prefill_base / admitted
    full_rate = most / (steps * full_step)
    clusters = 2.0 / (
        1.0 + max(burstiness, 1.0)
    )  # arrivals come in geometric batches of mean 1 / clusters
    first_rate = rate * clusters
    family = max(0.0, 1.0 - FAMILY_PLACES / most)
    # Level 0: nobody is there.
    y, flow, tail_flow = 1.0, first_rate, 0.0
    completed = 0.0  # requests done below and at the full batch
    stop = prefill_base + prefill  # of decoding, for each crossing of the level
    total = 1.0 + stop * flow
    prefilling = stop * flow
    through = stop * flow  # time of the prefills that lead to the level looked at
    cover = 0.0
    plain = plain_mean = plain_square = 0.0
    mixed = mixed_mean = mixed_square = 0.0
    tokens = token_time = token_square = token_level = jitter = 0.0
    running = 0.0
    idle = 1.0
    # The iteration that ends an idle time begins with the prefill of who ended it.
    opening = stop + decode_base + decode_per_seq
    if most > 1:
        second = opening * opening + spread
        third = opening * (opening * opening + 3.0 * spread)
        third += 2.0 * spread * spread / prefill if prefill > 0.0 else 0.0
        cover = first_rate * (decode_base + decode_per_seq)
        weight = first_rate * opening
        mixed += weight
        mixed_mean += weight * _mean_rest(opening, second, part)
        mixed_square += weight * _square_rest(opening, second, third, part, rate * square)
    length = (decode_base + decode_per_seq + prefill_base) / free
    variance = 0.0
    slope = free
    top = int(most)
    j = 1
    while j < top:
        step = decode_base + decode_per_seq * j
        # Length of an iteration at this level, from that of the level below.
        length += decode_per_seq / slope if j > 1 else 0.0
        for _ in range(6 if j == 1 else 1):
            none = empty(rate * length, variance / (length * length))
            slope = max(free - prefill_base * rate * none, 0.1 * free)
            length -= (length * free - step - prefill_base * (1.0 - none)) / slope
            length = max(length, step)
            turn = min(part + prefill_base * rate * none, 0.98)
            counted = rate * length
            noise = counted * square + prefill_base * none * (
                prefill_base * (1.0 - none) + 2.0 * prefill * counted
            )
            variance = noise / (1.0 - turn * turn)
        counted = rate * length
        y_below = y
        y = flow * steps * step / j
        completed += flow
        # Families of those who come while a prefill is done.
        branching = min(rate * stop, 0.95)
        mean = 1.0 / (clusters * (1.0 - branching))
        own = (branching + rate * rate * spread) / ((1.0 - branching) * (1.0 - branching))
        dispersion = own + max(burstiness, 1.0) / (1.0 - branching) - 1.0
        at_least = 2.0 * (1.0 - 1.0 / mean)
        short = at_least * mean
        dispersion = max(short + (dispersion - short) * family, at_least)
        keep = max(0.0, 1.0 - at_least / dispersion) if dispersion > 0.0 else 0.0
        begin = (mean - 1.0) * (1.0 - keep)
        tail_flow = keep * tail_flow + begin * first_rate * y_below
        flow = first_rate * y + tail_flow
        through = stop * flow
        stop = prefill + prefill_base * (1.0 - none) / counted
        through = stop * flow
        weight = y + through
        total += weight
        prefilling += through
        running += j * weight
        made = j * y / step
        each = weight / y * step
        tokens += made
        token_time += made * each
        token_square += made * each * each
        token_level += made * j
        follow = 1.0 + (1.0 / (1.0 - turn) - 1.0) * family
        jitter += j * weight * noise / length * follow * follow * (1.0 - j / most)
        if j == 1:
            weight = max(weight - cover, 0.0)
        if j == top - 1:  # those who come while the last place is taken wait for another
            weight = max(weight - through, 0.0)
        alone = weight * min(none * step / length, 1.0)
        plain += alone
        plain_mean += alone * _mean_rest(step, step * step, part)
        plain_square += alone * _square_rest(step, step * step, step**3, part, rate * square)
        some = max(1.0 - none, 1e-300)
        mean_long = max((length - none * step) / some, step)
        second = (length * length + variance - none * step * step) / some
        second = max(second, mean_long * mean_long)
        over, deviation = mean_long - step, second - mean_long * mean_long
        third = mean_long * (mean_long * mean_long + 3.0 * deviation)
        third += 2.0 * deviation * deviation / over if over > 1e-9 * step else 0.0
        weight -= alone
        mixed += weight
        mixed_mean += weight * _mean_rest(mean_long, second, part)
        mixed_square += weight * _square_rest(mean_long, second, third, part, rate * square)
        if y > 1e200:
            y *= 1e-200
            flow *= 1e-200
            tail_flow *= 1e-200
            through *= 1e-200
            total *= 1e-200
            prefilling *= 1e-200
            running *= 1e-200
            tokens *= 1e-200
            token_time *= 1e-200
            token_square *= 1e-200
            token_level *= 1e-200
            jitter *= 1e-200
            completed *= 1e-200
            plain *= 1e-200
            plain_mean *= 1e-200
            plain_square *= 1e-200
            mixed *= 1e-200
            mixed_mean *= 1e-200
            mixed_square *= 1e-200
            idle *= 1e-200
        elif weight + alone < NEGLIGIBLE * (total - idle) and flow * steps * step < y * j:
            break
        j += 1
    # The full batch, with nobody waiting and with a queue.
    at_top = j >= top
    y = flow * steps * full_step / most if at_top else 0.0
    entering = through if at_top else 0.0
    scale, queue, queue_sum, last = queue_sums(load, room)
    standing = y * queue  # decode time with a queue
    completed += flow if at_top else 0.0
    if burstiness > 1.0 and endless and load < 1.0:
        # Bursts reach over the full batch: as much stands there as has come and is not done.
        spare = full_rate - rate * (1.0 + full_prefill * full_rate)
        standing = max((rate * (total + y) - completed) / spare, 0.0)
    last_y = y
    if scale < 1.0:
        y, entering, total = y * scale, entering * scale, total * scale
        prefilling *= scale
        running, idle, plain, mixed = running * scale, idle * scale, plain * scale, mixed * scale
        plain_mean, plain_square = plain_mean * scale, plain_square * scale
        mixed_mean, mixed_square = mixed_mean * scale, mixed_square * scale
        tokens, token_time = tokens * scale, token_time * scale
        token_square, token_level = token_square * scale, token_level * scale
        jitter *= scale
    behind = full_prefill * full_rate * standing
    total += y + standing + behind
    prefilling += behind
    running += most * (y + standing) + max(most - admitted, 0.0) * behind
    made = most * (y + standing) / full_step
    each = 0.0
    if made > 0.0:
        each = (most * (y + standing) + max(most - admitted, 0.0) * behind) / made
        tokens += made
        token_time += made * each
        token_square += made * each * each
        token_level += made * most
    stretch = 1.0 + full_prefill * full_rate  # prefills go with levels above the full batch
    lost = 0.0
    if room < 1.0:
        lost = (y + entering) / total
    elif not endless:
        lost = last_y * last * stretch / total
    blocked = y + entering + standing + behind
    blocked = max(blocked - lost * total, 0.0)
    wait = 0.0
    if endless and load >= 1.0:
        wait = math.inf
    elif endless:
        wait = blocked / (limit - rate)
    else:
        wait = last_y * stretch * queue_sum / limit
    work = full_step * steps / most
    variation = (work * output_cv * limit) ** 2
    # Prefills are one after the other on the whole replica, whatever the places.
    alone_variation = (prefill * input_cv * limit) ** 2
    factor = wait_factor(variation, most, min(load, 0.999)) + 0.5 * alone_variation
    factor *= 1.0 - SHARED * min(held, 0.25) * min(output_cv, 1.5) * (1.0 - 1.0 / most)
    factor += 0.5 * (burstiness - 1.0)
    variation += alone_variation
    reach = math.sqrt(0.5 * math.log1p(output_cv * output_cv))
    own = (held + rate * rate * spread) / (free * free) + 1.0 / free - 1.0
    share = blocked / total
    factor = max(factor, 0.0)
    # Families that meet a nearly full batch fill it: more are blocked than levels tell.
    share = blocked / total
    spill = SPILL * 2.0 * normal_tail(reach) * own * free**1.5 * min((most - 1.0) / 8.0, 1.0)
    spill *= (1.0 - share) ** 3
    one = wait * factor / blocked if blocked > 0.0 else 0.0
    moved = min(share * spill / max(factor, 0.1), 0.5 * (1.0 - share)) * total
    moved = min(moved, plain + mixed)
    if moved > 0.0:
        kept = 1.0 - moved / (plain + mixed)
        plain, plain_mean, plain_square = plain * kept, plain_mean * kept, plain_square * kept
        mixed, mixed_mean, mixed_square = mixed * kept, mixed_mean * kept, mixed_square * kept
        blocked += moved
    wait = one * blocked
    if burstiness > 1.0:
        # Who comes with others: into the first prefill after an idle time, and into each group.
        near = _company(rate, burstiness, opening if most > 1 else stop)
        with_others = idle * near / (1.0 + near)
        rest = (opening if most > 1 else stop + work * most) + 0.5 * near * prefill
        idle -= with_others
        if most > 1:
            mixed += with_others
            mixed_mean += with_others * rest
            mixed_square += with_others * rest * rest * 1.25
        else:
            blocked += with_others
        near = _company(rate, burstiness, token_time / tokens)
        more = near * prefill
        again = near * (1.0 + near) * square
        plain_square += 2.0 * more * plain_mean + plain * again
        plain_mean += plain * more
        if mixed > 0.0:
            # Bursts are also in the iteration that is under way.
            near = _company(rate, burstiness, mixed_mean / mixed / (0.5 + part))
            more = 1.5 * near * prefill
            again = 1.5 * near * (1.0 + 1.5 * near) * square
            mixed_square += 2.0 * more * mixed_mean + mixed * again
            mixed_mean += mixed * more
        wait = one * blocked
    # An arrival that goes on mixes with levels by the time they take.
    left = idle + plain + mixed + blocked
    state[IDLE] = idle / left
    state[PLAIN], state[MIXED], state[BLOCKED] = plain / left, mixed / left, blocked / left
    state[PLAIN_MEAN] = plain_mean / plain if plain > 0.0 else 0.0
    state[PLAIN_SQUARE] = plain_square / plain if plain > 0.0 else 0.0
    state[MIXED_MEAN] = mixed_mean / mixed if mixed > 0.0 else 0.0
    state[MIXED_SQUARE] = mixed_square / mixed if mixed > 0.0 else 0.0
    # Those who leave the batch in the same iteration, binomial, make place for as many.
    others = (1.0 - math.exp(-output_cv * steps)) * (most - 1.0) / max(steps, 1.0)
    state[BLOCKED_MEAN] = one + others * prefill
    # The wait of those blocked is a geometric sum of what is left until a place is free: of
    # lognormal lengths on one place, and ever more exponential on many.
    left_over = 1.0 + (4.0 * variation - 2.0) / (most + 2.0)
    inner_load = min(load, 1.0)
    vary = (1.0 - inner_load) * left_over + inner_load
    state[BLOCKED_SQUARE] = state[BLOCKED_MEAN] ** 2 + vary * one * one + others * square
    state[WAIT] = wait / left
    carried = rate * (1.0 - lost)
    state[TPOT] = running / total / (carried * steps)
    state[STEP] = token_time / tokens
    state[STEP_VARIANCE] = max(token_square / tokens - state[STEP] ** 2, 0.0)
    slope = token_level / tokens * decode_per_seq / (free * state[STEP])
    state[RELAX] = steps * state[STEP] / max(1.0 - slope, 0.05)
    open_part = 1.0 - most * (y + standing) / full_step / tokens
    # Variance per time of the prefills between tokens; in a full batch a binomial number.
    noise = leaving * square * (1.0 - 1.0 / most) + prefill_base * (1.0 - paid) * (
        prefill_base * paid + 2.0 * prefill * leaving
    )
    jitter += made * each * noise * limit / leaving
    state[JITTER] = jitter / token_time
    # Who comes during a request's own prefill stops it right after its first token.
    jump = square + 2.0 * prefill * prefill_base + prefill_base * prefill_base
    follow = 1.0 + (1.0 / free - 1.0) * family
    together = prefill_base + prefill
    together += state[MIXED] * state[MIXED_MEAN] * held / (0.5 + held)
    state[EXTRA] = open_part * held * follow * together
    state[EXTRA_VARIANCE] = (
        open_part * follow * follow * (rate * jump * together + held * held * spread)
    )
    state[RUNNING] = running / total
    state[LOST] = lost
    state[PREFILLING] = prefilling / total
    if endless and load >= 1.0:
        _overrun(state, most, full_step, full_prefill * leaving, max(most - admitted, 0.0))
    return load


@inner
def _overrun(state, most, step, prefill, decoding):  # type: ignore[no-untyped-def]
    """More comes than can leave and the queue grows without end: all is as in a full batch."""
    state[IDLE] = state[PLAIN] = state[MIXED] = 0.0
    state[BLOCKED] = 1.0
    state[WAIT] = state[BLOCKED_MEAN] = state[BLOCKED_SQUARE] = math.inf
    state[TPOT] = state[STEP] = step + prefill * decoding / most
    state[STEP_VARIANCE] = state[JITTER] = state[EXTRA] = state[EXTRA_VARIANCE] = 0.0
    state[RUNNING] = (step * most + prefill * decoding) / (step + prefill)
    state[PREFILLING] = prefill / (step + prefill)


@inner
def _company(rate, burstiness, span):  # type: ignore[no-untyped-def]
    """How many more than of a Poisson process come within a span that an arrival falls into.

    Gaps are taken for gamma of shape 1 / burstiness: the renewal function of short times is
    (t / scale) ** shape / Gamma(1 + shape), on both sides of the arrival, half a span each; of
    long ones the excess is (burstiness - 1) / 2 a side.
    """
    shape = 1.0 / burstiness
    half = 0.5 * span * rate
    near = math.exp(shape * math.log(half * shape) - math.lgamma(1.0 + shape)) - half
    return 2.0 * max(min(near, 0.5 * (burstiness - 1.0)), 0.0)


@inner
def empty(count, shape):  # type: ignore[no-untyped-def]
    """P(nobody comes) in a time of gamma distribution, ``count`` expected.

    Parameters
    ----------
    shape : squared coefficient of variation of the time.
    """
    both = count * shape
    if both < 1e-3:  # the logarithm to its third term
        return math.exp(-count * (1.0 - both * (0.5 - both * (1.0 / 3.0))))
    return math.exp(-math.log1p(both) / shape)


@inner
def _mean_rest(length, second, part):  # type: ignore[no-untyped-def]
    """What an arrival waits for beside its own prefill.

    That is the rest of an iteration under way and the prefills of all who came during it; moments
    of the iteration are not length-biased.
    """
    return (0.5 + part) * second / length


@inner
def _square_rest(length, second, third, part, rate_square):  # type: ignore[no-untyped-def]
    """Second moment of the same, with U L of the rest and compound Poisson prefills over L."""
    return ((1.0 / 3.0 + part + part * part) * third + rate_square * second) / length


@inner
def queue_sums(load, room):  # type: ignore[no-untyped-def]
    """Sums over a queue whose lengths fall off as powers of the load, room for so many.

    Returns
    -------
    (scale, powers, rising, last) : sum over k = 1 ... room of load ** k, sum over k = 0 ...
    room - 1 of (k + 1) load ** k, and load ** room, all three times ``scale``, which is below 1
    where the load is over 1, so that nothing overflows.
    """
    if math.isinf(room):
        if load >= 1.0:
            return 1.0, 0.0, 0.0, 0.0
        return 1.0, load / (1.0 - load), 1.0 / ((1.0 - load) * (1.0 - load)), 0.0
    exponent = room * math.log(load)
    scale = math.exp(-exponent) if exponent > 0.0 else 1.0
    last = 1.0 if exponent > 0.0 else math.exp(exponent)
    near = load - 1.0
    if abs(near) * (room + 1.0) < 1e-4:
        # To the first order in near: both closed forms cancel there.
        powers = room + near * 0.5 * room * (room + 1.0)
        rising = 0.5 * room * (room + 1.0) + near * (room - 1.0) * room * (room + 1.0) / 3.0
        return scale, powers * scale, rising * scale, last
    powers = load * (last - scale) / near
    rising = (room * last * load - (room + 1.0) * last + scale) / (near * near)
    return scale, powers, rising, last

"""The levels of a station below the full batch, added up from the empty station.

Letters: m = max_batch, j = level, requests in the station. Times in ms, rates per ms.

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

from optimizer.kernels.batch_iteration import empty, mean_rest, square_rest
from optimizer.kernels.jit import inner

FAMILY_PLACES = 4.0
"""Batches of so many places cut families short: below, only their mean is kept."""
FOLLOWS = 0.3
"""Most that the base of a prefill, which is paid once, makes the length of an iteration hang on
that of the one before; fitted to simulations."""
NEGLIGIBLE = 1e-14
"""Levels end where this part of the busy time is left out."""


@inner
def climb(  # type: ignore[no-untyped-def]
    rate, decode_base, decode_per_seq, prefill_base, prefill, spread, most, steps, burstiness
):
    """Add up the levels 0 ... m - 1, in parts of the time with nobody there.

    Parameters
    ----------
    rate : arrivals per ms, > 0.
    prefill, spread : ms of a prefill beside its base, mean and variance.
    most, steps : max_batch; mean decode steps of a request.

    Returns
    -------
    Flow up to the full batch and the time of prefills on the way there (both 0 where levels end
    before), requests done, time, time in prefill, time by requests decoding; times of what an
    arrival finds, each with its first two moments; tokens, their times, squares of these, levels;
    variance of what comes between them; the iteration that ends an idle time, and its prefill.
    """
    square = prefill * prefill + spread
    part = rate * prefill
    free = 1.0 - min(part, 0.95)  # beyond, only the room to wait bounds the station
    # Bursts: arrivals come in geometric batches of mean 1 / clusters.
    clusters = 2.0 / (1.0 + max(burstiness, 1.0))
    first_rate = rate * clusters
    family = max(0.0, 1.0 - FAMILY_PLACES / most)
    # Level 0: nobody is there.
    y, flow, tail_flow = 1.0, first_rate, 0.0
    completed = 0.0  # requests done below and at the full batch
    stop = first_stop = prefill_base + prefill  # of decoding, for each crossing of the level
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
        mixed_mean += weight * mean_rest(opening, second, part)
        mixed_square += weight * square_rest(opening, second, third, part, rate * square)
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
            turn = min(part + min(prefill_base * rate * none, FOLLOWS * free), 0.98)
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
        plain_mean += alone * mean_rest(step, step * step, part)
        plain_square += alone * square_rest(step, step * step, step**3, part, rate * square)
        some = max(1.0 - none, 1e-300)
        mean_long = max((length - none * step) / some, step)
        second = (length * length + variance - none * step * step) / some
        second = max(second, mean_long * mean_long)
        over, deviation = mean_long - step, second - mean_long * mean_long
        third = mean_long * (mean_long * mean_long + 3.0 * deviation)
        third += 2.0 * deviation * deviation / over if over > 1e-9 * step else 0.0
        weight -= alone
        mixed += weight
        mixed_mean += weight * mean_rest(mean_long, second, part)
        mixed_square += weight * square_rest(mean_long, second, third, part, rate * square)
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
    if j < top:  # what is above is too little to count
        flow = through = 0.0
    return (
        flow, through, completed, total, prefilling, running, idle, plain, plain_mean,
        plain_square, mixed, mixed_mean, mixed_square, tokens, token_time, token_square,
        token_level, jitter, opening, first_stop,
    )  # fmt: skip

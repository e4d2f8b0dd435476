"""One station with iteration-level batching in its steady state: what all predictions come from.

Letters: m = max_batch, j = level, requests in the station. Times in ms, rates per ms.

The engine. At a step boundary requests that are done leave; waiting ones are admitted in order
while fewer than m run; all admitted are prefilled together (base plus time per token of all of
them), have their first token when that is done, and a decode step of base plus so much per running
request follows. A request of O tokens takes part in O - 1 decode steps.

The levels below m are added up in :mod:`optimizer.kernels.batch_climb`; here those of the full
batch and its queue are put on top, in closed sums, and what an arrival finds follows.
"""

from __future__ import annotations

import math

from optimizer.kernels import batch_lane as below
from optimizer.kernels.batch_full import admitting, queue_sums, wait_factor
from optimizer.kernels.batch_iteration import company
from optimizer.kernels.elementary import normal_tail
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

SPILL = 0.95
"""How much families that meet a nearly full batch lengthen the wait; fitted to simulations."""
SHARED = 0.3
"""How much prefills, which stop all requests alike, take of what varying lengths add to the wait;
fitted to simulations."""


@inner
def levels(lane, place, input_cv, output_cv, room, state):  # type: ignore[no-untyped-def]
    """Fill in the state of a station that has climbed in a lane.

    Parameters
    ----------
    lane, place : as :func:`~optimizer.kernels.batch_climb.climb` leaves them, and which lane.
    input_cv, output_cv : of all requests.
    room : requests that may wait, infinity for any number.
    state : (WIDTH,) to be filled in.
    """
    rate, limit = lane[below.RATE + place], lane[below.LIMIT + place]
    decode_per_seq = lane[below.DECODE_PER_SEQ + place]
    prefill_base, prefill = lane[below.PREFILL_BASE + place], lane[below.PREFILL + place]
    spread, burstiness = lane[below.SPREAD + place], lane[below.BURSTINESS + place]
    most, steps = lane[below.MOST + place], lane[below.STEPS + place]
    part, free, family = (
        lane[below.PART + place], lane[below.FREE + place], lane[below.FAMILY + place]
    )  # fmt: skip
    load = rate / limit
    endless = math.isinf(room)
    square = prefill * prefill + spread  # E[prefill ** 2]
    held = min(part, 0.95)  # beyond, the station is out of balance and only its room bounds it
    full_step = lane[below.DECODE_BASE + place] + decode_per_seq * most
    paid = admitting(most, steps)
    leaving = most / steps  # requests that leave an iteration of a full batch
    admitted = leaving / paid
    full_prefill = prefill + prefill_base / admitted
    full_rate = most / (steps * full_step)
    opening, stop = lane[below.OPENING + place], lane[below.FIRST_STOP + place]
    flow, through = lane[below.LAST_FLOW + place], lane[below.LAST_THROUGH + place]
    completed, total = lane[below.COMPLETED + place], lane[below.TOTAL + place]
    prefilling, running = lane[below.PREFILLING + place], lane[below.RUNNING + place]
    idle, plain, mixed = (
        lane[below.IDLE + place], lane[below.PLAIN + place], lane[below.MIXED + place]
    )  # fmt: skip
    plain_mean, plain_square = lane[below.PLAIN_MEAN + place], lane[below.PLAIN_SQUARE + place]
    mixed_mean, mixed_square = lane[below.MIXED_MEAN + place], lane[below.MIXED_SQUARE + place]
    token_square, jitter = lane[below.TOKEN_SQUARE + place], lane[below.JITTER + place]
    # A request that is done has had all its tokens, and each took its time by all who decode.
    tokens, token_level = steps * completed, steps * lane[below.DONE_LEVEL + place]
    token_time = running
    # The full batch, with nobody waiting and with a queue.
    y, entering = flow * steps * full_step / most, through
    scale, queue, queue_sum, last = queue_sums(load, room)
    standing = y * queue  # decode time with a queue
    completed += flow
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
    factor = max(factor, 0.0)
    # Families that meet a nearly full batch fill it: more are blocked than levels tell.
    share = blocked / total
    spill = SPILL * 2.0 * normal_tail(reach)[0] * own * free**1.5 * min((most - 1.0) / 8.0, 1.0)
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
        near = company(rate, burstiness, opening if most > 1 else stop)
        with_others = idle * near / (1.0 + near)
        rest = (opening if most > 1 else stop + work * most) + 0.5 * near * prefill
        idle -= with_others
        if most > 1:
            mixed += with_others
            mixed_mean += with_others * rest
            mixed_square += with_others * rest * rest * 1.25
        else:
            blocked += with_others
        near = company(rate, burstiness, token_time / tokens)
        more = near * prefill
        again = near * (1.0 + near) * square
        plain_square += 2.0 * more * plain_mean + plain * again
        plain_mean += plain * more
        if mixed > 0.0:
            # Bursts are also in the iteration that is under way.
            near = company(rate, burstiness, mixed_mean / mixed / (0.5 + part))
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

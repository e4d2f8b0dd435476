"""The textbook queue whose service slows down with the number served: discipline ``together``.

A birth-death chain on the requests in the station (Kleinrock, Queueing Systems I, section 3.2):
Poisson arrivals, n / S(n) leave per ms while n are served,

    S(n) = prefill_base + prefill n + (O - 1) (decode_base + decode_per_seq n),

m / S(m) from m = max_batch on, and so many may wait. The effective concurrency n solves S(n) =
mean time served; TTFT is the wait and the prefill there, TPOT the decode step there. With one rate
for all levels it is Erlang's: C without end of the room, B without room.
"""

from __future__ import annotations

import math

from optimizer.kernels.batch_climb import NEGLIGIBLE
from optimizer.kernels.batch_full import queue_sums
from optimizer.kernels.jit import inner

# What a state holds, in order.
WAIT = 0  # mean wait of those accepted, ms
EFFECTIVE = 1  # effective concurrency
SERVED = 2  # mean requests in service
LOST = 3
HELD_UP = 4  # part of those accepted that wait
LAST_RATE = 5  # requests per ms that leave when all places are taken
RATIO = 6  # arrivals by that rate
ABOVE = 7  # part of the requests in service that are with more than the concurrency asked for
WIDTH = 8


@inner
def service(n, decode_base, decode_per_seq, prefill_base, prefill, steps):  # type: ignore[no-untyped-def]
    """S(n), ms."""
    return prefill_base + prefill * n + steps * (decode_base + decode_per_seq * n)


@inner
def together(  # type: ignore[no-untyped-def]
    rate, decode_base, decode_per_seq, prefill_base, prefill, most, steps, room, asked, state
):
    """Fill in the state.

    Parameters
    ----------
    rate : arrivals per ms, > 0.
    prefill : ms of a prefill beside its base.
    steps : decode steps of a request, O - 1.
    asked : concurrency above which the part of requests in service is wanted.
    state : (WIDTH,) to be filled in.
    """
    last_rate = most / service(most, decode_base, decode_per_seq, prefill_base, prefill, steps)
    ratio = rate / last_rate
    state[LAST_RATE], state[RATIO] = last_rate, ratio
    weight, total, served, above, busy = 1.0, 1.0, 0.0, 0.0, 0.0
    top = int(most)
    n = 1
    while n <= top:
        each = service(n, decode_base, decode_per_seq, prefill_base, prefill, steps)
        weight *= rate * each / n
        total += weight
        served += n * weight
        busy += weight
        if n > asked:
            above += n * weight
        if weight > 1e200:
            weight *= 1e-200
            total *= 1e-200
            served *= 1e-200
            above *= 1e-200
        elif weight < NEGLIGIBLE * total and rate * each < n:
            break
        n += 1
    if n <= top:
        weight = 0.0
    scale, powers, rising, last = queue_sums(ratio, room)
    queue = weight * powers
    # Those who come while all places are taken and there is room.
    held_up = weight * powers / ratio
    waiting = weight * rising / last_rate
    lost = weight * last
    total = total * scale + queue
    served = served * scale + most * queue
    above = above * scale + (most * queue if most > asked else 0.0)
    if math.isinf(room) and ratio >= 1.0:
        state[WAIT], state[LOST], state[HELD_UP] = math.inf, 0.0, 1.0
        state[SERVED] = state[EFFECTIVE] = most
        state[ABOVE] = 1.0 if most > asked else 0.0
        return
    lost = 0.0 if math.isinf(room) else lost / total
    accepted = 1.0 - lost
    state[LOST] = lost
    state[WAIT] = waiting / total / accepted
    state[HELD_UP] = held_up / total / accepted
    state[SERVED] = served / total
    state[ABOVE] = above / served if served > 0.0 else 0.0
    grows = prefill + steps * decode_per_seq
    if grows > 0.0:
        rest = served / total / (rate * accepted) - prefill_base - steps * decode_base
        state[EFFECTIVE] = min(max(rest / grows, 0.0), most)
    else:
        state[EFFECTIVE] = min(max(served / total, 1.0), most)


@inner
def wait_tail(state, room, time):  # type: ignore[no-untyped-def]
    """Part of those accepted that wait longer than ``time`` ms.

    Who finds all places taken and k before it waits for k + 1 to leave: with P(k) falling off as
    powers of the ratio, the sum over k of P(k) P(at most k leave in the time).
    """
    if time < 0.0:
        return 1.0
    held, ratio, leave = state[HELD_UP], state[RATIO], state[LAST_RATE] * time
    if math.isinf(room):
        return held * math.exp(-leave * (1.0 - ratio)) if ratio < 1.0 else 1.0
    if held <= 0.0 or room < 1.0:
        return 0.0
    if leave == 0.0:
        return held
    reach = 12.0 * math.sqrt(leave) + 12.0
    begin = max(0, int(leave - reach))
    end = min(int(room) - 1, int(leave + reach))
    log_one = begin * math.log(leave) - leave - math.lgamma(begin + 1.0)
    slope = math.log(ratio)
    answer = 0.0
    for i in range(begin, end + 1):
        # P(k >= i) = (ratio ** i - ratio ** room) / (1 - ratio ** room)
        left, whole = slope * (room - i), slope * room
        if abs(whole) < 1e-9:
            more = (room - i) / room
        elif slope < 0.0:
            more = math.exp(slope * i) * math.expm1(left) / math.expm1(whole)
        else:
            more = math.expm1(-left) / math.expm1(-whole)
        answer += math.exp(log_one) * more
        log_one += math.log(leave / (i + 1.0))
    return min(held * answer, held)

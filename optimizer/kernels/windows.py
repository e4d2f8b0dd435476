"""Parts of the sweeps over windows: all windows of one workload in time proportional to periods.

Letters: t, s = periods; h = periods a workload may wait; span = h + 1.

A workload that may wait chooses a period of its window as it chooses a pool. With the soft-min
f[s] of its ways in period s, what arrives in t goes to s in the part

    q[t,s] = exp(-f[s] / width) / sum over t' in t ... min(t + h, T - 1) of exp(-f[t'] / width)

The windows of all t are looked at in O(T): cut the horizon into blocks of h + 1 periods; a window
is the end of one block and the beginning of the next (M. van Herk, "A fast algorithm for local
minimum and maximum filters on rectangular and octagonal kernels", Pattern Recognition Letters 13,
1992). Both are means that grow by one period at a time, so that nothing overflows:

    end from t   = mine[t] (period t) + (1 - mine[t]) (end from t + 1)
    begin to s   = last[s] (period s) + (1 - last[s]) (begin to s - 1)
    window of t  = split[t] (end from t) + (1 - split[t]) (begin to min(t + h, T - 1))

Only running sums and greatest values go from period to period; all else is SIMD over periods.
"""

from __future__ import annotations

from optimizer.kernels.jit import inner
from optimizer.kernels.lanes import FARTHEST, decay, logarithms

ROWS = 11
"""Rows of working space that :func:`means` needs."""


@inner
def means(level, span, mine, last, split, window, space, bits):  # type: ignore[no-untyped-def]
    """Fill in the three parts of each period, and ``window``: the log-sums of the windows.

    Sums of exponentials are kept with the greatest of their terms taken out: as
    ``exp(greatest) * sum``, so that a sum is at least 1.

    Parameters
    ----------
    level : (t,) -f / width.
    span : h + 1, periods of a window.
    space : (ROWS, t) working space.
    bits : (t,) memory of ``space[0]`` as integers.
    """
    periods = len(level)
    total = space[0]
    begin_top, end_top, begin_sum, end_sum = space[1], space[2], space[3], space[4]
    begin_keep, begin_add, end_keep, end_add = space[5], space[6], space[7], space[8]
    next_top, next_sum = space[9], space[10]
    # The greatest so far, from the beginning of each block and from its end.
    for first in range(0, periods, span):
        behind = min(first + span, periods)
        top = level[first]
        for t in range(first, behind):
            begin_keep[t] = top
            top = level[t] if level[t] > top else top
            begin_top[t] = top
        top = level[behind - 1]
        for t in range(behind - 1, first - 1, -1):
            end_keep[t] = top
            top = level[t] if level[t] > top else top
            end_top[t] = top
    for t in range(periods):
        rises = level[t] > begin_keep[t]
        away = -abs(level[t] - begin_keep[t])
        e = decay((away if away > -FARTHEST else 0.0) / 256.0)
        e = e if away > -FARTHEST else 0.0
        begin_keep[t] = e if rises else 1.0
        begin_add[t] = 1.0 if rises else e
    for t in range(periods):
        rises = level[t] > end_keep[t]
        away = -abs(level[t] - end_keep[t])
        e = decay((away if away > -FARTHEST else 0.0) / 256.0)
        e = e if away > -FARTHEST else 0.0
        end_keep[t] = e if rises else 1.0
        end_add[t] = 1.0 if rises else e
    for first in range(0, periods, span):
        behind = min(first + span, periods)
        begin_add[first], end_add[behind - 1] = 1.0, 1.0
        one, other = 0.0, 0.0
        # The two sums wait for themselves, not for each other.
        for step in range(behind - first):
            t, u = first + step, behind - 1 - step
            one = one * begin_keep[t] + begin_add[t]
            other = other * end_keep[u] + end_add[u]
            begin_sum[t], end_sum[u] = one, other
    for t in range(periods):
        last[t] = begin_add[t] / begin_sum[t]
        mine[t] = end_add[t] / end_sum[t]
    # What a window has of the next block; of its own where it begins one or the horizon ends.
    for first in range(0, periods, span):
        next_top[first], next_sum[first] = end_top[first], 0.0
        for t in range(first + 1, min(first + span, periods)):
            end = min(t + span - 1, periods - 1)
            beyond = end >= first + span
            next_top[t] = begin_top[end] if beyond else end_top[t]
            next_sum[t] = begin_sum[end] if beyond else 0.0
    for t in range(periods):
        away = next_top[t] - end_top[t]
        less = -abs(away)
        e = decay((less if less > -FARTHEST else 0.0) / 256.0)
        e = e if less > -FARTHEST else 0.0
        own = end_sum[t] * (e if away > 0.0 else 1.0)
        total[t] = own + next_sum[t] * (1.0 if away > 0.0 else e)
        split[t] = own / total[t]
        window[t] = next_top[t] if away > 0.0 else end_top[t]
    logarithms(total, bits, next_sum, next_top)
    for t in range(periods):
        window[t] += next_top[t]


@inner
def average(value, span, mine, last, split, begin, answer):  # type: ignore[no-untyped-def]
    """``answer[t]`` = sum over s of q[t,s] value[s]."""
    periods = len(value)
    for first in range(0, periods, span):
        behind = min(first + span, periods)
        one, other = 0.0, 0.0
        for step in range(behind - first):
            t, u = first + step, behind - 1 - step
            one += last[t] * (value[t] - one)
            other += mine[u] * (value[u] - other)
            begin[t], answer[u] = one, other
    whole = max(periods - span + 1, 0)
    for t in range(whole):
        answer[t] = split[t] * answer[t] + (1.0 - split[t]) * begin[t + span - 1]
    for t in range(whole, periods):
        answer[t] = split[t] * answer[t] + (1.0 - split[t]) * begin[periods - 1]


@inner
def spread(  # type: ignore[no-untyped-def]
    amount, span, mine, last, split, power, begin, answer
):
    """``answer[s]`` = sum over t of q[t,s] ** power amount[t]; power is 1 or 2."""
    periods = len(amount)
    whole = max(periods - span + 1, 0)
    for t in range(min(span - 1, periods)):
        begin[t] = 0.0
    for t in range(periods):
        one, other = split[t], 1.0 - split[t]
        answer[t] = (one if power == 1 else one * one) * amount[t]
        moved = (other if power == 1 else other * other) * amount[t]
        if t < whole:
            begin[t + span - 1] = moved
        else:
            begin[periods - 1] += moved
    for first in range(0, periods, span):
        behind = min(first + span, periods)
        one, other = 0.0, 0.0
        for step in range(behind - first):
            t, u = first + step, behind - 1 - step
            one += answer[t]
            other += begin[u]
            own, its = mine[t], last[u]
            answer[t] = (own if power == 1 else own * own) * one
            begin[u] = (its if power == 1 else its * its) * other
            one *= 1.0 - own if power == 1 else (1.0 - own) * (1.0 - own)
            other *= 1.0 - its if power == 1 else (1.0 - its) * (1.0 - its)
    for t in range(periods):
        answer[t] += begin[t]

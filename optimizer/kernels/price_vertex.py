"""The dual simplex over prices of one period, from any prices and any ties.

Letters: p = pools, k = ways of the workloads that have several, each workload's sorted by route
with giving up as the last, o = those workloads, i = rows of the basis, as many as pools.

The bound of a period is concave and piecewise linear in its prices: each workload pays its
cheapest way. A vertex is where as many ties hold as there are pools: pools that cost nothing, and
workloads with two ways that cost the same. Each workload has a key, one of its cheapest ways, that
takes what its other tied ways leave: the generalised upper bounds of G. B. Dantzig and R. M. Van
Slyke ("Generalized upper bounding techniques", Journal of Computer and System Sciences 1, 1967), so
that the basis has only as many rows as there are pools. Its transposed solution is what is placed
on the tied ways, and left of the pools that cost nothing; where it is below zero the bound rises
when that tie is given up. Prices then move with all other ties kept to the greatest bound on the
line, past workloads that only change their key: the long step (I. Maros, "A generalized dual
phase-2 simplex algorithm", European Journal of Operational Research 149, 2003). Among the ties the
one goes along which the bound is steepest (J. J. Forrest, D. Goldfarb, "Steepest-edge simplex
algorithms for linear programming", Mathematical Programming 57, 1992).

Rows that are no ties yet are free: what they carry has to come down to zero from either side. So
prices may begin anywhere.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.held_ways import TIED
from optimizer.kernels.jit import inner, kernel
from optimizer.kernels.near_ways import GIVE_UP, SEVERAL

BEST, FAR, STUCK = 0, 1, 2
"""How a search ends: at the best prices; where some may not go further from where they began; after
too many steps."""
SLACK, FREE, LOW, HIGH = -1, -2, -3, -4
"""Rows of the basis that are no workload's: a pool that costs nothing, no tie at all, and a pool
whose price is as low, or as high, as it may get."""
ZERO = 1e-12
"""Part of what a row's terms come to that counts as zero: rounding."""
PIVOT = 1e-9
"""Part of the largest entry that a pivot has to have."""
PARALLEL = 1e-7
"""Part of how fast their costs move by which those of two ways have to move apart."""
STILL = 1e-9
"""Part of the fastest price's pace at which a price, or a cost, stands still: rounding."""
SPECK = 1e-14
"""Part of its unit below which a price is none: rounding."""
PATIENCE, SHIFT = 300, 1e-10
"""Steps after which ways that cost the same are told apart, lest the search go in a circle, and by
what part of its scale a way gets dearer then at most. What ties carry does not depend on it."""
REFRESH = 60
"""Steps after which the inverse is made anew."""


@inner
def _replace(inverse, i, a, pa, b, pb):  # type: ignore[no-untyped-def]
    """Make row i of the basis ``a`` at pool ``pa`` less ``b`` at pool ``pb``."""
    pools = len(inverse)
    mine = inverse[i]
    pivot = a * mine[pa] - b * mine[pb]
    for p in range(pools):
        mine[p] /= pivot
    for j in range(pools):
        if j == i:
            continue
        line = inverse[j]
        part = a * line[pa] - b * line[pb]
        if part != 0.0:
            for p in range(pools):
                line[p] -= part * mine[p]


@inner
def _admit(inverse, row_owner, row_way, o, k, key, pool, hours):  # type: ignore[no-untyped-def]
    """Let the tie of way k with its workload's key take a free row; whether there was one."""
    a, pa, b, pb = hours[k], pool[k], hours[key], pool[key]
    found, largest, size = -1, 0.0, 0.0
    for i in range(len(row_owner)):
        entry = abs(a * inverse[i, pa] - b * inverse[i, pb])
        size = max(size, entry)
        if row_owner[i] == FREE and entry > largest:
            found, largest = i, entry
    if found < 0 or largest <= PIVOT * size:
        return False
    _replace(inverse, found, a, pa, b, pb)
    row_owner[found], row_way[found] = o, k
    return True


@inner
def _refresh(inverse, row_owner, row_way, tied, key, pool, hours, ties):  # type: ignore[no-untyped-def]
    """Make the inverse anew; ties that hang on others are given up.

    Parameters
    ----------
    ties : (p,) space.
    """
    pools, count = len(row_owner), 0
    kind = np.full(pools, FREE)
    for i in range(pools):
        if row_owner[i] < 0:
            kind[row_way[i]] = row_owner[i]
    owner = row_owner.copy()
    for i in range(pools):
        if owner[i] >= 0:
            ties[count] = i
            count += 1
    way = row_way.copy()
    for i in range(pools):
        for p in range(pools):
            inverse[i, p] = 1.0 if i == p else 0.0
        row_owner[i], row_way[i] = kind[i], i
    for j in range(count):
        o, k = owner[ties[j]], way[ties[j]]
        if not _admit(inverse, row_owner, row_way, o, k, key[o], pool, hours):
            tied[k] = False


@inner
def _settle(inverse, row_owner, row_way, key, pool, hours, usd, price, unit):  # type: ignore[no-untyped-def]
    """Take rounding out of the prices: ties hold again."""
    pools = len(price)
    move = np.zeros(pools)
    for i in range(pools):
        o = row_owner[i]
        if o >= 0:
            k, one = row_way[i], key[o]
            off = usd[k] + hours[k] * price[pool[k]] - usd[one] - hours[one] * price[pool[one]]
            for p in range(pools):
                move[p] -= off * inverse[i, p]
    for p in range(pools):
        now = price[p] + move[p]
        price[p] = now if now > SPECK * unit[p] else 0.0
    for i in range(pools):
        if row_owner[i] == SLACK:
            price[row_way[i]] = 0.0


@inner
def _down(step, who, to, count, at):  # type: ignore[no-untyped-def]
    """Let an entry of a heap sink to its place."""
    s, o, k = step[at], who[at], to[at]
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and step[child + 1] < step[child]:
            child += 1
        if step[child] >= s:
            break
        step[at], who[at], to[at] = step[child], who[child], to[child]
        at = child
    step[at], who[at], to[at] = s, o, k


@inner
def _crossing(o, one, first, pool, hours, usd, tied, price, move, still):  # type: ignore[no-untyped-def]
    """Step at which another way of a workload costs no more than ``one``, and that way.

    Steps are counted from the prices as they are; what is behind ``one`` already is at a step of
    its own that is the same or less, and is never met.
    """
    p = pool[one]
    cost, rate = usd[one] + hours[one] * price[p], hours[one] * move[p]
    least, way = np.inf, -1
    for k in range(first[o], first[o + 1]):
        q = pool[k]
        fall = rate - hours[k] * move[q]
        slow = still[p] * hours[one] + still[q] * hours[k]
        if fall > slow and not tied[k] and fall > PARALLEL * (abs(rate) + abs(hours[k] * move[q])):
            above = usd[k] + hours[k] * price[q] - cost
            if above < least * fall:
                least, way = above / fall, k
    return least, way


@kernel
def price_vertex(  # type: ignore[no-untyped-def]
    workload, route, period, route_pool, route_usd, chip_hours, used_usd, ceiling, scale, demand,
    capacity, load, unit, low, high, tied_workload, tied_route, most_steps, price, only,
    out_workload, out_route, out_mtok,
):  # fmt: skip
    """Move the prices of one period to where its bound is greatest.

    Parameters
    ----------
    workload, route : (n,) workloads with several ways, and these, sorted; giving up, which all
        may, is not among them. A route below 0 stands for a workload that has none.
    period : which one.
    route_pool, route_usd, chip_hours : for all routes: pool, USD and chip-hours per Mtok.
    used_usd : (p,) USD per chip-hour used.
    ceiling : (w,) USD per Mtok of giving up.
    scale : (w,) USD per Mtok that rounding is a part of.
    demand : (w, all periods) Mtok.
    capacity : (p,) chip-hours; pools without any are on no way.
    load : (p,) chip-hours that others take; those of the keys are added.
    unit : (p,) USD per chip-hour, > 0, in which steepness is measured.
    low, high : (p,) between which prices may move: beyond, other ways may count.
    tied_workload, tied_route : (j,) ways that may be tied, sorted by workload: those of the basis
        to begin with.
    most_steps : when to end.
    price : (p,) USD per chip-hour beyond use, >= 0; changed.
    only : (w, all periods) what workloads do: one route or a name; the answer for these ones.
    out_workload, out_route, out_mtok : (2 p,) the answer: ways of those that are split, what each
        takes; giving up too.

    Returns
    -------
    How it ended, length of the answer, steps.
    """
    pools, n, owners = len(price), len(workload), 0
    for j in range(n):
        owners += 1 if j == 0 or workload[j] != workload[j - 1] else 0
    first, who, want = np.empty(owners + 1, np.int64), np.empty(owners, np.int64), np.empty(owners)
    ways = n + owners
    pool, name = np.zeros(ways, np.int64), np.full(ways, GIVE_UP, np.int64)
    usd, hours, tied = np.empty(ways), np.zeros(ways), np.zeros(ways, np.bool_)
    key, split = np.empty(owners, np.int64), np.zeros(owners, np.int64)
    o, k = -1, 0
    for j in range(n):
        w = workload[j]
        if j == 0 or w != workload[j - 1]:
            if o >= 0:
                usd[k] = ceiling[who[o]]
                k += 1
            o += 1
            first[o], who[o], want[o] = k, w, demand[w, period]
        r = route[j]
        if r < 0:
            continue
        p = route_pool[r]
        name[k], pool[k], hours[k] = r, p, chip_hours[r]
        usd[k] = route_usd[r] + chip_hours[r] * used_usd[p]
        k += 1
    if o >= 0:
        usd[k] = ceiling[who[o]]
        k += 1
    first[owners] = k
    for o in range(owners):
        best = np.inf
        for k in range(first[o], first[o + 1]):
            cost = usd[k] + hours[k] * price[pool[k]]
            if cost < best:
                best, key[o] = cost, k
        # Of equals it takes what it has.
        held = only[who[o], period]
        for k in range(first[o], first[o + 1]):
            cost = usd[k] + hours[k] * price[pool[k]]
            if name[k] == held and cost <= best + TIED * scale[who[o]]:
                key[o] = k

    inverse = np.zeros((pools, pools))
    row_owner, row_way = np.empty(pools, np.int64), np.empty(pools, np.int64)
    for p in range(pools):
        inverse[p, p] = 1.0
        row_owner[p], row_way[p] = SLACK if price[p] <= 0.0 else FREE, p
    for j in range(len(tied_workload)):
        o = np.searchsorted(who, tied_workload[j])
        if o == owners or who[o] != tied_workload[j]:
            continue
        one = key[o]
        best = usd[one] + hours[one] * price[pool[one]]
        for k in range(first[o], first[o + 1]):
            if name[k] != tied_route[j] or k == one or tied[k]:
                continue
            cost = usd[k] + hours[k] * price[pool[k]]
            if cost - best <= TIED * scale[who[o]] and _admit(
                inverse, row_owner, row_way, o, k, one, pool, hours
            ):
                tied[k] = True
                split[o] += 1

    left, amount = np.empty(pools), np.empty(pools)
    move, still = np.empty(pools), np.empty(pools)
    rest, largest, fixed = want.copy(), np.empty(owners, np.int64), np.empty(pools, np.bool_)
    step, whose, to = np.empty(owners), np.empty(owners, np.int64), np.empty(owners, np.int64)
    ties = np.empty(pools, np.int64)
    others = load.copy()
    for o in range(owners):
        load[pool[key[o]]] += want[o] * hours[key[o]]
    ended, steps, since = STUCK, 0, 0
    while steps < most_steps:
        if since == REFRESH:
            since = 0
            _refresh(inverse, row_owner, row_way, tied, key, pool, hours, ties)
            _settle(inverse, row_owner, row_way, key, pool, hours, usd, price, unit)
            for o in range(owners):
                split[o] = 0
            for i in range(pools):
                if row_owner[i] >= 0:
                    split[row_owner[i]] += 1
            load[:] = others
            for o in range(owners):
                load[pool[key[o]]] += want[o] * hours[key[o]]
        if steps == PATIENCE:
            for o in range(owners):
                for k in range(first[o], first[o + 1]):
                    usd[k] += SHIFT * scale[who[o]] * ((k * 0.6180339887498949) % 1.0)
            _settle(inverse, row_owner, row_way, key, pool, hours, usd, price, unit)
        steps += 1
        since += 1
        for p in range(pools):
            left[p] = capacity[p] - load[p]
        for i in range(pools):
            line, total = inverse[i], 0.0
            for p in range(pools):
                total += line[p] * left[p]
            amount[i] = total
        # Keys that are left with less than nothing change places with the largest of their ties.
        for i in range(pools):
            o = row_owner[i]
            if o >= 0:
                rest[o], largest[o] = want[o], i
        for i in range(pools):
            o = row_owner[i]
            if o >= 0:
                rest[o] -= amount[i]
                if amount[i] > amount[largest[o]]:
                    largest[o] = i
        for i in range(pools):
            o = row_owner[i]
            if o < 0 or rest[o] >= 0.0:
                continue
            j, line = largest[o], inverse[largest[o]]
            for m in range(pools):
                if row_owner[m] == o and m != j:
                    for p in range(pools):
                        line[p] += inverse[m, p]
            for p in range(pools):
                line[p] = -line[p]
            old, new = key[o], row_way[j]
            load[pool[old]] -= want[o] * hours[old]
            load[pool[new]] += want[o] * hours[new]
            key[o], row_way[j], tied[old], tied[new] = new, old, True, False
            amount[j], rest[o] = rest[o], amount[j]

        # The tie to give up.
        leaves, steepest = -1, 0.0
        for i in range(pools):
            below = -amount[i]
            if row_owner[i] == FREE:
                below = abs(below)
            elif row_owner[i] == HIGH:
                below = -below
            if below <= 0.0:
                continue
            line, size, length = inverse[i], 0.0, 0.0
            for p in range(pools):
                size += abs(line[p]) * capacity[p]
                length += (line[p] / unit[p]) ** 2
            if below > ZERO * size and below * below > steepest * length:
                leaves, steepest = i, below * below / length
        if leaves < 0:
            ended = BEST
            break
        slope = abs(amount[leaves])
        sign = -1.0 if row_owner[leaves] < SLACK and amount[leaves] > 0 else 1.0
        for p in range(pools):
            move[p], fixed[p] = sign * inverse[leaves, p], False
        for i in range(pools):
            if row_owner[i] < 0 and i != leaves:
                fixed[row_way[i]] = True

        pace = 0.0
        for p in range(pools):
            pace = max(pace, 0.0 if fixed[p] else abs(move[p]) / unit[p])
        for p in range(pools):
            still[p] = STILL * pace * unit[p]
            if abs(move[p]) < still[p]:
                move[p] = 0.0

        # How far: pools that come to cost nothing and workloads that are split stop the move.
        cap, cap_owner, cap_way = np.inf, SLACK, -1
        for p in range(pools):
            if fixed[p]:
                move[p] = 0.0
            elif move[p] < 0.0 and price[p] - low[p] < -cap * move[p]:
                cap, cap_owner, cap_way = (price[p] - low[p]) / -move[p], LOW, p
            elif move[p] > 0.0 and high[p] - price[p] < cap * move[p]:
                cap, cap_owner, cap_way = (high[p] - price[p]) / move[p], HIGH, p
        for i in range(pools):
            o = row_owner[i]
            if o >= 0 and not (i == leaves and split[o] == 1):
                s, k = _crossing(o, key[o], first, pool, hours, usd, tied, price, move, still)
                if s < cap:
                    cap, cap_owner, cap_way = s, o, k
        count = 0
        for o in range(owners):
            if split[o] > 0 and not (split[o] == 1 and row_owner[leaves] == o):
                continue
            s, k = _crossing(o, key[o], first, pool, hours, usd, tied, price, move, still)
            if s < cap:
                step[count], whose[count], to[count] = s, o, k
                count += 1
        for at in range(count // 2 - 1, -1, -1):
            _down(step, whose, to, count, at)
        length, owner, way = cap, cap_owner, cap_way
        while count > 0:
            s, o, k = step[0], whose[0], to[0]
            old = key[o]
            fall = hours[old] * move[pool[old]] - hours[k] * move[pool[k]]
            slope -= want[o] * fall
            if slope <= 0.0:
                length, owner, way = s, o, k
                break
            load[pool[old]] -= want[o] * hours[old]
            load[pool[k]] += want[o] * hours[k]
            key[o] = k
            s, k = _crossing(o, k, first, pool, hours, usd, tied, price, move, still)
            if s < cap:
                step[0], to[0] = s, k
            else:
                count -= 1
                step[0], whose[0], to[0] = step[count], whose[count], to[count]
            _down(step, whose, to, count, 0)
        length = max(length, 0.0)
        for p in range(pools):
            price[p] = min(max(price[p] + length * move[p], low[p]), high[p])
        o = row_owner[leaves]
        if o >= 0:
            tied[row_way[leaves]] = False
            split[o] -= 1
        if owner < 0:
            price[way] = low[way] if owner == LOW else high[way]
            if owner == LOW and low[way] <= 0.0:
                owner = SLACK
            _replace(inverse, leaves, 1.0, way, 0.0, way)
        else:
            one = key[owner]
            _replace(inverse, leaves, hours[way], pool[way], hours[one], pool[one])
            tied[way] = True
            split[owner] += 1
        row_owner[leaves], row_way[leaves] = owner, way

    for i in range(pools):
        if ended == BEST and row_owner[i] <= LOW:
            size = 0.0
            for p in range(pools):
                size += abs(inverse[i, p]) * capacity[p]
            if abs(amount[i]) > ZERO * size:
                ended = FAR
    if ended != STUCK:
        _settle(inverse, row_owner, row_way, key, pool, hours, usd, price, unit)
    for o in range(owners):
        only[who[o], period] = SEVERAL if split[o] > 0 else name[key[o]]
    found = 0
    for i in range(pools):
        o = row_owner[i]
        if o < 0:
            continue
        if split[o] > 0:  # the key once
            split[o] = 0
            out_workload[found], out_route[found] = who[o], name[key[o]]
            out_mtok[found] = max(rest[o], 0.0)
            found += 1
        out_workload[found], out_route[found] = who[o], name[row_way[i]]
        out_mtok[found] = min(max(amount[i], 0.0), want[o])
        found += 1
    return ended, found, steps

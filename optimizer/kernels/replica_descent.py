"""Descent over whole replicas of one period, judged by a quadratic model of each model's tokens.

Letters: m = models, p and r = pools, k = counts of replicas, i = kicks.

What a model's tokens cost when the chip-hours it holds move by D from where they are at the
relaxed prices is taken to be

    kappa max(0, wanted - sum_p worth[p] D[p])  +  1/2 D' bend D,

the first term for work that finds no place, the second for work that finds a worse one. Moves are
those that planners make: one replica more or less, one that moves to another pool, some that give
way to another model's on a full pool, those and a new place for them. The best move is taken until
none helps, then a few lanes are kicked and the descent begins again; the best end stays (H. R.
Lourenco, O. C. Martin, T. Stutzle, "Iterated local search", Handbook of Metaheuristics, 2003).
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.kernels.jit import inner, kernel

HAIR = 1e-9
"""Part of a replica by which it may miss the room: rounding."""
MOST_MOVES = 5000
"""Moves after which a descent ends in any case."""
MOST_AT_ONCE = 4
"""Most replicas that come where one larger one goes."""


@inner
def _short(wanted, kappa):  # type: ignore[no-untyped-def]
    return kappa * wanted if wanted > 0.0 else 0.0


@inner
def _lane(usd, slope, bend, m, p, hours):  # type: ignore[no-untyped-def]
    """Cost of so many chip-hours more on a lane, the model's shortage left out."""
    return (usd[m, p] + slope[m, p] + 0.5 * bend[m, p, p] * hours) * hours


@inner
def _move(unit, worth, bend, m, p, k, count, room, wanted, slope):  # type: ignore[no-untyped-def]
    """So many replicas more, and what that makes of room, shortage and slopes."""
    hours = k * unit[m, p]
    count[m, p] += k
    room[p] -= hours
    wanted[m] -= worth[p] * hours
    for r in range(slope.shape[1]):
        slope[m, r] += bend[m, r, p] * hours


@inner
def _descend(  # type: ignore[no-untyped-def]
    unit, usd, worth, bend, able, kappa, count, room, wanted, slope
):  # fmt: skip
    """Take the best move until none helps; gives what was gained, as a number <= 0."""
    models, pools = unit.shape
    gained = 0.0
    for _ in range(MOST_MOVES):
        best, found = -1e-7, False
        m1, p1, k1, m2, p2, k2, p3, k3 = 0, 0, 0, -1, 0, 0, -1, 0
        for m in range(models):
            short = _short(wanted[m], kappa)
            for p in range(pools):
                if not able[m, p]:
                    continue
                a = unit[m, p]
                if room[p] >= a * (1.0 - HAIR):
                    d = _lane(usd, slope, bend, m, p, a)
                    d += _short(wanted[m] - worth[p] * a, kappa) - short
                    if d < best:
                        best, found, m1, p1, k1, m2, p3 = d, True, m, p, 1, -1, -1
                if count[m, p] < 1.0:
                    continue
                less = wanted[m] + worth[p] * a
                loss = _lane(usd, slope, bend, m, p, -a) - short
                d = loss + _short(less, kappa)
                if d < best:
                    best, found, m1, p1, k1, m2, p3 = d, True, m, p, -1, -1, -1
                for r in range(pools):
                    if r == p or not able[m, r]:
                        continue
                    for k in range(1, 3):
                        b = k * unit[m, r]
                        if room[r] < b * (1.0 - HAIR):
                            break
                        d = loss + _lane(usd, slope, bend, m, r, b) - bend[m, p, r] * a * b
                        d += _short(less - worth[r] * b, kappa)
                        if d < best:
                            best, found, m1, p1, k1 = d, True, m, p, -1
                            m2, p3, k3 = -1, r, k
        # On a full pool: k of model n come, j of model m go, or go elsewhere.
        for n in range(models):
            for p in range(pools):
                if not able[n, p] or room[p] >= unit[n, p] * (1.0 - HAIR):
                    continue
                for m in range(models):
                    if m == n or not able[m, p] or count[m, p] < 1.0:
                        continue
                    j = math.ceil((unit[n, p] - room[p]) / unit[m, p] - HAIR)
                    if j > count[m, p]:
                        continue
                    a = j * unit[m, p]
                    less = wanted[m] + worth[p] * a
                    away = _lane(usd, slope, bend, m, p, -a) - _short(wanted[m], kappa)
                    for k in range(1, MOST_AT_ONCE + 1):
                        b = k * unit[n, p]
                        if room[p] + a < b * (1.0 - HAIR):
                            break
                        come = _lane(usd, slope, bend, n, p, b) - _short(wanted[n], kappa)
                        come += _short(wanted[n] - worth[p] * b, kappa)
                        d = come + away + _short(less, kappa)
                        if d < best:
                            best, found, m1, p1, k1 = d, True, m, p, -j
                            m2, p2, k2, p3 = n, p, k, -1
                        if come > best or k > 1:
                            continue
                        for r in range(pools):
                            if r == p or not able[m, r] or worth[r] <= 0.0:
                                continue
                            need = math.ceil(max(less, 0.0) / (worth[r] * unit[m, r]) - HAIR)
                            for e in range(max(1, need - 1), need + 1):
                                h = e * unit[m, r]
                                if room[r] < h * (1.0 - HAIR):
                                    break
                                d = come + away + _lane(usd, slope, bend, m, r, h)
                                d += _short(less - worth[r] * h, kappa) - bend[m, p, r] * h * a
                                if d < best:
                                    best, found, m1, p1, k1 = d, True, m, p, -j
                                    m2, p2, k2, p3, k3 = n, p, k, r, e
        if not found:
            break
        gained += best
        _move(unit, worth, bend, m1, p1, k1, count, room, wanted, slope)
        if m2 >= 0:
            _move(unit, worth, bend, m2, p2, k2, count, room, wanted, slope)
        if p3 >= 0:
            _move(unit, worth, bend, m1, p3, k3, count, room, wanted, slope)
    return gained


@kernel
def replica_descent(  # type: ignore[no-untyped-def]
    unit, usd, worth, bend, able, kappa, kicks, count, room, wanted, slope
):  # fmt: skip
    """Improve the replicas of one period in place.

    Parameters
    ----------
    unit : (m, p) chip-hours that a replica holds; > 0.
    usd : (m, p) USD per chip-hour held.
    worth : (p,) what a chip-hour counts for when models add up what they hold.
    bend : (m, p, p) USD per chip-hour squared.
    able : (m, p) lanes that may change.
    kappa : USD per worth that a model falls short of.
    kicks : (i, j, 3) random numbers from 0 to 1: lane, up or down, and whether it counts.
    count : (m, p) replicas, whole numbers; changed.
    room : (p,) chip-hours that are free; changed.
    wanted : (m,) worth by which each model is short, below 0 where it has more; changed.
    slope : (m, p) USD per chip-hour, ``bend D``; changed.

    Returns
    -------
    USD by which the sum is less than it was; <= 0.
    """
    models, pools = unit.shape
    lanes = np.empty((models * pools, 2), np.int64)
    many = 0
    for m in range(models):
        for p in range(pools):
            if able[m, p]:
                lanes[many, 0], lanes[many, 1] = m, p
                many += 1
    total = _descend(unit, usd, worth, bend, able, kappa, count, room, wanted, slope)
    for i in range(kicks.shape[0] if many > 0 else 0):
        old_count, old_room, old_wanted = count.copy(), room.copy(), wanted.copy()
        old_slope = slope.copy()
        d = 0.0
        for j in range(kicks.shape[1]):
            place = min(int(kicks[i, j, 0] * many), many - 1)
            m, p = lanes[place, 0], lanes[place, 1]
            k = 1 if kicks[i, j, 1] < 0.4 else -1
            fits = count[m, p] >= 1.0 if k < 0 else room[p] >= unit[m, p] * (1.0 - HAIR)
            if not fits or kicks[i, j, 2] > 0.8:
                continue
            d += _lane(usd, slope, bend, m, p, k * unit[m, p]) - _short(wanted[m], kappa)
            _move(unit, worth, bend, m, p, k, count, room, wanted, slope)
            d += _short(wanted[m], kappa)
        d += _descend(unit, usd, worth, bend, able, kappa, count, room, wanted, slope)
        if d < -1e-7:
            total += d
        else:
            count[:], room[:], wanted[:] = old_count, old_room, old_wanted
            slope[:] = old_slope
    return total

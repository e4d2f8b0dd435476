"""Moves of single replicas in one period, by what they promise.

Letters: m and n = models, p and q = pools, k = moves. A model takes part in one move at most, so
that what came of it can be told.
"""

from __future__ import annotations

import math

import numpy as np

from optimizer.kernels.jit import kernel

HAIR = 1e-9
"""Part of a replica by which it may miss the room: rounding."""


@kernel
def replica_moves(unit, usd, worth, loss, able, trust, least, count, room):  # type: ignore[no-untyped-def]
    """The best move, then the best of the models that are left, until none promises enough.

    A model gains a replica on q, and gives one up on p or none (p = -1); or it gives one up on p
    and gains none (q = -1). Where q is full, replicas of one other model n make room.

    Parameters
    ----------
    unit : (m, p) chip-hours that a replica holds; > 0.
    usd : (p,) USD per chip-hour held.
    worth : (m, p) USD that one replica more saves at most.
    loss : (m, p) USD that one replica less loses at least.
    able : (m, p) lanes that may grow.
    trust : (m, p) part of the promise of a lane that is believed.
    least : USD that a move has to promise.
    count : (m, p) replicas; changed.
    room : (p,) chip-hours that are free; changed.

    Returns
    -------
    (k, 5) m, p, q, n, replicas of n that go; -1 for none.
    """
    models, pools = unit.shape
    free = np.ones(models, np.bool_)
    moves = np.empty((models, 5), np.int64)
    many = 0
    while True:
        best, m1, p1, q1, n1, j1 = least, -1, -1, -1, -1, 0
        for m in range(models):
            if not free[m]:
                continue
            # What giving one up promises, the best lane for that and the next best.
            go, first, second, other = 0.0, -1, 0.0, -1
            for p in range(pools):
                if count[m, p] < 1.0:
                    continue
                gain = (unit[m, p] * usd[p] - loss[m, p]) * trust[m, p]
                if gain > go:
                    second, other = go, first
                    go, first = gain, p
                elif gain > second:
                    second, other = gain, p
            if go > best:
                best, m1, p1, q1, n1 = go, m, first, -1, -1
            for q in range(pools):
                if not able[m, q]:
                    continue
                come = (worth[m, q] - unit[m, q] * usd[q]) * trust[m, q]
                also, lane = (go, first) if first != q else (second, other)
                if room[q] >= unit[m, q] * (1.0 - HAIR):
                    if come + also > best:
                        best, m1, p1, q1, n1 = come + also, m, lane, q, -1
                    continue
                if come <= best:
                    continue
                for n in range(models):
                    if n == m or not free[n] or count[n, q] < 1.0:
                        continue
                    j = math.ceil((unit[m, q] - room[q]) / unit[n, q] - HAIR)
                    if j > count[n, q]:
                        continue
                    # Those that would gain by going do so in a move of their own.
                    gain = come - j * max(loss[n, q] - unit[n, q] * usd[q], 0.0)
                    if gain > best:
                        best, m1, p1, q1, n1, j1 = gain, m, -1, q, n, j
        if m1 < 0:
            break
        free[m1] = False
        if p1 >= 0:
            count[m1, p1] -= 1.0
            # What it leaves is not offered to others: it may have to come back.
        if q1 >= 0:
            count[m1, q1] += 1.0
            room[q1] -= unit[m1, q1]
        if n1 >= 0:
            free[n1] = False
            count[n1, q1] -= j1
            # Nor what is left over there: should the move not pay, all of it is needed again.
            room[q1] = 0.0
        moves[many, 0], moves[many, 1], moves[many, 2] = m1, p1, q1
        moves[many, 3], moves[many, 4] = n1, j1 if n1 >= 0 else 0
        many += 1
    return moves[:many].copy()

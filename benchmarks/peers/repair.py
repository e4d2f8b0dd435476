"""A repaired answer, the same way for every peer, so that near misses can be compared too.

What is below zero goes, workloads with too much and pools that are too full are scaled down,
and what is missing takes its cheapest route with room, pools being shared in proportion to what
is asked; the rest is given up. A repaired answer is always shown as one, beside the raw one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.peers.answer import Answer
from benchmarks.peers.transport import Float, Int, Transport, sums

SPECK = 1e-9
"""Part of a limit, or of a demand, that counts as nothing."""


def repaired(given: Transport, answer: Answer) -> Answer:
    """The answer, made to keep every limit."""
    flat = given.flat()
    periods = given.num_periods
    mtok = _within_limits(flat, answer.placed.T.reshape(-1).clip(min=0.0))
    mtok, rest = _filled(flat, mtok)
    return replace(
        answer,
        placed=mtok.reshape(periods, -1).T,
        given_up=rest.reshape(periods, -1).T,
    )


def _within_limits(flat: Transport, mtok: Float) -> Float:
    """Scaled down where a workload or a pool has more than it may."""
    asked, room = flat.demand[:, 0], flat.capacity[:, 0]
    served = sums(flat.workload, mtok, flat.num_workloads)
    mtok = mtok * _part(asked, served)[flat.workload]
    load = sums(flat.pool, flat.hours * mtok, flat.num_pools)
    return np.asarray(mtok * _part(room, load)[flat.pool])


def _filled(flat: Transport, mtok: Float) -> tuple[Float, Float]:
    """(R,) Mtok with free room used by what is missing, and (W,) what still is."""
    owner, cost = flat.workload, flat.cost[:, 0]
    limit, worth = flat.capacity[:, 0], cost < flat.ceiling[owner]
    rest = np.maximum(flat.demand[:, 0] - sums(owner, mtok, flat.num_workloads), 0.0)
    room = np.maximum(limit - sums(flat.pool, flat.hours * mtok, flat.num_pools), 0.0)
    mtok = mtok.copy()
    # Each round fills a pool, or leaves nobody who asks.
    for _ in range(flat.num_pools + 1):
        asks = rest > SPECK * flat.demand[:, 0]
        open_routes = worth & (room > SPECK * limit)[flat.pool] & asks[owner]
        route = _cheapest(np.flatnonzero(open_routes), owner, cost)
        if len(route) == 0:
            break
        wanted = sums(flat.pool[route], flat.hours[route] * rest[owner[route]], len(room))
        more = rest[owner[route]] * _part(room, wanted)[flat.pool[route]]
        mtok[route] += more
        rest[owner[route]] -= more
        room -= sums(flat.pool[route], flat.hours[route] * more, len(room))
    rest[rest <= 1e-12 * flat.demand[:, 0]] = 0.0
    return mtok, rest


def _cheapest(routes: Int, owner: Int, cost: Float) -> Int:
    """Of some routes, the cheapest of each workload."""
    order = routes[np.lexsort((cost[routes], owner[routes]))]
    first = np.ones(len(order), np.bool_)
    first[1:] = owner[order][1:] != owner[order][:-1]
    return np.asarray(order[first])


def _part(limit: Float, amount: Float) -> Float:
    """What part of each amount fits."""
    return np.asarray(np.minimum(1.0, limit / np.where(amount > 0, amount, 1.0)), np.float64)

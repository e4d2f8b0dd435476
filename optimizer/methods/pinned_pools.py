"""Where each pinned workload goes for the whole horizon, before anything is placed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.greedy_facts import Facts

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


def routes_kept(facts: Facts) -> Bool:
    """(r,) routes that may be used: of a pinned workload the one of its pool only.

    The pool is the one with the least cost over the horizon, what finds no room there given up.
    Workloads choose in the order of what the second best pool would cost more, by priority, and
    each leaves less room to the next; all others are not looked at.
    """
    workloads = facts.instance.workloads
    kept = np.ones(len(facts.route), np.bool_)
    pinned = np.flatnonzero(workloads.single_pool & (np.diff(facts.first) > 1))
    if len(pinned) == 0:
        return kept
    usd = np.stack([facts.route_usd(t) for t in range(facts.instance.num_periods)], axis=1)
    room = facts.room.copy()
    regret = np.zeros(len(pinned))
    for position, workload in enumerate(pinned.tolist()):
        least = np.sort(_totals(facts, workload, usd, room)[0])
        regret[position] = least[1] - least[0]
    order = np.lexsort((-regret, workloads.priority[pinned]))
    for workload in pinned[order].tolist():
        routes = slice(int(facts.first[workload]), int(facts.first[workload + 1]))
        totals, placed = _totals(facts, workload, usd, room)
        best = int(np.argmin(totals))
        kept[routes] = False
        kept[routes.start + best] = True
        pool = facts.pool[routes.start + best]
        room[pool] -= placed[best] * facts.held[routes.start + best]
    return kept


def _totals(facts: Facts, workload: int, usd: Float, room: Float) -> tuple[Float, Float]:
    """Cost of each route over the horizon, (j,), and Mtok placed, (j, T)."""
    routes = slice(int(facts.first[workload]), int(facts.first[workload + 1]))
    penalty = float(facts.instance.workloads.unserved_usd_per_mtok[workload])
    wanted = np.where(usd[routes] <= penalty, facts.instance.demand_mtok[workload], 0.0)
    fits = np.maximum(room[facts.pool[routes]], 0.0) / facts.held[routes, None]
    placed = np.minimum(wanted, fits)
    saved = np.where(placed > 0, penalty - usd[routes], 0.0) * placed
    return -saved.sum(axis=1), placed

"""The greedy fill of one period: whoever has most to lose by waiting goes first.

Letters: k = workloads whose turn it is, w = workloads, r = routes, p = pools, l = lanes (pairs of
a model and a pool that run in whole replicas), e = limits on power.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.kernels.jit import kernel

WHOLE = 1e-10
"""Part by which a number may miss a whole one and still count as it."""


@kernel
def fill_by_regret(  # type: ignore[no-untyped-def]
    turn, first_route, pool, lane, hours, held, usd, otherwise, speck, remaining,
    room, steady, watts, power, hold, work, lost, before, most, running, spare, placed, by_regret,
):  # fmt: skip
    """Place tokens in the order of regret; every array after ``speck`` that is said to is changed.

    The regret of a workload is what a chip-hour of its best route saves: the cost of its second
    best route, or of having none, less that of its best, per chip-hour that it holds there (the
    rule of W. R. Vogel and N. V. Reinfeld, "Mathematical Programming", 1958, for transportation
    problems). Each fills its best route; when one is full, regrets are computed anew.

    Parameters
    ----------
    turn : (k,) workloads that may place now; ties go by this order.
    first_route : (w + 1,) where each workload's routes begin.
    pool, lane : (r,) of each route; lane -1 where no replicas are needed.
    hours, held : (r,) chip-hours per Mtok: of work, and held for it.
    usd : (r,) USD per Mtok; infinity for routes that may not be used.
    otherwise : (w,) USD per Mtok when there is no other route.
    speck : (w,) Mtok that count as nothing.
    remaining : (w,) Mtok to place; what is left stays in it.
    room : (p,) chip-hours that are free; changed.
    steady : (p,) of them, those that replicas may take; changed.
    watts : (e, p) of a chip in use; 0 outside the limit's group.
    power : (e,) watt-hours that are left; changed.
    hold, work, lost : (l,) chip-hours that a replica holds, can be planned for, and loses when it
        starts.
    before, most : (l,) replicas of the period before, infinity when starts do not count; and
        the most there may be.
    running, spare : (l,) replicas that run, and chip-hours of work they still can do; changed.
    placed : (r,) Mtok placed; added to.
    by_regret : whether regret rules; else the cheapest cost of a Mtok.

    Returns
    -------
    int : how often regrets were computed.
    """

    def free(p: int) -> Any:
        """Chip-hours that may still be held on a pool."""
        hours_left = room[p]
        for e in range(len(power)):
            if watts[e, p] > 0.0:
                hours_left = min(hours_left, power[e] / watts[e, p])
        return hours_left

    def reach(r: int) -> Any:
        """Mtok that a route could still take."""
        if lane[r] < 0:
            return free(pool[r]) / hours[r]
        l = lane[r]  # noqa: E741
        able = min(free(pool[r]), steady[pool[r]])
        more = max(min(np.floor(able / hold[l] * (1.0 + WHOLE)), most[l] - running[l]), 0.0)
        kept = min(more, max(before[l] - running[l], 0.0))
        ready = spare[l] + kept * work[l] + (more - kept) * (work[l] - lost[l])
        return ready / hours[r]

    def take(r: int, mtok: float) -> None:
        """Hold what so many Mtok need."""
        need = mtok * hours[r]
        if lane[r] >= 0:
            l = lane[r]  # noqa: E741
            short = need - spare[l]
            added = 0.0
            # Less than a speck of a replica is rounding.
            if short > WHOLE * work[l]:
                kept = max(before[l] - running[l], 0.0)
                added = min(kept, np.ceil(short / work[l] * (1.0 - WHOLE) - WHOLE))
                spare[l] += added * work[l]
                short -= added * work[l]
                if added == kept and short > WHOLE * need:
                    ready = work[l] - lost[l]
                    fresh = max(np.ceil(short / ready * (1.0 - WHOLE) - WHOLE), 0.0)
                    spare[l] += fresh * ready
                    added += fresh
            running[l] += added
            spare[l] = max(spare[l] - need, 0.0)
            need = added * hold[l]
            steady[pool[r]] = max(steady[pool[r]] - need, 0.0)
        room[pool[r]] = max(room[pool[r]] - need, 0.0)
        for e in range(len(power)):
            power[e] = max(power[e] - watts[e, pool[r]] * need, 0.0)

    best = np.full(len(remaining), -1)
    second = np.full(len(remaining), -1)
    stale = np.ones(len(remaining), np.bool_)
    shut = np.zeros(len(pool), np.bool_)
    active = turn.copy()
    rounds = 0
    while len(active) > 0:
        rounds += 1
        score = np.empty(len(active))
        for k in range(len(active)):
            w = active[k]
            if not stale[w]:
                stale[w] = best[w] >= 0 and (shut[best[w]] or reach(best[w]) <= speck[w])
                stale[w] = stale[w] or (second[w] >= 0 and reach(second[w]) <= speck[w])
            if stale[w]:
                best[w], second[w] = -1, -1
                for r in range(first_route[w], first_route[w + 1]):
                    dear = usd[r] == np.inf or (second[w] >= 0 and usd[r] >= usd[second[w]])
                    if shut[r] or dear or reach(r) <= speck[w]:
                        continue
                    if best[w] < 0 or usd[r] < usd[best[w]]:
                        second[w] = best[w]
                        best[w] = r
                    else:
                        second[w] = r
                stale[w] = False
            if best[w] < 0:
                score[k] = np.inf
            elif by_regret:
                other = otherwise[w] if second[w] < 0 else usd[second[w]]
                score[k] = -(other - usd[best[w]]) / held[best[w]]
            else:
                score[k] = usd[best[w]]
        full = False
        for k in np.argsort(score, kind="mergesort"):
            w = active[k]
            if best[w] < 0:
                continue
            mtok = min(remaining[w], reach(best[w]))
            if mtok > 0.0:
                take(best[w], mtok)
                placed[best[w]] += mtok
                remaining[w] -= mtok
            if remaining[w] > speck[w]:
                shut[best[w]] = True
                full = True
                break
        if not full:
            break
        count = 0
        for k in range(len(active)):
            w = active[k]
            if best[w] >= 0 and remaining[w] > speck[w]:
                active[count] = w
                count += 1
        active = active[:count]
    return rounds

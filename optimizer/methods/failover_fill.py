"""What the greedy plan does about outages: who takes over, what is held for it, who is served less.

After each priority of a period is placed. Each loss is a fill of its own: what falls goes first to
replicas that run and chips in use, then to chips that are free, on which replicas are started or
which are held in reserve from then on. What no other pool could take over is not served in the
first place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.greedy_facts import SPECK, Facts
from optimizer.methods.replica_bounds import Period
from optimizer.model.constraints.outages import lost_pools

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

BEYOND = 1e15
"""USD per Mtok above any cost: what falls has no other way."""


@dataclass(frozen=True, eq=False)
class Losses:
    """What is lost, and what falls where in one period.

    Attributes
    ----------
    lost : (G, P) pools that each outage takes.
    fallen : (G, r) Mtok that fall to each open route; the fill adds to it.
    reserve : (P,) chip-hours held in reserve; the fill adds to it.
    """

    lost: Bool
    fallen: Float
    reserve: Float

    @classmethod
    def of(cls, facts: Facts) -> Losses:
        """Nothing fallen yet."""
        lost = lost_pools(facts.instance)
        if not bool(facts.instance.workloads.protected.any()):
            lost = lost[:0]
        fallen = np.zeros((len(lost), len(facts.route)))
        return cls(lost, fallen, np.zeros(facts.instance.num_pools))

    def needed(self, facts: Facts, placed: Float) -> Float:
        """(P,) chip-hours in reserve that what falls needs, beside the chips in use."""
        free = facts.lane < 0
        pools = len(self.reserve)
        hours = np.where(free, facts.hours * placed, 0.0)
        load = np.bincount(facts.pool, hours, pools)
        need = np.zeros(pools)
        for fallen in self.fallen:
            most = np.bincount(facts.pool, np.where(free, facts.hours * fallen, 0.0), pools)
            need = np.maximum(need, most - load)
        return np.where(need > SPECK * load, need, 0.0)


def secure(facts: Facts, state: Period, losses: Losses, mine: Bool, placed: Float) -> Float:
    """(W,) part of what is placed of some workloads that every loss leaves a way for.

    ``state`` and ``losses`` are changed; what falls is already cut to that part.

    Parameters
    ----------
    mine : (W,) workloads that were placed since the last call.
    placed : (r,) Mtok placed in the period.
    """
    workloads = facts.instance.workloads
    total: Float = np.bincount(facts.workload, placed, len(mine)).astype(np.float64)
    total[~(mine & workloads.protected)] = 0.0
    if len(losses.lost) == 0 or not bool(total.any()):
        return np.ones(len(mine))
    covered = np.ones((len(losses.lost), len(mine)))
    for group in range(len(losses.lost)):
        wanted = float(facts.instance.outages.served[group]) * total
        left = wanted.copy()
        _on_what_runs(facts, state, losses, group, left, placed)
        _on_free_chips(facts, state, losses, group, left)
        np.divide(wanted - left, wanted, out=covered[group], where=wanted > 0)
    part: Float = covered.min(axis=0)
    part[part > 1 - SPECK] = 1.0
    # Of losses that leave more than the worst one, so much need not fall.
    needed = np.divide(part, covered, out=np.ones(covered.shape), where=covered > part)
    losses.fallen[:] *= np.where(total > 0, needed, 1.0)[:, facts.workload]
    return part


def _on_what_runs(
    facts: Facts, state: Period, losses: Losses, group: int, left: Float, placed: Float
) -> None:
    """Let tokens fall to replicas at full use, to chips in use and to those in reserve."""
    lanes, pools, fallen = facts.lanes, len(losses.reserve), losses.fallen[group]
    free = facts.lane < 0
    # Replicas that run are like pools of their own, behind the real ones.
    place = np.where(free, facts.pool, pools + facts.lane)
    taken = np.bincount(place, facts.hours * fallen, pools + len(lanes))
    in_use = np.bincount(facts.pool, np.where(free, facts.hours * placed, 0.0), pools)
    fresh = np.maximum(state.running - state.before, 0.0)
    ready = (state.running * lanes.work - fresh * lanes.lost) / lanes.target
    room = np.maximum(np.concatenate([in_use + losses.reserve, ready]) - taken, 0.0)
    nothing, no_watts = np.zeros(0), np.zeros((0, len(room)))
    nowhere = np.full(len(place), -1)
    lanes_none = (nothing,) * 7
    _fall(
        facts, state, losses, group, left, facts.hours,
        place, nowhere, room, room, no_watts, nothing, lanes_none,
    )  # fmt: skip


def _on_free_chips(facts: Facts, state: Period, losses: Losses, group: int, left: Float) -> None:
    """Start replicas on free chips, and hold others in reserve, for what is left."""
    lanes = facts.lanes
    running, room = state.running.copy(), state.room.copy()
    spare = np.zeros(len(lanes))
    lost = lanes.lost / lanes.target
    usd = facts.held * facts.usd[facts.pool, state.number]
    _fall(
        facts, state, losses, group, left, usd,
        facts.pool, facts.lane, state.room, state.steady, facts.watts, state.power,
        (lanes.hold, lanes.hold, lost, state.before, state.most, state.running, spare),
    )  # fmt: skip
    added = state.running - running
    fresh = np.maximum(state.running - np.maximum(state.before, running), 0.0)
    state.spare[:] += added * lanes.work - fresh * lanes.lost
    by_replicas = np.bincount(lanes.pool, added * lanes.hold, len(room))
    losses.reserve[:] += np.maximum(room - state.room - by_replicas, 0.0)


def _fall(
    facts: Facts, state: Period, losses: Losses, group: int, left: Float, usd: Float,
    pool: Index, lane: Index, room: Float, steady: Float, watts: Float, power: Float,
    lanes: tuple[Float, ...],
) -> None:  # fmt: skip
    """Fill what is left; ``losses.fallen`` and the rooms are changed."""
    from optimizer.kernels.greedy import fill_by_regret

    turn = np.flatnonzero(left > 0)
    shut = losses.lost[group][facts.pool] | ~np.isfinite(facts.route_usd(state.number))
    otherwise = np.full(len(left), BEYOND)
    hold, work, lost, before, most, running, spare = lanes
    fill_by_regret(
        turn, facts.first, pool, lane, facts.hours, facts.hours, np.where(shut, np.inf, usd),
        otherwise, SPECK * left, left, room, steady, watts, power,
        hold, work, lost, before, most, running, spare, losses.fallen[group], True,
    )  # fmt: skip

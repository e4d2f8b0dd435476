"""The forward pass of the greedy plan: period by period, priority by priority."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.failover_fill import Losses, secure
from optimizer.methods.greedy_facts import SPECK, Facts
from optimizer.methods.replica_bounds import Period, opened

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

REFUSED = 1e-7
"""Part of a workload's largest demand above which tokens given up shut those of lower priority
out; well below what the rule counts."""


@dataclass(frozen=True, eq=False)
class Filled:
    """What the pass placed.

    Attributes
    ----------
    route, period : (K,) open route and period of each placement.
    mtok : (K,) Mtok.
    unserved : (W, T) Mtok given up.
    replicas : (L, T) replicas that run.
    reserve : (P, T) chip-hours held in reserve.
    outage, fallen_route, fallen_period : (F,) which group is lost, which open route takes over
        in its loss, when.
    fallen_mtok : (F,) Mtok that it takes over.
    """

    route: Index
    period: Index
    mtok: Float
    unserved: Float
    replicas: Float
    reserve: Float
    outage: Index
    fallen_route: Index
    fallen_period: Index
    fallen_mtok: Float


def forward_fill(facts: Facts, usable: Bool, *, by_regret: bool) -> Filled:
    """Fill all periods, the first first.

    Parameters
    ----------
    usable : (r,) routes that may be used all horizon.
    by_regret : whether regret says who goes first; else the cheapest Mtok.
    """
    demand = facts.instance.demand_mtok
    due = _due(facts)
    speck = SPECK * demand.max(axis=1, initial=0.0)
    waiting, handled = np.zeros(len(demand)), np.zeros(len(demand))
    unserved = np.zeros(demand.shape)
    replicas = np.zeros((len(facts.lanes), demand.shape[1]))
    reserve = np.zeros(facts.room.shape)
    cells: list[tuple[Index, Index, Float]] = []
    falls: list[tuple[Index, Index, Index, Float]] = []
    before = facts.lanes.before
    for t in range(demand.shape[1]):
        state, losses = opened(facts, t, before), Losses.of(facts)
        waiting += demand[:, t]
        start, placed = waiting.copy(), np.zeros(len(facts.route))
        turn = _Turn(facts, state, losses, waiting, due[:, t] - handled, speck, placed)
        drop = turn.fill(usable, by_regret=by_regret)
        waiting -= drop
        unserved[:, t] = drop
        handled += start - waiting
        where = np.flatnonzero(placed)
        cells.append((where, np.full(len(where), t), placed[where]))
        lost, where = np.nonzero(losses.fallen)
        falls.append((lost, where, np.full(len(where), t), losses.fallen[lost, where]))
        before = replicas[:, t] = state.running
        reserve[:, t] = losses.needed(facts, placed)
    route, period, mtok = (np.concatenate(part) for part in zip(*cells, strict=True))
    outage, fallen_route, when, fallen = (np.concatenate(p) for p in zip(*falls, strict=True))
    return Filled(
        route, period, mtok, unserved, replicas, reserve, outage, fallen_route, when, fallen
    )


@dataclass(frozen=True, eq=False)
class _Turn:
    """One period: who waits, what must be handled by now, and what is placed.

    Attributes
    ----------
    waiting : (W,) Mtok to place; what is left stays in it.
    due : (W,) of them, those whose last period this is; not of workloads that never wait.
    speck : (W,) Mtok that count as nothing.
    placed : (r,) Mtok placed.
    """

    facts: Facts
    state: Period
    losses: Losses
    waiting: Float
    due: Float
    speck: Float
    placed: Float

    def fill(self, usable: Bool, *, by_regret: bool) -> Float:
        """(W,) Mtok given up when all priorities had their turn."""
        facts, state = self.facts, self.state
        workloads = facts.instance.workloads
        penalty = workloads.unserved_usd_per_mtok
        able = facts.route_usd(state.number)
        usd = np.where(usable & (able <= penalty[facts.workload]), able, np.inf)
        could = np.isfinite(able) & facts.offered[facts.pool, state.number]
        drop = np.zeros(len(penalty))
        ranks = np.unique(workloads.priority)
        for rank in ranks.tolist():
            mine = workloads.priority == rank
            self._place(mine, usd, by_regret)
            self._secure(mine)
            rest = _given_up(facts, state.number, mine, self.waiting, self.due, self.placed)
            drop += rest
            refused = rest > REFUSED / SPECK * self.speck
            if rank != ranks[-1] and bool(refused.any()):
                shut = np.zeros(facts.instance.num_pools, np.bool_)
                shut[facts.pool[could & refused[facts.workload]]] = True
                usd = np.where(shut[facts.pool], np.inf, usd)
        return drop

    def _place(self, mine: Bool, usd: Float, by_regret: bool) -> None:
        """Fill the tokens of some workloads."""
        from optimizer.kernels.greedy import fill_by_regret

        facts, state, lanes = self.facts, self.state, self.facts.lanes
        fill_by_regret(
            np.flatnonzero(mine & (self.waiting > 0)), facts.first, facts.pool, facts.lane,
            facts.hours, facts.held, usd, facts.instance.workloads.unserved_usd_per_mtok,
            self.speck, self.waiting, state.room, state.steady, facts.watts, state.power,
            lanes.hold, lanes.work, lanes.lost, state.before, state.most,
            state.running, state.spare, self.placed, by_regret,
        )  # fmt: skip
        np.maximum(self.waiting, 0.0, out=self.waiting)

    def _secure(self, mine: Bool) -> None:
        """Take back what no other pool could take over; its chips stay in reserve for the rest."""
        part = secure(self.facts, self.state, self.losses, mine, self.placed)
        if not bool((part < 1).any()):
            return
        back = self.placed * (1 - part[self.facts.workload])
        free = self.facts.lane < 0
        hours = np.where(free, self.facts.hours * back, 0.0)
        self.losses.reserve[:] += np.bincount(self.facts.pool, hours, len(self.losses.reserve))
        self.waiting[:] += np.bincount(self.facts.workload, back, len(self.waiting))
        self.placed[:] -= back


def _given_up(
    facts: Facts, period: int, mine: Bool, waiting: Float, due: Float, placed: Float
) -> Float:
    """(W,) Mtok of some workloads whose last period this is and which found no room."""
    later = facts.instance.workloads.deadline_periods > 0
    if period == facts.instance.num_periods - 1 or not bool(later.any()):
        return np.where(mine, waiting, 0.0)
    served = np.bincount(facts.workload, placed, len(waiting))
    late = np.clip(due - served, 0.0, waiting)
    # What is left of sums that cancel is nothing.
    late[late <= SPECK * SPECK * served] = 0.0
    return np.where(mine, np.where(later, late, waiting), 0.0)


def _due(facts: Facts) -> Float:
    """(W, T) Mtok that must be handled by the end of each period: D[w,t-h], in the last D."""
    demand, deadline = facts.instance.demand_mtok, facts.instance.workloads.deadline_periods
    arrived = np.cumsum(demand, axis=1)
    periods = demand.shape[1]
    first = np.arange(periods)[None, :] - np.minimum(deadline, periods)[:, None]
    due = np.where(first >= 0, np.take_along_axis(arrived, np.maximum(first, 0), axis=1), 0.0)
    due[:, -1] = arrived[:, -1]
    return np.asarray(due)

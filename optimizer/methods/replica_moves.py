"""Single replicas that come, go, or change their place, each tried and kept only if it pays.

The rounds before know of a model how much work found no place, not where it would. What a further
replica would save on a pool is a small knapsack at what the model's tokens cost now
(:mod:`optimizer.kernels.replica_worth`); what one less would lose is at least its lane's price.
The moves that promise most are made, no more than one for a model in a period; then these models
are priced anew and exactly, which tells of each move alone what it brought. A lane that did not
keep its promise is believed less.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.lane_values import LaneValues, Priced
from optimizer.methods.replica_rounds import ReplicaRounds
from optimizer.methods.sweeps import Halt
from optimizer.progress import Progress

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Cell = tuple[int, int]
"""A model and a period."""

MOST_ROUNDS = 60
BLOCK = 24
"""Periods that are moved in together, so that when time is up only those of a block are undone."""
QUICK, ENOUGH = 2_500, 4e-5
"""After so many moves a round has to save such a part of the whole cost for another one; so many
take seconds, and what they save comes late where replicas are few."""
LEAST = 1e-6
"""Part of the cost of a period that a move has to promise, and a tenth of it to bring."""
BELIEVED = 0.3
"""Part of a lane's promise that is believed after it was not kept."""


class ReplicaMoves:
    """Goes on from the replicas of ``rounds``, in place. Axes M, P, T.

    Attributes
    ----------
    rounds : the replicas, and their lanes' prices.
    cost : USD that models cost with them in periods, replicas included, as far as it is known.
    made, kept : moves that were tried, and those that paid.
    saved_usd : what these saved, of workloads that stand for all where there are very many.
    """

    def __init__(self, rounds: ReplicaRounds) -> None:
        choice, fleet = rounds.choice, rounds.choice.fleet
        self.rounds, self._fleet, self._crowds = rounds, fleet, choice.crowds
        self._threads = choice.threads
        self.cost: dict[Cell, float] = {}
        self.made = self.kept = 0
        self.saved_usd = 0.0
        capacity = fleet.market.capacity
        self._able = fleet.market.able & (fleet.unit[:, :, None] <= capacity)
        self._trust = np.ones(rounds.count.shape)
        self._values = [
            LaneValues(crowd, fleet.unit[model], fleet.whole[model], choice.more[model])
            for model, crowd in enumerate(choice.crowds)
        ]

    def run(self, whole_usd: float, progress: Progress, halt: Halt) -> None:
        """Move until nothing promises anything.

        Parameters
        ----------
        whole_usd : cost of the relaxed plan, what is paid in any case included.
        """
        todo = np.arange(self.rounds.count.shape[2])
        least, enough = LEAST * abs(whole_usd) / max(len(todo), 1), ENOUGH * abs(whole_usd)
        saved = -np.inf
        for _ in range(MOST_ROUNDS):
            if self.made > QUICK and self.saved_usd - saved < enough:
                return
            if len(todo) == 0 or halt():
                return
            saved = self.saved_usd
            blocks = np.array_split(todo, -(-len(todo) // BLOCK))
            moved = [self._round(block, least, halt) for block in blocks if not halt()]
            todo = np.concatenate([np.empty(0, np.int64), *moved])
            progress.step()

    def _round(self, todo: Int, least: float, halt: Halt) -> Int:
        """Try a move for every model of these periods; gives the periods where there were any."""
        rounds, trial, worth = self.rounds, self.rounds.count.copy(), self._worth(todo)
        moves = [
            (int(period), move)
            for place, period in enumerate(todo.tolist())
            for move in self._moves(period, worth[:, :, place], least, trial).tolist()
        ]
        cells = [(move[place], t) for t, move in moves for place in (0, 3) if move[place] >= 0]
        # Of what a model costs now the exact sum is known from its last move, or not yet.
        fresh = [cell for cell in cells if cell not in self.cost]
        for cell, now in self._priced(fresh, rounds.count, halt).items():
            self._take(cell, now)
        priced = self._priced(cells, trial, halt)
        for period, (m, p, q, n, _) in moves:
            # Who goes first, so that no pool is too full should Ctrl-C come in between.
            who = [(m, period)] if n < 0 else [(n, period), (m, period)]
            if any(cell not in priced or cell not in self.cost for cell in who):
                continue
            new = sum(priced[cell].usd for cell in who)
            old = sum(self.cost[cell] for cell in who)
            self.made += 1
            if all(priced[cell].exact for cell in who) and new < old - 0.1 * least:
                self.kept += 1
                self.saved_usd += old - new
                for cell in who:
                    rounds.count[cell[0], :, period] = trial[cell[0], :, period]
                    self._take(cell, priced[cell])
            else:
                for lane in (p, q):
                    if lane >= 0:
                        self._trust[m, lane, period] *= BELIEVED
        return np.unique(np.array([period for period, _ in moves], np.int64))

    def _moves(self, period: int, worth: Float, least: float, trial: Float) -> Int:
        """(k, 5) moves of a period, made in ``trial``."""
        from optimizer.kernels.replica_moves import replica_moves

        rounds, fleet = self.rounds, self._fleet
        count = rounds.count[:, :, period].copy()
        lane = np.where(count > 0, rounds.lane_usd[:, :, period], 0.0)
        moves = replica_moves(
            fleet.unit,
            np.ascontiguousarray(fleet.held_usd[:, period]),
            np.ascontiguousarray(worth),
            fleet.unit * lane,
            np.ascontiguousarray(self._able[:, :, period]),
            np.ascontiguousarray(self._trust[:, :, period]),
            least,
            count,
            fleet.market.capacity[:, period] - (fleet.unit * count).sum(axis=0),
        )
        trial[:, :, period] = count
        return np.asarray(moves)

    def _take(self, cell: Cell, priced: Priced) -> None:
        model, period = cell
        self.cost[cell] = priced.usd
        self.rounds.lane_usd[model, :, period] = priced.lane_usd

    def _priced(self, cells: list[Cell], count: Float, halt: Halt) -> dict[Cell, Priced]:
        """What models cost in periods, replicas included; those that time was left for."""
        rounds, fleet = self.rounds, self._fleet

        def of(cell: Cell) -> Priced | None:
            if halt():
                return None
            model, period = cell
            mine, lane_usd = count[model, :, period], rounds.lane_usd[model, :, period]
            hours = np.where(fleet.whole[model], fleet.unit[model] * mine, 0.0)
            paid_usd = float(hours @ fleet.held_usd[:, period])
            return self._values[model].at(period, mine, lane_usd, paid_usd)

        with ThreadPoolExecutor(self._threads) as pool:
            found = zip(cells, pool.map(of, cells), strict=True)
            return {cell: priced for cell, priced in found if priced is not None}

    def _worth(self, periods: Int) -> Float:
        """(M, P, t) USD that a further replica saves at most."""
        from optimizer.kernels.replica_worth import replica_worth

        rounds = self.rounds

        def of(model: int) -> Float:
            crowd = self._crowds[model]
            lane = np.where(rounds.count[model] > 0, rounds.lane_usd[model], np.inf)[:, periods]
            # Opening times count from the first of the periods that are looked at.
            opens = np.searchsorted(periods, crowd.opens).astype(np.int32)
            return np.asarray(
                replica_worth(
                    crowd.first, crowd.pool, opens, crowd.usd, crowd.hours, crowd.ceiling,
                    np.ascontiguousarray(crowd.demand[:, periods]), np.ascontiguousarray(lane),
                    self._fleet.unit[model],
                )
            )  # fmt: skip

        with ThreadPoolExecutor(self._threads) as pool:
            return np.stack(list(pool.map(of, range(len(rounds.count)))))

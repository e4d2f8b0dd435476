"""Single replicas that come, go, or change their place, each tried and kept only if it pays.

The rounds before know of a model how much work found no place, not where it would. What a further
replica would save on a pool is a small knapsack at what the model's tokens cost now
(:mod:`optimizer.kernels.replica_worth`), what one less would lose is at least its lane's price. The
moves that promise most are made, no more than one for a model in a period; then the lanes are
priced anew, which tells of each move alone what it brought. A lane that did not keep its promise
is believed less.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.lane_values import LaneValues
from optimizer.methods.replica_rounds import ReplicaRounds
from optimizer.methods.sweeps import Halt
from optimizer.progress import Progress

Float = NDArray[np.float64]
Int = NDArray[np.int64]

MOST_ROUNDS = 60
LEAST = 1e-6
"""Part of the cost of a period that a move has to promise."""
BELIEVED = 0.3
"""Part of a lane's promise that is believed after it was not kept."""


class ReplicaMoves:
    """Goes on from the replicas of ``rounds``, in place. Axes M, P, T."""

    def __init__(self, rounds: ReplicaRounds) -> None:
        self.rounds = rounds
        self.fleet, self.choice = rounds.choice.fleet, rounds.choice
        self.threads = rounds.choice.threads
        self._values = [LaneValues(crowd, self.fleet.unit[m], self.fleet.whole[m], self.choice.more[m]) for m, crowd in enumerate(self.choice.crowds)]

    def run(self, whole_usd: float, progress: Progress, halt: Halt) -> None:
        """Move until nothing promises anything.

        Parameters
        ----------
        whole_usd : cost of the relaxed plan, what is paid in any case included.
        """
        from optimizer.kernels.replica_moves import replica_moves

        rounds, fleet, market = self.rounds, self.fleet, self.fleet.market
        models, pools, periods = rounds.count.shape
        trust = np.ones(rounds.count.shape)
        able = market.able & (fleet.unit[:, :, None] <= market.capacity * (1 + 1e-9))
        cost = np.empty((models, periods))
        todo = np.arange(periods)
        every = [(model, period) for period in range(periods) for model in range(models)]
        for (model, period), (usd, lane_usd, exact) in self._tried(every, rounds.count, halt).items():
            cost[model, period] = usd
            rounds.lane_usd[model, :, period] = lane_usd
        least = LEAST * abs(whole_usd) / periods
        for _ in range(MOST_ROUNDS):
            if halt() or len(todo) == 0:
                return
            worth = self._worth(todo)
            made: list[tuple[int, Int]] = []
            trial = rounds.count.copy()
            for place, period in enumerate(todo.tolist()):
                count = rounds.count[:, :, period].copy()
                held = fleet.unit * count
                lane = np.where(count > 0, rounds.lane_usd[:, :, period], 0.0)
                moves = replica_moves(
                    fleet.unit,
                    np.ascontiguousarray(fleet.held_usd[:, period]),
                    np.ascontiguousarray(worth[:, :, place]),
                    fleet.unit * lane,
                    np.ascontiguousarray(able[:, :, period]),
                    np.ascontiguousarray(trust[:, :, period]),
                    least,
                    count,
                    market.capacity[:, period] - held.sum(axis=0),
                )
                trial[:, :, period] = count
                made += [(period, move) for move in moves]
            changed = (trial != rounds.count).any(axis=1)
            cells = [(int(m), int(t)) for m, t in zip(*np.nonzero(changed), strict=True)]
            now = self._tried(cells, trial, halt)
            if halt():
                return
            kept = 0
            for period, (m, p, q, n, _) in made:
                who = [m] if n < 0 else [m, n]
                new = [now[one, period] for one in who]
                if all(one[2] for one in new) and sum(one[0] for one in new) < cost[who, period].sum() - 0.1 * least:
                    rounds.count[who, :, period] = trial[who, :, period]
                    for one, (usd, lane_usd, _) in zip(who, new):
                        rounds.lane_usd[one, :, period] = lane_usd
                        cost[one, period] = usd
                    kept += 1
                else:
                    for lane in (p, q):
                        if lane >= 0:
                            trust[m, lane, period] *= BELIEVED
            import os
            if os.environ.get('VERB') and self.rounds.rounds%1==0 and _%15==0: print('moves',len(made),'kept',kept,'cost',cost.sum(),len(todo))
            todo = np.unique([period for period, _ in made]).astype(np.int64)
            progress.step()

    def _tried(
        self, cells: list[tuple[int, int]], count: Float, halt: Halt
    ) -> dict[tuple[int, int], tuple[float, Float, bool]]:
        """Cost, replicas included, lane prices and whether it is reached, by model and period."""
        held_usd, rounds = self.fleet.held_usd, self.rounds

        def of(cell: tuple[int, int]) -> tuple[float, Float, bool]:
            model, period = cell
            mine = count[model, :, period]
            usd, lane_usd, exact = self._values[model].at(
                period, mine, rounds.lane_usd[model, :, period]
            )
            hours = np.where(self.fleet.whole[model], self.fleet.unit[model] * mine, 0.0)
            return usd + float(hours @ held_usd[:, period]), lane_usd, exact

        with ThreadPoolExecutor(self.threads) as pool:
            return dict(zip(cells, pool.map(of, cells), strict=True))

    def _worth(self, periods: Int) -> Float:
        """(M, P, t) USD that a further replica saves at most."""
        from optimizer.kernels.replica_worth import replica_worth

        rounds = self.rounds

        def of(model: int) -> Float:
            crowd = self.choice.crowds[model]
            lane = np.where(rounds.count[model] > 0, rounds.lane_usd[model], np.inf)[:, periods]
            # Opening times count from the first of the periods that are looked at.
            opens = np.searchsorted(periods, crowd.opens).astype(np.int32)
            return replica_worth(
                crowd.first, crowd.pool, opens, crowd.usd, crowd.hours, crowd.ceiling,
                np.ascontiguousarray(crowd.demand[:, periods]), np.ascontiguousarray(lane),
                self.fleet.unit[model],
            )  # fmt: skip

        with ThreadPoolExecutor(self.threads) as pool:
            return np.stack(list(pool.map(of, range(len(rounds.count)))))

"""Rounds that choose whole replicas, price the lanes with them, and learn what was misjudged.

With replicas fixed, each model is a market whose pools are its lanes; climbing its smoothed bound
tells what these replicas really cost. Where that is much more than expected, work found no
place on the lanes that the model of :mod:`~optimizer.methods.replica_choice` thought as good as
others. The model then wants so much more, and the period is chosen anew. Of each period the
cheapest replicas are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Level
from optimizer.methods.few_steps import climb_few
from optimizer.methods.market import Market
from optimizer.methods.replica_choice import SHORTAGE, WIDTH, ReplicaChoice
from optimizer.methods.sweeps import Halt, Sweeps
from optimizer.progress import Progress

Float = NDArray[np.float64]
Int = NDArray[np.int64]

MOST_ROUNDS = 12
TOLERANCE = 3e-5
"""Part of the bound to which lanes are climbed."""
MOST_STEPS = 20
"""Steps after which they are taken as they are."""
UNFIT = 0.1
"""Part of the price of what does not fit then that is added to the cost. Near the top the error is
of second order, and what does not fit says little; far from it there is much that does not."""
ENOUGH = 4e-5
"""Part of the whole cost that the last round has to have saved for another one."""
MISJUDGED, OF_MODEL, OF_PERIOD = 1.5, 2e-3, 1e-4
"""A surprise is what goes beyond so much of what was expected, of the relaxed cost of the
model, and of the period."""
ANSWER = 1.5
"""Times what a surprise tells is missing that a model wants more in the next round."""


@dataclass(eq=False)
class ReplicaRounds:
    """The replicas so far. Axes M, P, T.

    Attributes
    ----------
    choice : the model that replicas are chosen by.
    slack_usd : (P, T) USD per chip-hour that is lost when one stays free: the relaxed price
        beyond what is paid for use.
    count : (M, P, T) the best replicas so far.
    lane_usd : (M, P, T) price per chip-hour of lanes with them.
    excess_usd : (T,) estimate of what they cost beyond the relaxed plan; infinity before the
        first round.
    rounds : how many there were.
    """

    choice: ReplicaChoice
    slack_usd: Float
    count: Float = field(init=False)
    lane_usd: Float = field(init=False)
    excess_usd: Float = field(init=False)
    rounds: int = 0

    def __post_init__(self) -> None:
        self.count = self.choice.floor()
        self.lane_usd = np.repeat(self.choice.price[None], len(self.count), axis=0)
        self.excess_usd = np.full(self.count.shape[2], np.inf)

    def run(self, whole_usd: float, progress: Progress, halt: Halt) -> None:
        """Go on until nothing surprises.

        Parameters
        ----------
        whole_usd : cost of the relaxed plan, what is paid in any case included.
        """
        now, extra = self.count.copy(), np.zeros(self.choice.relaxed_usd.shape)
        lane_usd, todo = self.lane_usd.copy(), np.arange(now.shape[2])
        # The first choice takes seconds and is far better than none, so it is made in any case.
        now = self.choice.improved(now, extra, todo, 0)
        self.count = now.copy()
        while len(todo) and self.rounds < MOST_ROUNDS and not halt():
            if self.rounds > 0:
                now[:, :, todo] = self.choice.improved(now, extra, todo, self.rounds)
            lost = self._lost(now, lane_usd, todo, halt)
            if lost is None:
                return
            before = self.excess_usd.copy()
            free = self.choice.fleet.market.capacity - self._held(now)
            excess = lost.sum(axis=0) + (self.slack_usd * free)[:, todo].sum(axis=0)
            better = excess < self.excess_usd[todo]
            kept = todo[better]
            self.excess_usd[kept] = excess[better]
            self.count[:, :, kept] = now[:, :, kept]
            self.lane_usd[:, :, kept] = lane_usd[:, :, kept]
            self.rounds += 1
            progress.step()
            gained = (before - self.excess_usd)[kept].sum()
            if gained < ENOUGH * abs(whole_usd):
                return
            surprise = self._surprise(now, lost, todo)
            extra[:, todo] += ANSWER / SHORTAGE * surprise
            todo = todo[(surprise > 0).any(axis=0)]

    def lanes_of(self, model: int) -> Int:
        """Pools on which a model runs in any period."""
        return np.flatnonzero(self.count[model].any(axis=1))

    def _held(self, count: Float) -> Float:
        return np.asarray(np.einsum("mp,mpt->pt", self.choice.fleet.unit, count))

    def _lost(self, count: Float, lane_usd: Float, periods: Int, halt: Halt) -> Float | None:
        """(M, t) USD beyond the relaxed cost; moves ``lane_usd``. None when halted."""
        found = np.empty((len(count), len(periods)))
        for model in range(len(count)):
            if halt():
                return None
            found[model] = self._lost_of(model, count[model], lane_usd[model], periods, halt)
        return found - self.choice.relaxed_usd[:, periods]

    def _lost_of(
        self, model: int, count: Float, lane_usd: Float, periods: Int, halt: Halt
    ) -> Float:
        """(t,) USD that a model costs with these replicas; moves its ``lane_usd``, (P, T)."""
        choice, fleet = self.choice, self.choice.fleet
        crowd = choice.crowds[model]
        pools = np.flatnonzero(choice.able[model].any(axis=1))
        if len(pools) == 0:
            return np.asarray(crowd.ceiling @ crowd.demand[:, periods])
        held = fleet.unit[model][:, None] * count + choice.more[model]
        held = np.where(count > 0, np.maximum(held, 0.0), 0.0)
        market = fleet.lanes(model, held, pools, crowd)
        running, whole = market.able, fleet.whole[model, pools, None]
        used_usd = np.where(whole, 0.0, fleet.held_usd[pools])
        price = np.where(running, np.maximum(lane_usd[pools] - used_usd, 0.0), 0.0)
        price, cost = _priced(market, price, periods, choice.threads, halt)
        # A lane that is closed has no price of its own: it begins at the relaxed one.
        full = np.where(running, price + used_usd, choice.price[pools])
        lane_usd[np.ix_(pools, periods)] = full[:, periods]
        paid_usd = self.slack_usd[pools] + np.where(whole, fleet.held_usd[pools], 0.0)
        return np.asarray(cost + (paid_usd * market.capacity)[:, periods].sum(axis=0))

    def _surprise(self, count: Float, lost: Float, periods: Int) -> Float:
        """(M, t) USD that replicas cost beyond what they may have been thought to."""
        relaxed = np.abs(self.choice.relaxed_usd[:, periods])
        fair = MISJUDGED * self.choice.expected(count[:, :, periods], periods)
        fair += OF_MODEL * relaxed + OF_PERIOD * relaxed.sum(axis=0)
        return np.maximum(0.0, lost - fair)


def _priced(
    market: Market, price: Float, periods: Int, threads: int, halt: Halt
) -> tuple[Float, Float]:
    """(k, T) lane prices, and (t,) the smoothed cost with a part of what does not fit."""
    sweeps = Sweeps(market, threads)
    real = market.ceiling > 0
    least = np.min(market.scale[real] / market.ceiling[real], initial=1.0)
    level = Level(temperature=WIDTH * max(least, 1e-6), floor=WIDTH, tolerance=TOLERANCE)
    price = climb_few(sweeps, price, level, MOST_STEPS, halt, periods)
    made = sweeps.smooth(price[:, periods], WIDTH * market.scale, periods)
    now, limit = price[:, periods], market.capacity[:, periods]
    over = np.maximum(made.load - limit, 0.0)
    return price, made.value - (now * limit).sum(axis=0) + UNFIT * (now * over).sum(axis=0)

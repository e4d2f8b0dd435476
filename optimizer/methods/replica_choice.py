"""Whole replicas near the relaxed ones, chosen period by period on a model of what that costs.

At the relaxed prices no model gains by holding more or fewer chip-hours, so what whole numbers cost
is of second order: half a replica too many here, a worse place for some tokens there. The second
derivatives of the smoothed market of a model say how steeply its lanes' prices part when the
chip-hours on them are moved by D: its curvature C turns prices into load, so its inverse turns
load into prices. In one direction that inverse says nothing, since tokens have to go somewhere:
when all lanes grow or shrink together. What is missing there is paid at a multiple of its worth,
and what is too much is paid for but gains nothing. The descent over these numbers is
:mod:`optimizer.kernels.replica_descent`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market
from optimizer.methods.price_ladder import COLDEST, CROWD
from optimizer.methods.replica_market import ReplicaMarket
from optimizer.methods.replica_sample import sampled
from optimizer.methods.sweeps import Sweeps

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

SHORTAGE = 12.0
"""Times its worth that work without a place is taken to cost."""
WIDTH = 1e-3
"""Width of the soft-min that the curvature is taken at, as a part of a workload's scale."""
KICKS, LANES_KICKED = 10, 4
SEED = 20260506
LEAST_WORTH = 0.3
"""Worth of a chip-hour that the relaxed plan has for nothing, as a part of its list price."""
USED, NEARLY_USED, CHEAPER = 1e-3, 0.1, 0.02
"""Replicas of relaxed load that make a lane a candidate, or so many were it cheaper by a part."""
STIFF, SOFT = 10.0, 1e-4
"""Added to the curvature: along the worth of lanes, and everywhere, as parts of its size."""


@dataclass(frozen=True, eq=False)
class ReplicaChoice:
    """The model of all periods around one vector of relaxed prices. Axes M, P, T.

    Attributes
    ----------
    fleet : the market and its parts.
    load : (M, P, T) chip-hours held in the relaxed plan; no pool beyond its limit.
    bend : (T, M, P, P) USD per chip-hour squared.
    able : (M, P, T) lanes on which replicas may run.
    worth : (P, T) USD per chip-hour: what models add up what they hold by; > 0.
    price : (P, T) USD per chip-hour of the relaxed plan, use included.
    crowds : of each model, the workloads that stand for all.
    more : (M, P, T) chip-hours that these hold more at the relaxed prices than all do.
    relaxed_usd : (M, T) what their tokens cost at it. Both smoothed at ``WIDTH``.
    threads : that share the periods.
    """

    fleet: ReplicaMarket
    load: Float
    bend: Float
    able: Bool
    worth: Float
    price: Float
    crowds: tuple[Market, ...]
    more: Float
    relaxed_usd: Float
    threads: int

    @classmethod
    def at(cls, fleet: ReplicaMarket, price: Float, list_usd: Float, threads: int) -> ReplicaChoice:
        """Look at the market once at prices.

        Parameters
        ----------
        price : (P, T) USD per chip-hour beyond what is paid for use.
        list_usd : (P, T) USD per chip-hour that the pool's chips cost, held or not.
        """
        market = fleet.market
        periods = np.arange(market.num_periods)
        models, pools = fleet.unit.shape
        full = fleet.held_usd + np.where(market.able, price, 0.0)
        usual = np.where(list_usd > 0, list_usd, 1.0)
        worth = np.maximum(full, LEAST_WORTH * usual)
        load = np.zeros((models, pools, len(periods)))
        bend = np.zeros((len(periods), models, pools, pools))
        able = np.zeros(load.shape, np.bool_)
        # The width at which prices were climbed: at another the loads do not fit.
        sharp = min(COLDEST, CROWD / max(market.num_workloads, 1))
        crowds, more = [], np.zeros(load.shape)
        relaxed_usd = np.zeros((models, len(periods)))
        for model, part in enumerate(fleet.parts):
            sweeps = Sweeps(part, threads)
            load[model] = sweeps.smooth(price, sharp * part.scale, periods).load
            wide = sweeps.smooth(price, WIDTH * part.scale, periods)
            crowd = sampled(part)
            few = wide
            if crowd is not part:
                few = Sweeps(crowd, threads).smooth(price, WIDTH * crowd.scale, periods)
            crowds.append(crowd)
            more[model] = few.load - wide.load
            relaxed_usd[model] = few.value
            unit = fleet.unit[model][:, None]
            eager = np.einsum("tpp->pt", wide.curvature) * CHEAPER * worth
            able[model] = (load[model] > USED * unit) | (eager > NEARLY_USED * unit)
            able[model] &= market.able & (unit <= market.capacity)
            bend[:, model] = _bend(wide.curvature, load[model], worth)
        total = load.sum(axis=0)
        fit = np.minimum(1.0, market.capacity / np.where(total > 0, total, 1.0))
        return cls(
            fleet, load * fit, bend, able, worth, full, tuple(crowds), more, relaxed_usd, threads
        )

    def floor(self) -> Float:
        """(M, P, T) the relaxed replicas rounded down, which always fit."""
        fraction = self.load / self.fleet.unit[:, :, None]
        return np.where(self.able, np.floor(fraction + 1e-6 * (fraction < 1e6)), 0.0)

    def improved(self, count: Float, extra: Float, periods: Int, turn: int) -> Float:
        """(M, P, t) better replicas for some periods.

        Parameters
        ----------
        count : (M, P, T) replicas to begin with.
        extra : (M, T) worth that each model shall hold beyond its relaxed load.
        periods : (t,) which.
        turn : another number draws other kicks.
        """
        from optimizer.kernels.replica_descent import replica_descent

        unit, capacity = self.fleet.unit, self.fleet.market.capacity
        held_usd = self.fleet.held_usd

        def descend(period: int) -> Float:
            kicks = np.random.default_rng([SEED, turn, period]).random((KICKS, LANES_KICKED, 3))
            mine = count[:, :, period].copy()
            beyond = unit * mine - self.load[:, :, period]
            worth = np.ascontiguousarray(self.worth[:, period])
            bend = self.bend[period]
            replica_descent(
                unit,
                np.array(np.broadcast_to(held_usd[:, period], unit.shape)),
                worth,
                bend,
                np.ascontiguousarray(self.able[:, :, period]),
                SHORTAGE,
                kicks,
                mine,
                capacity[:, period] - (unit * mine).sum(axis=0),
                extra[:, period] - beyond @ worth,
                np.einsum("mpr,mr->mp", bend, beyond),
            )
            return mine

        with ThreadPoolExecutor(self.threads) as pool:
            return np.stack(list(pool.map(descend, periods.tolist())), axis=2)

    def expected(self, count: Float, periods: Int) -> Float:
        """(M, t) USD that replicas should cost beyond the relaxed plan, by the model."""
        found = np.empty((len(count), len(periods)))
        for place, period in enumerate(periods.tolist()):
            beyond = self.fleet.unit * count[:, :, place] - self.load[:, :, period]
            found[:, place] = np.maximum(0.0, beyond @ self.price[:, period])
            found[:, place] += 0.5 * np.einsum("mp,mpr,mr->m", beyond, self.bend[period], beyond)
        return found


def _bend(curvature: Float, load: Float, worth: Float) -> Float:
    """(T, P, P) inverse of the curvature, made definite."""
    worth = worth.T
    size = np.einsum("tpp->t", curvature) / np.einsum("tp,tp->t", worth, worth)
    matrix = curvature + (STIFF * size)[:, None, None] * worth[:, :, None] * worth[:, None, :]
    total = load.sum(axis=0)[:, None]
    least = np.finfo(float).tiny ** 0.25
    np.einsum("tpp->tp", matrix)[:] += np.maximum(SOFT * total / worth, least)
    return np.asarray(np.linalg.inv(matrix))

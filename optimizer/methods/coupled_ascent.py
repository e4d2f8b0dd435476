"""The coupled ascent: prices at which smoothed workloads keep every limit, over all periods.

The smoothed bound of :mod:`optimizer.methods.ascent` with prices on all rows R, what workloads
take being L and the limits b,

    g(lam) = sum of what arrives at its soft-min over ways and windows, at prices R' lam  -  b lam

is concave; its slope is ``R L - b`` and its bend ``-R B R'``. Rows over the horizon and windows
couple periods, so all move together: projected Newton, damped as by Levenberg and Marquardt. B has
a block for each period; with rows over the horizon the system is a block matrix with a border,
solved by its Schur complement. Windows add bends between periods, known only as a product with a
vector: conjugate gradients, preconditioned with the bordered blocks (S. G. Nash, "A survey of
truncated-Newton methods", Journal of Computational and Applied Mathematics 124, 2000).

Where nothing couples periods, each goes its own way: its own steps, its own damping.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import ENOUGH, FIRST_RADIUS, Halt, Level
from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.coupled_sweeps import CoupledSweeps, Landscape

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

MOST_STEPS = 80
"""Steps after which a level ends whether it converged or not."""
INNER = 0.05
"""Part of the slope that conjugate gradients may leave."""
MOST_PRODUCTS = 60


def widths(coupled: CoupledMarket, level: Level) -> Float:
    """(W,) USD per Mtok: how far from the best a way still counts."""
    market = coupled.market
    width = np.maximum(level.temperature * market.ceiling, level.floor * market.scale)
    return np.maximum(width, np.finfo(float).tiny / np.finfo(float).eps)


def climb(
    sweeps: CoupledSweeps,
    at: Multipliers,
    level: Level,
    halt: Halt,
    told: Callable[[Multipliers], None] = lambda at: None,
) -> Multipliers:
    """Prices that maximise the smoothed bound, from prices to start with."""
    coupled = sweeps.coupled
    width = widths(coupled, level)
    unit = _price_units(coupled, width / level.temperature)
    able = np.ones(at.each.shape, np.bool_)
    able[: len(unit[0])] = coupled.market.able
    at = Multipliers(np.where(able, at.each, 0.0), at.whole)
    here = sweeps.smooth(coupled.prices(at), width)
    value = _summed(coupled, _value(coupled, here, at))
    radius = np.full(len(value), FIRST_RADIUS * level.temperature)
    damping = np.zeros(len(value))
    for _ in range(MOST_STEPS):
        slope = _slope(coupled, here)
        newton = _Newton(sweeps, here, at, slope, able, damping, width, unit, level)
        step = newton.step()
        moved = np.abs(coupled.change(step)) / unit[:, :, None]
        longest = moved.max(axis=(0, 1))
        if coupled.joint:
            longest = longest.max(keepdims=True)
        shrink = np.minimum(1.0, radius / np.where(longest > 0, longest, 1.0))
        trial = Multipliers(
            np.maximum(at.each + shrink * step.each, 0.0),
            np.maximum(at.whole + shrink[:1] * step.whole, 0.0),
        )
        gain = slope.each * (trial.each - at.each)
        promised = _summed(coupled, gain.sum(axis=0), slope.whole @ (trial.whole - at.whole))
        size = _summed(coupled, np.abs(here.value) + (at.each * coupled.limit).sum(axis=0))
        going = (promised > level.tolerance * size) | (
            (shrink < 1) & (promised > 1e-3 * level.tolerance * size)
        )
        if not bool(going.any()) or halt():
            break
        there = sweeps.smooth(coupled.prices(trial), width)
        reached = _summed(coupled, _value(coupled, there, trial))
        good = reached - value >= ENOUGH * promised
        at, here = _chosen(good, (trial, there), (at, here))
        full = reached - value >= 0.4 * promised
        value = np.where(good, reached, value)
        radius = np.where(full & (shrink < 1), radius * 3, np.where(good, radius, radius / 4))
        damping = np.where(good, damping / 10, np.maximum(damping * 10, 1e-3))
        damping[damping < 1e-6] = 0.0
        told(at)
    return at


class _Newton:
    """One damped Newton system, on the prices that are free to move."""

    def __init__(
        self,
        sweeps: CoupledSweeps,
        here: Landscape,
        at: Multipliers,
        slope: Multipliers,
        able: Bool,
        damping: Float,
        width: Float,
        unit: Float,
        level: Level,
    ) -> None:
        self.sweeps, self.here, self.width = sweeps, here, width
        coupled = sweeps.coupled
        rows, count = coupled.rows, len(at.each)
        self.count = count
        free = (able & ((at.each > 0) | (slope.each > 0))).T
        over = (at.whole > 0) | (slope.whole > 0)
        self.free = np.concatenate([free, np.broadcast_to(over, (len(free), len(over)))], axis=1)
        self.slope = slope
        matrix = np.matmul(np.matmul(rows, here.curvature), rows.transpose(0, 2, 1))
        self.matrix = np.where(self.free[:, :, None] & self.free[:, None, :], matrix, 0.0)
        diagonal = np.einsum("tnn->tn", self.matrix)
        flat = np.einsum("tng,tg->tn", rows**2, _flat(coupled, here, unit, level))
        flat = np.where(flat > 0, flat, 1.0)
        each, whole = flat[:, :count], flat[:, count:].sum(axis=0)
        bend = diagonal[:, count:].sum(axis=0)
        self.added = damping[:, None] * (diagonal[:, :count] + 1e-3 * each) + 1e-7 * each
        self.added = np.where(free, self.added, 1.0)
        self.added_whole = damping[0] * (bend + 1e-3 * whole) + 1e-7 * whole
        self.added_whole = np.where(over, self.added_whole, 1.0)
        block = self.matrix[:, :count, :count].copy()
        np.einsum("tnn->tn", block)[:] += self.added
        self.inverse = np.linalg.inv(block)
        self.border = self.matrix[:, :count, count:]
        self.carried = np.matmul(self.inverse, self.border)
        corner = self.matrix[:, count:, count:].sum(axis=0) + np.diag(self.added_whole)
        corner -= np.einsum("tnj,tnk->jk", self.border, self.carried)
        self.corner = corner

    def step(self) -> Multipliers:
        """The step, exact where periods are not coupled by windows."""
        right = self._masked(self.slope)
        if not self.sweeps.coupled.waits:
            return self._solved(right)
        return self._conjugate_gradients(right)

    def _masked(self, vector: Multipliers) -> Multipliers:
        free = self.free[:, : self.count].T
        over = self.free[0, self.count :]
        return Multipliers(np.where(free, vector.each, 0.0), np.where(over, vector.whole, 0.0))

    def _solved(self, right: Multipliers) -> Multipliers:
        """Answer of the bordered blocks."""
        each = np.matmul(self.inverse, right.each.T[:, :, None])[:, :, 0]
        if len(right.whole) == 0:
            return Multipliers(each.T, right.whole)
        rest = right.whole - np.einsum("tnj,tn->j", self.border, each)
        whole = np.linalg.lstsq(self.corner, rest, rcond=1e-14)[0]
        each = each - np.einsum("tnj,j->tn", self.carried, whole)
        return Multipliers(each.T, whole)

    def _applied(self, vector: Multipliers) -> Multipliers:
        """The system times a vector."""
        coupled, periods = self.sweeps.coupled, len(self.matrix)
        stacked = np.concatenate(
            [vector.each.T, np.broadcast_to(vector.whole, (periods, len(vector.whole)))], axis=1
        )
        found = np.matmul(self.matrix, stacked[:, :, None])[:, :, 0]
        between = self.sweeps.product(self.here, coupled.change(vector), self.width)
        extra = self._masked(coupled.taken(between))
        each = found[:, : self.count].T + extra.each + self.added.T * vector.each
        whole = found[:, self.count :].sum(axis=0) + extra.whole + self.added_whole * vector.whole
        return Multipliers(each, whole)

    def _conjugate_gradients(self, right: Multipliers) -> Multipliers:
        answer = Multipliers(np.zeros(right.each.shape), np.zeros(right.whole.shape))
        left, close = right, self._solved(right)
        way, measure = close, _dot(left, close)
        goal = INNER**2 * measure
        for _ in range(MOST_PRODUCTS):
            turned = self._applied(way)
            bent = _dot(way, turned)
            if not bent > 0:
                break
            length = measure / bent
            answer, left = _plus(answer, way, length), _plus(left, turned, -length)
            close = self._solved(left)
            new = _dot(left, close)
            if new <= goal:
                break
            way, measure = _plus(close, way, new / measure), new
        return answer


def _dot(one: Multipliers, other: Multipliers) -> float:
    return float((one.each * other.each).sum() + one.whole @ other.whole)


def _plus(one: Multipliers, other: Multipliers, times: float) -> Multipliers:
    return Multipliers(one.each + times * other.each, one.whole + times * other.whole)


def _price_units(coupled: CoupledMarket, worth_usd: Float) -> Float:
    """(g, P) USD per unit of what is taken at which a pool's typical workload would give up.

    Parameters
    ----------
    worth_usd : (W,) USD per Mtok of giving up.
    """
    market = coupled.market
    worth = np.repeat(worth_usd, np.diff(market.first))
    pools = len(market.capacity)
    number = np.bincount(market.pool, minlength=pools)
    units = np.ones((len(coupled.takes), pools))
    for good, amount in enumerate(coupled.takes):
        inverse = np.bincount(market.pool, amount / worth, minlength=pools)
        known = (number > 0) & (inverse > 0)
        units[good] = np.where(known, number / np.where(known, inverse, 1.0), 1.0)
    return units


def _flat(coupled: CoupledMarket, here: Landscape, unit: Float, level: Level) -> Float:
    """(T, g P) bends that mean nothing: what is taken, per typical price and temperature."""
    amount = here.load.copy()
    amount[0] += coupled.market.capacity
    flat = amount / (unit[:, :, None] * max(level.temperature, 1e-12))
    return np.ascontiguousarray(flat.reshape(-1, flat.shape[2]).T)


def _value(coupled: CoupledMarket, here: Landscape, at: Multipliers) -> Float:
    """(T,) smoothed bound; what rows over the horizon take off stands in the first period."""
    value = here.value - (at.each * coupled.limit).sum(axis=0)
    value[0] -= at.whole @ coupled.coupling.whole_limit
    return np.asarray(value)


def _slope(coupled: CoupledMarket, here: Landscape) -> Multipliers:
    taken = coupled.taken(here.load)
    return Multipliers(taken.each - coupled.limit, taken.whole - coupled.coupling.whole_limit)


def _summed(coupled: CoupledMarket, by_period: Float, more: Float | float = 0.0) -> Float:
    """By period where each goes its own way, else all together, (1,)."""
    return np.array([by_period.sum() + more]) if coupled.joint else by_period


def _chosen(
    first: Bool, one: tuple[Multipliers, Landscape], other: tuple[Multipliers, Landscape]
) -> tuple[Multipliers, Landscape]:
    """``one`` in the periods of ``first``, ``other`` elsewhere."""
    if bool(first.all()):
        return one
    if not bool(first.any()):
        return other
    (new, there), (old, here) = one, other
    found = Landscape(
        np.where(first, there.value, here.value),
        np.where(first, there.load, here.load),
        np.where(first[:, None, None], there.curvature, here.curvature),
        here.waiting,
    )
    return Multipliers(np.where(first, new.each, old.each), old.whole), found

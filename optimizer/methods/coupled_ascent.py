"""The coupled ascent: prices at which smoothed workloads keep every limit, over all periods.

The smoothed bound of :mod:`optimizer.methods.ascent` with prices on all rows R, what workloads
take being L and the limits b,

    g(lam) = sum of what arrives at its soft-min over ways and windows, at prices R' lam  -  b lam

is concave; its slope is ``R L - b`` and its bend ``-R B R'``. Rows that overlap, as the limits of
pools and a limit on their power, have directions in which prices change and no workload notices, so
that a step would run until a price is zero. What keeps prices off zero is a barrier, ``tau sum of
log lam``, that fades with the temperature (A. V. Fiacco, G. P. McCormick, "Nonlinear Programming:
Sequential Unconstrained Minimization Techniques", Wiley 1968); its bend is taken as the slack of
the row over its price where that is more, as primal-dual methods do.

Rows over the horizon and windows couple periods, so all move together: Newton steps, damped as by
Levenberg and Marquardt. B has a block for each period; with rows over the horizon the system is a
block matrix with a border, solved by its Schur complement. Windows add bends between periods, known
only as a product with a vector: conjugate gradients, preconditioned with the bordered blocks (S. G.
Nash, "A survey of truncated-Newton methods", Journal of Computational and Applied Mathematics 124,
2000).

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
BARRIER = 0.1
"""What the barrier may cost, as a part of the temperature times the bound."""
SHRINK = 0.05
"""Part of itself that a price keeps at least in one step."""


HINDERED, HINDERED_WAITING = 1e-2, 1e-1
"""Part of its tolerance to which a level is climbed by steps that are cut or damped, and where
tokens may wait and steps cost more."""
ROUNDING = 1e-12
"""Part of itself by which the diagonal of a system is raised, so that it can be inverted."""
_TINY = 1e-30


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
    here = sweeps.smooth(coupled.prices(at), width)
    barrier = _Barrier(coupled, here, level)
    at = barrier.inside(at)
    here = sweeps.smooth(coupled.prices(at), width)
    value = barrier.value(here, at)
    radius = np.full(len(value), FIRST_RADIUS * level.temperature)
    damping = np.zeros(len(value))
    for _ in range(MOST_STEPS):
        slope = barrier.slope(here, at)
        step = _Newton(sweeps, here, at, slope, barrier, damping, width, unit, level).step(halt)
        longest = (np.abs(coupled.change(step)) / unit[:, None]).max(axis=0)
        if coupled.joint:
            longest = longest.max(keepdims=True)
        shrink = np.minimum(1.0, radius / np.where(longest > 0, longest, 1.0))
        trial = Multipliers(
            barrier.kept(at.each, shrink * step.each, barrier.least.each),
            barrier.kept(at.whole, shrink[:1] * step.whole, barrier.least.whole),
        )
        gain = slope.each * (trial.each - at.each)
        promised = barrier.summed(gain.sum(axis=0), slope.whole @ (trial.whole - at.whole))
        size = barrier.summed(np.abs(here.value) + (at.each * coupled.limit).sum(axis=0))
        # A step that is cut or damped promises little far from the top as well.
        hindered = (shrink < 1).any() | (damping > 0)
        part = HINDERED_WAITING if coupled.waits else HINDERED
        least = np.where(hindered, part, 1.0) * level.tolerance
        going = promised > least * size
        if not bool(going.any()) or halt():
            break
        there = sweeps.smooth(coupled.prices(trial), width)
        reached = barrier.value(there, trial)
        good = reached - value >= ENOUGH * promised
        at, here = _chosen(good, (trial, there), (at, here))
        full = reached - value >= 0.4 * promised
        value = np.where(good, reached, value)
        radius = np.where(full & (shrink < 1), radius * 3, np.where(good, radius, radius / 4))
        damping = np.where(good, damping / 10, np.maximum(damping * 10, 1e-3))
        damping[damping < 1e-6] = 0.0
        told(at)
    return at


class _Barrier:
    """What keeps prices off zero at one temperature, and the smoothed bound with it."""

    def __init__(self, coupled: CoupledMarket, here: Landscape, level: Level) -> None:
        self.coupled = coupled
        self.able = np.ones(coupled.limit.shape, np.bool_)
        self.able[: len(coupled.market.able)] = coupled.market.able
        rows = int(self.able.sum()) + len(coupled.coupling.whole_limit)
        cost = BARRIER * level.temperature * float(np.abs(here.value).sum())
        self.usd = max(cost / max(rows, 1), _TINY)
        self.least = self._least(here)

    def _least(self, here: Landscape) -> Multipliers:
        """Prices of rows that are wholly idle; 0 where there are no chips."""
        coupled, count = self.coupled, len(self.able)
        size = np.matmul(np.abs(coupled.rows), np.abs(here.load).T[:, :, None])[:, :, 0].T
        each = size[:count] + np.abs(coupled.limit)
        whole = size[count:].sum(axis=1) + np.abs(coupled.coupling.whole_limit)
        return Multipliers(
            np.where(self.able, self.usd / np.maximum(each, 1.0), 0.0),
            self.usd / np.maximum(whole, 1.0),
        )

    def inside(self, at: Multipliers) -> Multipliers:
        """Prices no smaller than what a wholly idle row would have."""
        return Multipliers(
            np.maximum(at.each, self.least.each) * self.able,
            np.maximum(at.whole, self.least.whole),
        )

    @staticmethod
    def kept(price: Float, step: Float, least: Float) -> Float:
        """Prices after a step, none of them much nearer to zero than before."""
        return np.maximum(price + step, np.maximum(SHRINK * price, SHRINK * least))

    def value(self, here: Landscape, at: Multipliers) -> Float:
        """The smoothed bound with the barrier: by period, or all together, (1,)."""
        value = here.value - (at.each * self.coupled.limit).sum(axis=0)
        value += self.usd * np.log(np.where(self.able, at.each, 1.0)).sum(axis=0)
        more = self.usd * np.log(at.whole).sum() - at.whole @ self.coupled.coupling.whole_limit
        return self.summed(value, more)

    def slope(self, here: Landscape, at: Multipliers) -> Multipliers:
        """Of :meth:`value` by prices."""
        taken = self.coupled.taken(here.load)
        each = taken.each - self.coupled.limit + self.usd / np.where(self.able, at.each, 1.0)
        whole = taken.whole - self.coupled.coupling.whole_limit + self.usd / at.whole
        return Multipliers(np.where(self.able, each, 0.0), whole)

    def bend(self, at: Multipliers, slope: Multipliers) -> Multipliers:
        """Of the barrier: slack over price where that is more than the barrier's own."""
        price = np.where(self.able, at.each, 1.0)
        own, over = self.usd / price, self.usd / at.whole
        return Multipliers(
            np.where(self.able, np.maximum(own - slope.each, own) / price, 1.0),
            np.maximum(over - slope.whole, over) / at.whole,
        )

    def summed(self, by_period: Float, more: Float | float = 0.0) -> Float:
        """By period where each goes its own way, else all together, (1,)."""
        return np.array([by_period.sum() + more]) if self.coupled.joint else by_period


class _Newton:
    """One damped Newton system."""

    def __init__(
        self,
        sweeps: CoupledSweeps,
        here: Landscape,
        at: Multipliers,
        slope: Multipliers,
        barrier: _Barrier,
        damping: Float,
        width: Float,
        unit: Float,
        level: Level,
    ) -> None:
        self.sweeps, self.here, self.width, self.able = sweeps, here, width, barrier.able
        coupled = sweeps.coupled
        rows, count = coupled.rows, len(at.each)
        self.count, self.slope = count, slope
        self.matrix = np.matmul(np.matmul(rows, here.curvature), rows.transpose(0, 2, 1))
        kept = np.ones(self.matrix.shape[:2], np.bool_)
        kept[:, :count] = self.able.T
        self.matrix *= kept[:, :, None] & kept[:, None, :]
        diagonal = np.einsum("tnn->tn", self.matrix)
        flat = np.einsum("tnd,td->tn", rows**2, _flat(coupled, here, unit, level))
        flat = np.where(flat > 0, flat, 1.0)
        each, whole = flat[:, :count], flat[:, count:].sum(axis=0)
        over, bend = diagonal[:, count:].sum(axis=0), barrier.bend(at, slope)
        self.added = damping[:, None] * (diagonal[:, :count] + 1e-3 * each) + 1e-9 * each
        self.added += bend.each.T
        self.added_whole = damping[0] * (over + 1e-3 * whole) + 1e-9 * whole + bend.whole
        block = self.matrix[:, :count, :count].copy()
        np.einsum("tnn->tn", block)[:] += self.added
        # Brought to a diagonal of 1, with a hair more: rows may say the same twice.
        root = 1.0 / np.sqrt(np.einsum("tnn->tn", block))
        block *= root[:, :, None] * root[:, None, :]
        np.einsum("tnn->tn", block)[:] += ROUNDING
        self.inverse = np.linalg.inv(block) * (root[:, :, None] * root[:, None, :])
        self.border = self.matrix[:, :count, count:]
        self.carried = np.matmul(self.inverse, self.border)
        corner = self.matrix[:, count:, count:].sum(axis=0) + np.diag(self.added_whole)
        corner -= np.einsum("tnj,tnk->jk", self.border, self.carried)
        self.corner = corner

    def step(self, halt: Halt) -> Multipliers:
        """The step, exact where periods are not coupled by windows."""
        if not self.sweeps.coupled.waits:
            return self._solved(self.slope)
        return self._conjugate_gradients(self.slope, halt)

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
        extra = coupled.taken(between)
        each = found[:, : self.count].T + np.where(self.able, extra.each, 0.0)
        each += self.added.T * vector.each
        whole = found[:, self.count :].sum(axis=0) + extra.whole + self.added_whole * vector.whole
        return Multipliers(each, whole)

    def _conjugate_gradients(self, right: Multipliers, halt: Halt) -> Multipliers:
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
            if new <= goal or halt():
                break
            way, measure = _plus(close, way, new / measure), new
        return answer


def _dot(one: Multipliers, other: Multipliers) -> float:
    return float((one.each * other.each).sum() + one.whole @ other.whole)


def _plus(one: Multipliers, other: Multipliers, times: float) -> Multipliers:
    return Multipliers(one.each + times * other.each, one.whole + times * other.whole)


def _price_units(coupled: CoupledMarket, worth_usd: Float) -> Float:
    """(D,) USD per unit of what is taken at which a typical workload would give up.

    Parameters
    ----------
    worth_usd : (W,) USD per Mtok of giving up.
    """
    market = coupled.market
    worth = np.repeat(worth_usd, np.diff(market.first))
    pools = len(market.capacity)
    units = np.ones(coupled.size)
    number = np.bincount(market.pool, minlength=pools)
    inverse = np.bincount(market.pool, market.hours / worth, minlength=pools)
    known = inverse > 0
    units[:pools] = np.where(known, number / np.where(known, inverse, 1.0), 1.0)
    for place, amount in enumerate(coupled.coupling.extra, start=pools):
        part = float((np.abs(amount) / worth).sum())
        units[place] = len(worth) / part if part > 0 else 1.0
    return units


def _flat(coupled: CoupledMarket, here: Landscape, unit: Float, level: Level) -> Float:
    """(T, D) bends that mean nothing: what is taken, per typical price and temperature."""
    amount = np.abs(here.load)
    amount[: len(coupled.market.capacity)] += coupled.market.capacity
    return np.ascontiguousarray((amount / (unit[:, None] * max(level.temperature, 1e-12))).T)


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

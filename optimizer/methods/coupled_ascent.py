"""The coupled ascent: prices at which smoothed workloads keep every limit, over all periods.

The smoothed bound of :mod:`optimizer.methods.ascent` with prices on all rows R, what workloads
take being L and the limits b,

    g(lam) = sum of what arrives at its soft-min over ways and windows, at prices R' lam  -  b lam

is concave; its slope is ``R L - b`` and its bend ``-R B R'``. Rows that overlap have directions in
which prices change and nobody notices: a barrier keeps prices off zero there
(:mod:`~optimizer.methods.barrier`). Rows over the horizon and windows couple periods, so all move
together: Newton steps, damped as by Levenberg and Marquardt
(:mod:`~optimizer.methods.coupled_newton`).

Where nothing couples periods, each goes its own way: its own steps, its own damping, its own end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import ENOUGH, FIRST_RADIUS, Halt, Level
from optimizer.methods.barrier import Barrier
from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.coupled_newton import Newton
from optimizer.methods.coupled_sweeps import CoupledSweeps, Landscape

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

MOST_STEPS = 80
"""Steps after which a level ends whether it converged or not."""
HINDERED, HINDERED_WAITING = 1e-2, 1e-1
"""Part of its tolerance to which a level is climbed by steps that are cut or damped, and where
tokens may wait and steps cost more."""
FEW = 0.6
"""Part of the periods, each going its own way, from which on they go on without the others."""


def widths(coupled: CoupledMarket, level: Level) -> Float:
    """(W,) USD per Mtok: how far from the best a way still counts."""
    market = coupled.market
    width = np.maximum(level.temperature * market.ceiling, level.floor * market.scale)
    return np.maximum(width, np.finfo(float).tiny / np.finfo(float).eps)


def climb(sweeps: CoupledSweeps, at: Multipliers, level: Level, halt: Halt) -> Multipliers:
    """Prices that maximise the smoothed bound, from prices to start with."""
    coupled = sweeps.coupled
    width = widths(coupled, level)
    here = sweeps.smooth(coupled.prices(at), width)
    barrier = Barrier.of(coupled, here, level)
    inside = barrier.inside(at)
    if bool((inside.each != at.each).any() or (inside.whole != at.whole).any()):
        at, here = inside, sweeps.smooth(coupled.prices(inside), width)
    count = len(barrier.value(here, at))
    climb = _Climb(
        sweeps,
        level,
        width,
        barrier,
        radius=np.full(count, FIRST_RADIUS * level.temperature),
        damping=np.zeros(count),
        steps=MOST_STEPS,
    )
    return climb.run(at, here, halt)


@dataclass(eq=False)
class _Climb:
    """A climb at one temperature; axis n: periods that go their own way, or 1.

    Attributes
    ----------
    width : (W,) USD per Mtok.
    radius : (n,) longest step, in temperatures.
    damping : (n,) as by Levenberg and Marquardt.
    steps : how many it may still take.
    """

    sweeps: CoupledSweeps
    level: Level
    width: Float
    barrier: Barrier
    radius: Float
    damping: Float
    steps: int

    def run(self, at: Multipliers, here: Landscape, halt: Halt) -> Multipliers:
        """Step by step up, until a step promises next to nothing."""
        sweeps, barrier, level = self.sweeps, self.barrier, self.level
        coupled = sweeps.coupled
        unit = _price_units(coupled, self.width / level.temperature)
        value = barrier.value(here, at)
        while self.steps > 0:
            self.steps -= 1
            slope = barrier.slope(here, at)
            newton = Newton(sweeps, here, at, slope, barrier, self.damping, self.width, unit, level)
            step = newton.step(halt)
            longest = (np.abs(coupled.change(step)) / unit[:, None]).max(axis=0)
            if coupled.joint:
                longest = longest.max(keepdims=True)
            shrink = np.minimum(1.0, self.radius / np.where(longest > 0, longest, 1.0))
            trial = Multipliers(
                barrier.kept(at.each, shrink * step.each, barrier.least.each),
                barrier.kept(at.whole, shrink[:1] * step.whole, barrier.least.whole),
            )
            gain = slope.each * (trial.each - at.each)
            promised = barrier.summed(gain.sum(axis=0), slope.whole @ (trial.whole - at.whole))
            size = barrier.summed(np.abs(here.value) + (at.each * coupled.limit).sum(axis=0))
            # A step that is cut or damped promises little far from the top as well.
            hindered = (shrink < 1) | (self.damping > 0)
            part = HINDERED_WAITING if coupled.waits else HINDERED
            least = level.tolerance * size
            going = promised > np.where(hindered, part, 1.0) * least
            going &= (promised > shrink * least) | (self.damping > 0)
            if not bool(going.any()) or halt():
                break
            if float(going.mean()) <= FEW:
                return self._few(at, here, np.flatnonzero(going), halt)
            there = sweeps.smooth(coupled.prices(trial), self.width)
            reached = barrier.value(there, trial)
            good = reached - value >= ENOUGH * promised
            at, here = _chosen(good, (trial, there), (at, here))
            full = reached - value >= 0.4 * promised
            value = np.where(good, reached, value)
            cut = np.where(good, self.radius, self.radius / 4)
            self.radius = np.where(full & (shrink < 1), self.radius * 3, cut)
            self.damping = np.where(good, self.damping / 10, np.maximum(self.damping * 10, 1e-3))
            self.damping[self.damping < 1e-6] = 0.0
        return at

    def _few(self, at: Multipliers, here: Landscape, periods: Int, halt: Halt) -> Multipliers:
        """Go on in some periods alone."""
        part = CoupledSweeps(self.sweeps.coupled.in_periods(periods), self.sweeps.threads)
        climb = _Climb(
            part,
            self.level,
            self.width,
            self.barrier.in_periods(part.coupled, periods),
            self.radius[periods],
            self.damping[periods],
            self.steps + 1,
        )
        few = Landscape(here.value[periods], here.load[:, periods], here.curvature[periods], ())
        found = climb.run(Multipliers(at.each[:, periods], at.whole), few, halt)
        each = np.array(at.each)
        each[:, periods] = found.each
        return Multipliers(each, at.whole)


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

"""The ascent: prices of chip-hours at which smoothed workloads fill no pool beyond its limit.

With prices lam[p,t] >= 0 on capacity the smoothed bound of a period,

    g(lam) = sum_w d[w] softmin_s( v[w], min_p e[w,p] + a[w,p] (c[p] + lam[p]) ) - lam . K H,

is concave and smooth, and periods do not know each other. Each climbs by projected Newton
steps (D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
constraints", SIAM Journal on Control and Optimization 20, 1982), damped as by Levenberg and
Marquardt, until a step promises next to nothing. What comes out is a guess: the bound is
computed at it, whatever it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market, price_units
from optimizer.methods.sweeps import Halt as Halt
from optimizer.methods.sweeps import HaltedError, Smooth, Sweeps

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Tell = Callable[[Int, Float], None]
"""Hears of periods, (t,), and of a bound of each, (t,) USD."""

MOST_STEPS = 60
"""Steps after which a level ends whether it converged or not."""
FIRST_RADIUS = 8.0
"""Longest first step, in temperatures."""
ENOUGH = 0.05
"""Part of the promised gain that a step has to bring."""
AS_PROMISED = 0.6
"""Part from which on the next step may be longer. On a parabola a step brings a half: more than
that, and the slope has hardly fallen."""
LONGER = 4.0
"""Times as far the next step may then go."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One temperature.

    Attributes
    ----------
    temperature : width of the soft-min as a part of what giving up costs.
    floor : least width as a part of the workload's scale.
    tolerance : part of the bound that a step may still promise when the climb ends.
    """

    temperature: float
    floor: float
    tolerance: float


def climb(
    sweeps: Sweeps,
    price: Float,
    level: Level,
    halt: Halt,
    periods: Int | None = None,
    tell: Tell | None = None,
) -> Float:
    """Prices that maximise the smoothed bound, (P, T), from prices to start with.

    When ``halt`` says so, the best so far: it is asked within sweeps as well.

    Parameters
    ----------
    periods : those that climb, ascending; None for all.
    tell : hears of the smoothed bound, which is one of the cost too: soft-min is below min.
    """
    price = np.where(sweeps.market.able, price, 0.0)
    # What is reached stays in ``price``.
    with contextlib.suppress(HaltedError):
        _climb(sweeps, price, level, halt, periods, tell)
    return price


def dearest(market: Market) -> float:
    """Least part that the scale of a workload is of its penalty.

    At a temperature so far below the floor all widths have come down to the floor.
    """
    real = market.ceiling > 0
    least = np.min(market.scale[real] / market.ceiling[real], initial=1.0)
    return max(float(least), 1e-6)


def _climb(
    sweeps: Sweeps,
    price: Float,
    level: Level,
    halt: Halt,
    periods: Int | None,
    tell: Tell | None,
) -> None:
    """The same, on prices that are changed."""
    market = sweeps.market
    width = np.maximum(level.temperature * market.ceiling, level.floor * market.scale)
    width = np.maximum(width, np.finfo(float).tiny / np.finfo(float).eps)
    unit = price_units(market, market.ceiling)  # at which a typical workload would give up
    active = np.arange(market.num_periods) if periods is None else periods
    here = sweeps.smooth(price[:, active], width, active, halt)
    value = here.value - (price * market.capacity)[:, active].sum(axis=0)
    radius = np.full(len(active), FIRST_RADIUS * level.temperature)
    damping = np.zeros(len(active))
    for _ in range(MOST_STEPS):
        if tell is not None:
            tell(active, value)
        now, limit = price[:, active], market.capacity[:, active]
        step = _steps(here, now, limit, market.able[:, active], unit, damping, level)
        longest = np.abs(step / unit[:, None]).max(axis=0, initial=0.0)
        shrink = np.minimum(1.0, radius / np.where(longest > 0, longest, 1.0))
        trial = np.maximum(now + step * shrink, 0.0)
        promised = ((here.load - limit) * (trial - now)).sum(axis=0)
        size = np.abs(here.value) + (now * limit).sum(axis=0)
        # At a cut or damped step little may be promised far from the top.
        going = (promised > level.tolerance * size) | (
            (shrink < 1) & (promised > 1e-3 * level.tolerance * size)
        )
        if not bool(going.any()) or halt():
            break
        active, trial, promised = active[going], trial[:, going], promised[going]
        here, value = _kept(here, going), value[going]
        radius, damping, shrink = radius[going], damping[going], shrink[going]
        there = sweeps.smooth(trial, width, active, halt)
        reached = there.value - (trial * market.capacity[:, active]).sum(axis=0)
        good = reached - value >= ENOUGH * promised
        price[:, active[good]] = trial[:, good]
        here = _chosen(good, there, here)
        further = (reached - value >= AS_PROMISED * promised) & (shrink < 1)
        value = np.where(good, reached, value)
        radius = np.where(further, radius * LONGER, np.where(good, radius, radius / LONGER))
        damping = np.where(good, damping / 10, np.maximum(damping * 10, 1e-3))
        damping[damping < 1e-6] = 0.0


def _steps(
    here: Smooth,
    price: Float,
    limit: Float,
    able: NDArray[np.bool_],
    unit: Float,
    damping: Float,
    level: Level,
) -> Float:
    """(P, t) damped Newton steps on the prices that are free to move."""
    slope = here.load - limit
    free = (able & ((price > 0) | (slope > 0))).T
    matrix = np.where(free[:, :, None] & free[:, None, :], here.curvature, 0.0)
    diagonal = np.einsum("tpp->tp", matrix)
    flat = (here.load + limit).T / (unit * max(level.temperature, 1e-12))
    flat = np.where(flat > 0, flat, 1.0)
    added = damping[:, None] * (diagonal + 1e-3 * flat) + 1e-7 * flat
    np.einsum("tpp->tp", matrix)[:] += np.where(free, added, 1.0)
    right = np.where(free, slope.T, 0.0)
    return np.asarray(np.linalg.solve(matrix, right[:, :, None])[:, :, 0].T)


def _kept(found: Smooth, which: NDArray[np.bool_]) -> Smooth:
    if bool(which.all()):
        return found
    return Smooth(found.value[which], found.load[:, which], found.curvature[which])


def _chosen(first: NDArray[np.bool_], one: Smooth, other: Smooth) -> Smooth:
    """``one`` in the periods of ``first``, ``other`` elsewhere."""
    if bool(first.all()):
        return one
    return Smooth(
        np.where(first, one.value, other.value),
        np.where(first, one.load, other.load),
        np.where(first[:, None, None], one.curvature, other.curvature),
    )

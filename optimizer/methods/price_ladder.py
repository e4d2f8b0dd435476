"""The ladder: prices from few workloads and high temperature to all of them and a low one.

Prices depend on the crowd and hardly on each workload, so most steps are taken where they
cost next to nothing: on a sample, with chips in proportion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Level, Tell, climb, dearest
from optimizer.methods.column_generation import MOST_WAYS
from optimizer.methods.market import Market
from optimizer.methods.spread import WIDTHS
from optimizer.methods.sweeps import Halt, HaltedError, Sweeps
from optimizer.progress import Progress

Float = NDArray[np.float64]
Int = NDArray[np.int64]

HOTTEST, COLDEST = 1e-1, 2e-5
"""Temperatures of the first and, where workloads are few, of the last level."""
FALL = 1 / 5
"""From one level's temperature to the next."""
SMALLEST_SAMPLE, GROWTH = 300, 8
"""Workloads of the first sample, and times as many of the next."""
CROWD = 0.4
"""Workloads times the temperature to which they are cooled. The more there are, the nearer two of
them come to each other, and the smoother is their bound at the same temperature."""
TOLERANCE, ROUGH = 1e-3, 1e-2
"""Part of the temperature to which the last level and those before are climbed, as a part of the
bound."""
WARM = 1.0
"""Times the last temperature at which prices that are thought to be near begin."""
SEED = 20260504
SHARPER = 1 / 5
"""Temperature and slack after, as a part of those before."""
SHARPENINGS = 3


def climbed(
    sweeps: Sweeps,
    progress: Progress,
    halt: Halt,
    tell: Tell | None = None,
    start: Float | None = None,
    periods: Int | None = None,
) -> Float:
    """(P, T) prices of chip-hours beyond what is paid for use.

    Parameters
    ----------
    tell : hears of bounds on the cost, once all workloads climb.
    start : (P, T) prices that are thought to be near; None for none.
    periods : those that climb from such prices, ascending; None for all.
    """
    market = sweeps.market
    if start is not None:
        floor = floor_of(market)
        cold = floor * dearest(market)
        return _down(sweeps, start, WARM * cold, cold, floor, progress, halt, tell, periods)
    price, hottest = np.zeros(market.capacity.shape), HOTTEST
    order = np.random.default_rng(SEED).permutation(market.num_workloads)
    count = SMALLEST_SAMPLE
    while GROWTH * count <= 2 * market.num_workloads:
        part = Sweeps(market.sample(np.sort(order[:count])), sweeps.threads)
        coldest = CROWD / count
        price = _down(part, price, hottest, coldest, coldest, progress, halt, None)
        hottest, count = coldest, GROWTH * count
    floor = floor_of(market)
    return _down(sweeps, price, hottest, floor * dearest(market), floor, progress, halt, tell)


def sharpened(
    sweeps: Sweeps,
    price: Float,
    progress: Progress,
    halt: Halt,
    tell: Tell | None = None,
    periods: Int | None = None,
) -> tuple[Float, Float]:
    """Prices at which few ways are left open in any period, and the slack meant by that, (T,).

    Where chips abound a Mtok costs far less than its scale. There the temperature falls further,
    as long as more ways are near the best than the finish can leave open.

    Parameters
    ----------
    periods : those that are looked at, ascending; None for all.
    """
    market = sweeps.market
    floor = floor_of(market)
    slack = np.full(market.num_periods, WIDTHS * floor)
    todo = np.arange(market.num_periods) if periods is None else periods
    coldest = floor * dearest(market)
    for _ in range(SHARPENINGS):
        try:
            near = sweeps.near(price[:, todo], slack[todo], todo, halt)
        except HaltedError:
            break
        todo = todo[np.bincount(near.position, minlength=len(todo)) > MOST_WAYS]
        if len(todo) == 0:
            break
        coldest, floor = coldest * SHARPER, floor * SHARPER
        slack[todo] *= SHARPER
        level = Level(temperature=coldest, floor=floor, tolerance=TOLERANCE * coldest)
        price = climb(sweeps, price, level, halt, todo, tell)
        progress.step()
    return price, slack


def _down(
    sweeps: Sweeps,
    price: Float,
    hottest: float,
    coldest: float,
    floor: float,
    progress: Progress,
    halt: Halt,
    tell: Tell | None,
    periods: Int | None = None,
) -> Float:
    """Climb at temperature after temperature."""
    temperature = hottest
    while not halt():
        last = temperature <= coldest * 1.0001
        tolerance = TOLERANCE if last else ROUGH
        level = Level(
            temperature=temperature,
            floor=floor,
            tolerance=tolerance * min(temperature, 1e-3),
        )
        price = climb(sweeps, price, level, halt, periods, tell)
        progress.step()
        if last:
            break
        temperature *= FALL
        # A level that is hardly warmer than the last is passed over.
        if temperature < 2 * coldest:
            temperature = coldest
    return price


def floor_of(market: Market) -> float:
    """Width of the soft-min at the last level, as a part of a workload's scale."""
    return min(COLDEST, CROWD / max(market.num_workloads, 1))

"""The ladder: prices from few workloads and high temperature to all of them and a low one.

Prices depend on the crowd and hardly on each workload, so most steps are taken where they
cost next to nothing: on a sample, with chips in proportion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Halt, Level, climb
from optimizer.methods.column_generation import MOST_WAYS
from optimizer.methods.market import Market
from optimizer.methods.sweeps import Sweeps
from optimizer.progress import Progress

Float = NDArray[np.float64]

HOTTEST, COLDEST = 1e-1, 2e-5
"""Temperatures of the first and the last level."""
FALL = 1 / 5
"""From one level's temperature to the next."""
SAMPLES = ((64, 1e-3), (8, 1e-4))
"""Of how many workloads one is taken, and the lowest temperature of that sample."""
LEAST_SAMPLE = 250
"""Workloads below which a sample says too little."""
TOLERANCE = 1e-3
"""Part of the temperature to which a level is climbed, as a part of the bound."""
SEED = 20260504
SLACK = 2e-4
"""Part of its scale by which a way may miss the best and still be left open: 10 widths."""
SHARPER = 1 / 5
"""Temperature and slack after, as a part of those before."""
SHARPENINGS = 3


def climbed(sweeps: Sweeps, progress: Progress, halt: Halt) -> Float:
    """(P, T) prices of chip-hours beyond what is paid for use."""
    market = sweeps.market
    price, hottest = np.zeros(market.capacity.shape), HOTTEST
    order = np.random.default_rng(SEED).permutation(market.num_workloads)
    for one_in, coldest in SAMPLES:
        count = market.num_workloads // one_in
        if count < LEAST_SAMPLE:
            continue
        part = Sweeps(market.sample(np.sort(order[:count])), sweeps.threads)
        price = _down(part, price, hottest, coldest, progress, halt)
        hottest = coldest
    return _down(sweeps, price, hottest, _coldest(market), progress, halt)


def sharpened(sweeps: Sweeps, price: Float, progress: Progress, halt: Halt) -> tuple[Float, Float]:
    """Prices at which few ways are left open in any period, and the slack meant by that, (T,).

    Where chips abound a Mtok costs far less than its scale. There the temperature falls further,
    as long as more ways are near the best than the finish can leave open.
    """
    market = sweeps.market
    slack = np.full(market.num_periods, SLACK)
    todo, coldest, floor = np.arange(market.num_periods), _coldest(market), COLDEST
    for _ in range(SHARPENINGS):
        near = sweeps.near(price[:, todo], slack[todo], todo)
        todo = todo[np.bincount(near.position, minlength=len(todo)) > MOST_WAYS]
        if len(todo) == 0 or halt():
            break
        coldest, floor = coldest * SHARPER, floor * SHARPER
        slack[todo] *= SHARPER
        level = Level(temperature=coldest, floor=floor, tolerance=TOLERANCE * coldest)
        price = climb(sweeps, price, level, halt, todo)
        progress.step()
    return price, slack


def _down(
    sweeps: Sweeps, price: Float, hottest: float, coldest: float, progress: Progress, halt: Halt
) -> Float:
    """Climb at temperature after temperature."""
    temperature = hottest
    while not halt():
        last = temperature <= coldest * 1.0001
        level = Level(
            temperature=temperature,
            floor=COLDEST,
            tolerance=TOLERANCE * min(temperature, 1e-3),
        )
        price = climb(sweeps, price, level, halt)
        progress.step()
        if last:
            break
        temperature = max(coldest, temperature * FALL)
    return price


def _coldest(market: Market) -> float:
    """Where even workloads with a penalty far beyond their cost have come down to it."""
    real = market.ceiling > 0
    least = np.min(market.scale[real] / market.ceiling[real], initial=1.0)
    return COLDEST * max(float(least), 1e-6)

"""The coupled ladder: from few workloads and high temperature to all of them and a low one.

As :mod:`optimizer.methods.price_ladder`, with prices on all rows. Where tokens may wait, prices of
neighbouring periods grow equal and the bound misses the optimum by about the temperature, not
by a fraction of it; so the temperature falls further.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optimizer.methods.ascent import Halt, Level
from optimizer.methods.coupled_ascent import climb
from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.coupled_sweeps import CoupledSweeps
from optimizer.methods.price_ladder import COLDEST, FALL, HOTTEST, SEED, TOLERANCE
from optimizer.progress import Progress

SAMPLES = ((64, 1e-3), (8, 1e-4))
"""Of how many workloads one is taken, and the lowest temperature of that sample."""
LEAST_SAMPLE = 250
"""Workloads below which a sample says too little."""
COLDEST_WAITING = 1e-5
"""Temperature of the last level where tokens may wait."""
Told = Callable[[Multipliers], None]


def coldest(coupled: CoupledMarket) -> float:
    """Temperature of the last level: even workloads with a penalty far beyond cost are cold."""
    market = coupled.market
    real = market.ceiling > 0
    least = float(np.min(market.scale[real] / market.ceiling[real], initial=1.0))
    return (COLDEST_WAITING if coupled.waits else COLDEST) * max(least, 1e-6)


def climbed(sweeps: CoupledSweeps, progress: Progress, halt: Halt, told: Told) -> Multipliers:
    """Prices on all rows.

    Parameters
    ----------
    told : called with prices of the whole market after each level.
    """
    coupled = sweeps.coupled
    at, hottest = coupled.none(), HOTTEST
    count = coupled.market.num_workloads
    order = np.random.default_rng(SEED).permutation(count)
    for one_in, cold in SAMPLES:
        if count // one_in < LEAST_SAMPLE:
            continue
        some = np.sort(order[: count // one_in])
        part = CoupledSweeps(coupled.sample(some), sweeps.threads)
        at = _down(part, at, (hottest, cold), progress, halt, lambda at: None)
        hottest = cold
    return _down(sweeps, at, (hottest, coldest(coupled)), progress, halt, told)


def level_at(coupled: CoupledMarket, temperature: float) -> Level:
    """The level of a temperature."""
    floor = COLDEST_WAITING if coupled.waits else COLDEST
    tolerance = TOLERANCE * min(temperature, 1e-3)
    return Level(temperature=temperature, floor=floor, tolerance=tolerance)


def _down(
    sweeps: CoupledSweeps,
    at: Multipliers,
    between: tuple[float, float],
    progress: Progress,
    halt: Halt,
    told: Told,
) -> Multipliers:
    """Climb at temperature after temperature."""
    temperature, cold = between
    while not halt():
        last = temperature <= cold * 1.0001
        at = climb(sweeps, at, level_at(sweeps.coupled, temperature), halt)
        progress.step()
        told(at)
        if last:
            break
        temperature = max(cold, temperature * FALL)
    return at

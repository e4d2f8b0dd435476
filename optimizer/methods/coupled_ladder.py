"""The coupled ladder: from few workloads and high temperature to all of them and a low one.

As :mod:`optimizer.methods.price_ladder`, with prices on all rows. Where tokens may wait, prices of
neighbouring periods grow equal and the bound misses the optimum by about the temperature, not
by a fraction of it; so the temperature falls further.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optimizer.methods.ascent import Halt, Level, dearest
from optimizer.methods.coupled_ascent import climb
from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.coupled_sweeps import CoupledSweeps
from optimizer.methods.price_ladder import HOTTEST, SEED
from optimizer.progress import Progress

SAMPLES = ((256, 1 / 32), (64, 1 / 128), (8, 1 / 1024))
"""Of how many workloads one is taken, and the last temperature of that sample, as a part of the
hottest. The next sample begins one level colder; all of them begin as cold as the last sample."""
LEAST_SAMPLE = 250
"""Workloads below which a sample says too little."""
COLDEST, COLDEST_WAITING = 2e-6, 1e-5
"""Width of the soft-min at the last level as a part of a workload's scale, and where tokens may
wait: there the ascent takes more steps the colder it is."""
FALL = 1 / 2
"""From one level's temperature to the next: small steps, each soon climbed."""
FAST = 1 / 4
"""The same where nothing couples periods."""
TOLERANCE, LAST_TOLERANCE = 1e-1, 1e-2
"""Part of the temperature to which a level is climbed, and that at which plans are made, as a part
of the bound."""
PLANNED = 8.0
"""Times the last temperature at which plans are made where tokens may wait: colder, what is handled
when moves from period to period with every hair of the prices."""
NEAR = 1e-3
"""Temperature down to which prices of a climb that had to stop are too rough for a plan."""
WARM = 16.0
"""Times the last temperature at which prices that are thought to be near begin."""
ENOUGH = 0.4
"""Part of the gap asked for by which a level may still raise the bound when the ladder ends."""
NEAREST = 2e-5
"""Gap asked for below which the ladder is climbed to its end."""
Told = Callable[[Multipliers], float]


def coldest(coupled: CoupledMarket) -> float:
    """Temperature of the last level: even workloads with a penalty far beyond cost are cold."""
    return _floor(coupled) * dearest(coupled.market)


@dataclass(frozen=True)
class Climbed:
    """Where the ladder ended.

    Attributes
    ----------
    at : prices on all rows that prove the bound.
    planned, level : prices to plan at, and the level that they were climbed at.
    near : whether these prices are near enough to the best for a plan.
    """

    at: Multipliers
    planned: Multipliers
    level: Level
    near: bool = True


def climbed(
    sweeps: CoupledSweeps,
    progress: Progress,
    halt: Halt,
    told: Told,
    wanted: float = 0.0,
    start: Multipliers | None = None,
) -> Climbed:
    """Prices on all rows.

    Parameters
    ----------
    told : called with prices of the whole market after each level; gives the bound they prove.
    wanted : gap asked for; what a level adds to the bound is about what is still missing after.
    start : prices that are thought to be near; None for none.
    """
    coupled = sweeps.coupled
    at, hottest = coupled.none(), HOTTEST
    count, cold = coupled.market.num_workloads, coldest(coupled)
    if start is not None:
        at, hottest = start, WARM * cold
    else:
        order = np.random.default_rng(SEED).permutation(count)
        for one_in, last in SAMPLES:
            if count // one_in < LEAST_SAMPLE or halt():
                continue
            some = np.sort(order[: count // one_in])
            part = CoupledSweeps(coupled.sample(some), sweeps.threads)
            begin = hottest if hottest == HOTTEST else hottest * FALL
            hottest = HOTTEST * last
            at = _sampled(part, at, (begin, hottest), progress, halt)
    if halt():
        told(at)
        return Climbed(at, at, level_at(coupled, hottest), near=False)
    return _down(sweeps, at, (hottest, cold), progress, halt, told, wanted)


def cooled(
    sweeps: CoupledSweeps, at: Multipliers, level: Level, progress: Progress, halt: Halt
) -> tuple[Multipliers, Level]:
    """Prices at the last temperature, from those of a level, and the level there.

    For markets in which nothing couples periods: there the last temperature is soon reached.
    """
    temperature, cold = level.temperature, coldest(sweeps.coupled)
    while not halt():
        temperature *= FAST
        # A level that is hardly warmer than the last is passed over.
        temperature = cold if temperature < 2 * cold else temperature
        level = level_at(sweeps.coupled, temperature, last=temperature == cold)
        at = climb(sweeps, at, level, halt)
        progress.step()
        if temperature == cold:
            break
    return at, level


def level_at(coupled: CoupledMarket, temperature: float, *, last: bool = True) -> Level:
    """The level of a temperature, the last one of a ladder by default."""
    floor = _floor(coupled)
    tolerance = (LAST_TOLERANCE if last else TOLERANCE) * min(temperature, 1e-3)
    return Level(temperature=temperature, floor=floor, tolerance=tolerance)


def _floor(coupled: CoupledMarket) -> float:
    return COLDEST_WAITING if coupled.waits else COLDEST


def _sampled(
    sweeps: CoupledSweeps,
    at: Multipliers,
    between: tuple[float, float],
    progress: Progress,
    halt: Halt,
) -> Multipliers:
    """Climb a sample at temperature after temperature: roughly, as it is like the whole."""
    temperature, cold = between
    while not halt():
        at = climb(sweeps, at, level_at(sweeps.coupled, temperature, last=False), halt)
        progress.step()
        if temperature <= cold * 1.0001:
            break
        temperature = max(cold, temperature * FALL)
    return at


def _down(
    sweeps: CoupledSweeps,
    at: Multipliers,
    between: tuple[float, float],
    progress: Progress,
    halt: Halt,
    told: Told,
    wanted: float,
) -> Climbed:
    """Climb at temperature after temperature, while it raises the bound."""
    temperature, cold = between
    before, rise, planned = -np.inf, np.inf, None
    plan_at = PLANNED * cold if sweeps.coupled.waits else cold
    nearly = False
    while True:
        last = temperature <= cold * 1.0001
        plans = planned is None and (nearly or temperature <= plan_at * 1.0001)
        level = level_at(sweeps.coupled, temperature, last=last or plans)
        at = climb(sweeps, at, level, halt)
        progress.step()
        if plans:
            planned = Climbed(at, at, level)
        bound = told(at)
        # What a level adds is about twice what the next one adds. One level alone may rise little
        # because it was climbed loosely.
        missing = max(rise, bound - before)
        small = ENOUGH * wanted * bound
        if last or halt() or (wanted > NEAREST and bound > 0 and missing < small):
            break
        before, rise = bound, (bound - before) / 2
        nearly = wanted > NEAREST and bound > 0 and rise < small
        temperature = max(cold, temperature * FALL)
    if planned is None and not halt():
        # Whoever plans at these prices wants every limit kept.
        level = level_at(sweeps.coupled, temperature)
        at = climb(sweeps, at, level, halt)
        planned = Climbed(at, at, level)
        told(at)
    if planned is None:
        planned = Climbed(at, at, level, near=temperature <= NEAR)
    return Climbed(at, planned.planned, planned.level, planned.near)

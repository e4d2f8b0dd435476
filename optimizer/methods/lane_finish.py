"""Exact amounts for one model whose replicas are fixed: its lanes are a market of their own.

The same steps as for a whole plain instance: prices down to a low temperature, then column
generation, which starts at the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Level, dearest
from optimizer.methods.column_generation import ColumnGeneration
from optimizer.methods.few_steps import climb_few
from optimizer.methods.market import Market
from optimizer.methods.overflow import Placements, placed_at_prices
from optimizer.methods.price_ladder import FALL, ROUGH, TOLERANCE, floor_of, sharpened
from optimizer.methods.sweeps import Halt, HaltedError, Sweeps
from optimizer.progress import Silent
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, Workers

Float = NDArray[np.float64]
Index = NDArray[np.int32]

WARM = 2e-4
"""Width of the soft-min at which lane prices begin to be sharpened."""
EXACT = 1e-5
"""Part of what its tokens cost, replicas not counted, to which a model is settled."""
MOST_STEPS = 15
"""Steps of a climb; what is wrong with the prices then the column generation makes good."""
MOST_ROUNDS = 50


@dataclass(frozen=True, eq=False)
class Finished:
    """What a model places on its lanes; routes on the axis of their market.

    Attributes
    ----------
    only : (W, T) the one route of settled demand, below 0 where there is none.
    placed : the others.
    cost_usd : what tokens cost, replicas not counted; infinity when time was up before.
    """

    only: Index
    placed: Placements
    cost_usd: float


def finished(
    market: Market,
    price: Float,
    workers: Workers,
    threads: int,
    seconds: Callable[[], float | None],
    halt: Halt,
) -> Finished:
    """Place everything that fits.

    Parameters
    ----------
    market : lanes of one model.
    price : (k, T) USD per chip-hour beyond what is paid for use, to begin with.
    seconds : time that is left; None: no limit.
    """
    sweeps = Sweeps(market, threads)
    price = _cooled(sweeps, np.where(market.able, np.maximum(price, 0.0), 0.0), halt)
    if halt():
        return _stopped(sweeps, price)
    price, slack = sharpened(sweeps, price, Silent(), halt)
    try:
        exact = ColumnGeneration(sweeps, price, slack, EXACT, halt)
    except HaltedError:  # its first sweep asks as well
        return _stopped(sweeps, price)
    solver = Glop()
    for _ in range(MOST_ROUNDS):
        if halt() or not bool(exact.open.any()):
            break
        programs = exact.programs(halt)
        outcomes = workers.run([Job(solver, program) for _, program in programs], seconds())
        exact.learn([(*one, made) for one, made in zip(programs, outcomes, strict=True)], halt)
    return _placed(exact)


def _stopped(sweeps: Sweeps, price: Float) -> Finished:
    """The plan of the prices so far."""
    nothing = np.full(sweeps.market.demand.shape, -1, np.int32)
    periods = np.arange(sweeps.market.num_periods)
    return Finished(
        nothing, placed_at_prices(sweeps.market, price, periods, sweeps.threads), np.inf
    )


def _cooled(sweeps: Sweeps, price: Float, halt: Halt) -> Float:
    """Prices at the last temperature."""
    market = sweeps.market
    last, width, least = floor_of(market), WARM, dearest(market)
    while not halt():
        tolerance = (TOLERANCE if width <= last else ROUGH) * width
        level = Level(temperature=width * least, floor=width, tolerance=tolerance)
        price = climb_few(sweeps, price, level, MOST_STEPS, halt)
        if width <= last:
            break
        width = max(last, width * FALL)
    return price


def _placed(exact: ColumnGeneration) -> Finished:
    """Settled demand, the others of periods that have a plan, and prices alone for the rest."""
    done = np.isfinite(exact.cost_usd)
    parts = exact.placements()
    if not bool(done.all()):
        exact.only[:, ~done] = -1
        parts.append(
            placed_at_prices(
                exact.sweeps.market, exact.price, np.flatnonzero(~done), exact.sweeps.threads
            )
        )
    return Finished(exact.only, Placements.joined(parts), float(exact.cost_usd.sum()))

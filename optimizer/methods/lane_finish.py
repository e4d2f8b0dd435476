"""Exact amounts for one model whose replicas are fixed: its lanes are a market of their own.

The same steps as for a whole plain instance: prices down to a low temperature, then column
generation, which starts at the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Level, climb
from optimizer.methods.column_generation import ColumnGeneration
from optimizer.methods.market import Market
from optimizer.methods.overflow import Placements, placed_at_prices
from optimizer.methods.price_ladder import COLDEST, FALL, TOLERANCE, sharpened
from optimizer.methods.sweeps import Sweeps
from optimizer.progress import Silent
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, Workers

Float = NDArray[np.float64]
Halt = Callable[[], bool]

WARM = 1e-3
"""Temperature at which lane prices begin to be sharpened."""
EXACT = 1e-5
"""Part of what its tokens cost, replicas not counted, to which a model is settled."""
MOST_ROUNDS = 50


@dataclass(frozen=True, eq=False)
class Finished:
    """What a model places on its lanes.

    Attributes
    ----------
    placed : routes on the axis of the lanes' market.
    cost_usd : what tokens cost, replicas not counted; infinity when time was up before.
    """

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
    price = np.where(market.able, np.maximum(price, 0.0), 0.0)
    periods = np.arange(market.num_periods)
    real = market.ceiling > 0
    least = max(1e-6, float(np.min(market.scale[real] / market.ceiling[real], initial=1.0)))
    width = WARM
    while not halt():
        level = Level(temperature=width * least, floor=width, tolerance=TOLERANCE * width)
        price = climb(sweeps, price, level, halt)
        if width <= COLDEST:
            break
        width = max(COLDEST, width * FALL)
    if halt():
        return Finished(placed_at_prices(sweeps, price, periods), np.inf)
    price, slack = sharpened(sweeps, price, Silent(), halt)
    exact = ColumnGeneration(sweeps, price, slack, EXACT)
    for _ in range(MOST_ROUNDS):
        if halt() or not bool(exact.open.any()):
            break
        programs = exact.programs(halt)
        solver = Glop()
        outcomes = workers.run([Job(solver, program) for _, program in programs], seconds())
        exact.learn([(*one, made) for one, made in zip(programs, outcomes, strict=True)])
    done = np.isfinite(exact.cost_usd)
    parts = [settled_placements(exact)]
    if not bool(done.all()):
        parts.append(placed_at_prices(sweeps, exact.price, periods[~done]))
    return Finished(Placements.joined(parts), float(exact.cost_usd.sum()))


def settled_placements(exact: ColumnGeneration) -> Placements:
    """Placements of the periods that have a plan: settled workloads, then the others."""
    market, done = exact.sweeps.market, np.isfinite(exact.cost_usd)
    workload, period = np.nonzero((exact.only >= 0) & done)
    route = exact.only[workload, period].astype(np.int64)
    parts = [Placements(route, workload, period, market.demand[workload, period])]
    for each in np.flatnonzero(done).tolist():
        rest, mtok = exact.remainders[each], exact.placed_mtok[each]
        route, workload = rest.route.astype(np.int64), rest.workload.astype(np.int64)
        parts.append(Placements(route, workload, np.full(len(mtok), each), mtok))
    return Placements.joined(parts)

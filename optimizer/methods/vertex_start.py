"""Where the search from a solution begins: at which prices, and how far it looks around.

Prices of the last solution are nearly right, but a few of them stand for nothing: a search that
ended near the best leaves prices that are next to nothing on pools with chips to spare. And where
a pool costs something else now, either what workloads see of it or what its limit is worth is to
be kept. Exact sweeps tell which proves more, period by period.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.held_sweep import Reach, held_sweep
from optimizer.methods.market import Market
from optimizer.methods.sweeps import Sweeps
from optimizer.methods.vertex import Vertex

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

SPECKS = (1e-5, 1e-6, 1e-7)
"""Parts of their units below which prices are tried at nothing."""
CROWD = 5_000
"""Ways near the best in a period that are not too many."""
SAMPLE = 2_000
"""Workloads from which it is guessed how many ways are near the best."""
WIDEST = 5e-3
"""Slack to begin with."""
NARROWER, NARROWINGS = 5.0, 4
"""Part of the slack that is left where more ways than that are near, and how often."""
SEED = 20260611


def starting_prices(sweeps: Sweeps, start: Vertex, unit: Float, rank: Int) -> Float:
    """(P, T) of the prices that a solution suggests, those that prove most in each period.

    Parameters
    ----------
    unit : (P,) from :func:`~optimizer.methods.market.price_units`.
    rank : (W,) from :func:`ranks`.
    """
    market = sweeps.market
    price = np.where(market.able, start.price, 0.0)
    proved = np.full(market.num_periods, np.nan)

    def bound(periods: Int, price: Float) -> Float:
        zero = np.zeros(len(periods))
        held = held_sweep(
            sweeps, price, Reach(zero, zero), periods, rank, zero.astype(np.int64), start.only
        )
        return np.asarray(held.value - (price * market.capacity[:, periods]).sum(axis=0))

    def consider(other: Float) -> None:
        periods = np.flatnonzero((other != price).any(axis=0))
        unknown = periods[np.isnan(proved[periods])]
        if len(unknown):
            proved[unknown] = bound(unknown, price[:, unknown])
        if len(periods):
            reached = bound(periods, other[:, periods])
            better = reached > proved[periods]
            price[:, periods[better]] = other[:, periods[better]]
            proved[periods[better]] = reached[better]

    consider(np.where(market.able, start.limit_price, 0.0))
    for speck in SPECKS:
        consider(np.where(price <= speck * unit[:, None], 0.0, price))
    return price


def near_enough(sweeps: Sweeps, price: Float, only: Index) -> tuple[Float, Bool]:
    """(T,) slack that leaves not too many ways near the best, and where none does.

    Where it is more than that at no slack at all, a crowd of workloads has ways that cost the same.
    """
    market = sweeps.market
    count = min(SAMPLE, market.num_workloads)
    drawn = np.sort(np.random.default_rng(SEED).permutation(market.num_workloads)[:count])
    sample = Sweeps(market.sample(drawn), sweeps.threads)
    theirs = only[drawn]
    kept = theirs >= 0
    theirs[kept] = np.searchsorted(market.routes_of(drawn)[1], theirs[kept])
    enough = CROWD * count / max(market.num_workloads, 1)
    zero, every = np.zeros(market.num_periods), np.arange(market.num_periods)

    def count_near(periods: Int, slack: Float) -> Int:
        reach, all_of_them = Reach(slack, zero[periods]), np.full(len(periods), count)
        held = held_sweep(
            sample, price[:, periods], reach, periods, np.arange(count), all_of_them, theirs
        )
        return np.array([len(route) for _, route in held.ways], np.int64)

    equal = count_near(every, zero)
    slack, todo = np.full(market.num_periods, WIDEST), every
    for _ in range(NARROWINGS):
        todo = todo[count_near(todo, slack[todo]) - equal[todo] > enough]
        slack[todo] /= NARROWER
    return slack, equal > enough


def ranks(market: Market) -> Int:
    """(W,) place of each workload by the chip-hours it needs, the largest first."""
    number = np.diff(market.first)
    owner = np.repeat(np.arange(market.num_workloads), number)
    need = np.bincount(owner, market.hours, minlength=market.num_workloads)
    need = need / np.maximum(number, 1) * market.demand.sum(axis=1)
    rank = np.empty(market.num_workloads, np.int64)
    rank[np.argsort(-need, kind="stable")] = np.arange(market.num_workloads)
    return rank

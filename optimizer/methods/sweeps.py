"""Sweeps over all workloads of a market, in blocks that threads share.

The blocks depend on the market and not on the number of threads, and their sums are added in
order, so that the same market gives the same numbers to the last digit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Answer = TypeVar("Answer")

REACH = 12.0
"""Widths from the best at which a way counts for nothing: exp(-12) is 6e-6."""
MOST_BLOCKS = 64
PARTIAL_BYTES = 200_000_000
"""Most memory that the sums of all blocks may take."""
LEAST_CELLS = 20_000
"""Routes times periods below which a block is not worth a thread."""


@dataclass(frozen=True, eq=False)
class Smooth:
    """What the smooth sweep gives for some periods. Axis t: those periods.

    Attributes
    ----------
    value : (t,) USD, capacity not yet taken off.
    load : (P, t) chip-hours.
    curvature : (t, P, P) minus the second derivatives of value; both triangles.
    """

    value: Float
    load: Float
    curvature: Float


@dataclass(frozen=True, eq=False)
class Near:
    """What the pricing sweep gives for some periods. Axis t: those periods, N: routes found.

    Attributes
    ----------
    value : (t,) USD of the best ways, capacity not yet taken off.
    only : (W, t) the one route near the best, or a name of :mod:`optimizer.kernels.near_ways`.
    workload, position, route : (N,) routes of those that have several ways near the best,
        sorted by workload; position on t.
    """

    value: Float
    only: Index
    workload: Index
    position: Index
    route: Index


class Sweeps:
    """Sweeps of one market; routes in answers are positions on the market's own axis."""

    def __init__(self, market: Market, threads: int) -> None:
        self.market = market
        self.threads = threads
        periods, pools = market.num_periods, len(market.capacity)
        partial = 8 * periods * pools * (pools + 1)
        by_memory = max(1, PARTIAL_BYTES // max(partial, 1))
        by_work = max(1, len(market.pool) * periods // LEAST_CELLS)
        count = min(MOST_BLOCKS, by_memory, by_work, max(1, market.num_workloads))
        ends = np.linspace(0, len(market.pool), count + 1)[1:-1]
        cuts = np.searchsorted(market.first, ends)
        edges = np.unique(np.concatenate([[0], cuts, [market.num_workloads]])).tolist()
        self.blocks = list(itertools.pairwise(edges))

    def smooth(self, price: Float, width: Float, periods: Int) -> Smooth:
        """Cost with min replaced by soft-min, its slopes and its bends.

        Parameters
        ----------
        price : (P, t) USD per chip-hour beyond what is paid for use.
        width : (W,) USD per Mtok.
        periods : (t,) which they are, ascending.
        """
        from optimizer.kernels.soft_minimum import soft_minimum

        market, pools = self.market, len(price)
        opens, usd = self._opens(periods), self._pool_usd(price, periods)

        def sweep(begin: int, end: int) -> Smooth:
            made = Smooth(
                np.zeros(len(periods)),
                np.zeros(price.shape),
                np.zeros((len(periods), pools, pools)),
            )
            soft_minimum(
                market.first, market.pool, opens, market.usd, market.hours, usd, market.ceiling,
                width, REACH, market.demand, periods, begin, end,
                made.value, made.load, made.curvature,
            )  # fmt: skip
            return made

        parts = self._each(sweep)
        whole = parts[0]
        for part in parts[1:]:
            whole.value[:] += part.value
            whole.load[:] += part.load
            whole.curvature[:] += part.curvature
        upper = np.triu(whole.curvature, 1)
        whole.curvature[:] += upper.transpose(0, 2, 1)
        return whole

    def near(self, price: Float, slack: Float, periods: Int) -> Near:
        """Ways within a slack of the best.

        Parameters
        ----------
        price : (P, t) USD per chip-hour beyond what is paid for use.
        slack : (t,) part of the workload's scale.
        periods : (t,) which they are, ascending.
        """
        from optimizer.kernels.near_ways import near_ways

        market = self.market
        opens, usd = self._opens(periods), self._pool_usd(price, periods)
        only = np.empty((market.num_workloads, len(periods)), np.int32)

        def sweep(begin: int, end: int) -> tuple[Float, list[Index]]:
            room = max(1024, (end - begin) * len(periods) // 4)
            while True:
                value = np.zeros(len(periods))
                found = [np.empty(room, np.int32) for _ in range(3)]
                count = near_ways(
                    market.first, market.pool, opens, market.usd, market.hours, usd,
                    market.ceiling, market.scale, slack, market.demand, periods, begin, end,
                    value, only, *found,
                )  # fmt: skip
                if count <= room:
                    return value, [array[:count].copy() for array in found]
                room = count

        parts = self._each(sweep)
        value = np.zeros(len(periods))
        for one, _ in parts:
            value += one
        workload, position, route = (
            np.concatenate([found[axis] for _, found in parts]) for axis in range(3)
        )
        return Near(value, only, workload, position, route)

    def _opens(self, periods: Int) -> Index:
        opens = self.market.opens
        if not bool(opens.any()):
            return opens
        return np.searchsorted(periods, opens).astype(np.int32)

    def _pool_usd(self, price: Float, periods: Int) -> Float:
        return np.ascontiguousarray(self.market.used_usd[:, periods] + price)

    def _each(self, sweep: Callable[[int, int], Answer]) -> list[Answer]:
        """Every block's answer, in the order of the blocks."""
        if len(self.blocks) == 1 or self.threads == 1:
            return [sweep(begin, end) for begin, end in self.blocks]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda block: sweep(*block), self.blocks))

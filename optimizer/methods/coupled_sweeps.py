"""Sweeps over a coupled market, in blocks of workloads that threads share.

As in :mod:`optimizer.methods.sweeps`, the blocks depend on the market alone and their sums are
added in order: the same market gives the same numbers to the last digit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.coupled_market import CoupledMarket

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Answer = TypeVar("Answer")

REACH = 12.0
"""Widths from the best at which a way counts for nothing: exp(-12) is 6e-6."""
LEAST_CELLS = 20_000
"""Routes times periods below which a block is not worth a thread."""
MOST_BLOCKS = 32
PARTIAL_BYTES = 400_000_000
"""Most memory that the sums of all blocks may take."""


@dataclass(eq=False)
class Waiting:
    """What a block keeps of its workloads that may wait; axes l, t, n as in the kernel."""

    workload: Int
    mine: NDArray[np.float32]
    last: NDArray[np.float32]
    split: NDArray[np.float32]
    handled: Float
    bend: NDArray[np.float32]
    first: Int
    route: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    part: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))

    @classmethod
    def of(cls, workload: Int, periods: int) -> Waiting:
        """Room for some workloads."""
        shape = (len(workload), periods)
        first = np.zeros((len(workload), periods + 1), np.int64)
        mine, last, split, bend = (np.zeros(shape, np.float32) for _ in range(4))
        return cls(workload, mine, last, split, np.zeros(shape), bend, first)


@dataclass(frozen=True, eq=False)
class Landscape:
    """What the smooth sweep gives.

    Attributes
    ----------
    value : (T,) USD of what arrives in each period, limits not yet taken off.
    load : (g, P, T) what is taken.
    curvature : (T, g P, g P) minus the second derivatives of value within each period.
    waiting : what bends between periods, by block.
    """

    value: Float
    load: Float
    curvature: Float
    waiting: tuple[Waiting, ...]


class CoupledSweeps:
    """Sweeps of one coupled market."""

    def __init__(self, coupled: CoupledMarket, threads: int) -> None:
        self.coupled, self.threads = coupled, threads
        market = coupled.market
        size = len(coupled.takes) * len(market.capacity)
        by_memory = max(2, PARTIAL_BYTES // max(8 * market.num_periods * size * size, 1))
        by_work = max(1, len(market.pool) * market.num_periods // LEAST_CELLS)
        count = min(MOST_BLOCKS, by_memory, by_work, max(1, market.num_workloads))
        work = np.diff(market.first) * np.where(coupled.deadline > 0, 3, 1) + 1
        total = np.concatenate([[0], np.cumsum(work)])
        cuts = np.searchsorted(total, np.linspace(0, total[-1], count + 1)[1:-1])
        edges = np.unique(np.concatenate([[0], cuts, [market.num_workloads]])).tolist()
        self.blocks = list(itertools.pairwise(edges))
        self._room = [1024] * len(self.blocks)
        self._place = np.full(market.num_workloads, -1, np.int64)
        for begin, end in self.blocks:
            later = begin + np.flatnonzero(coupled.deadline[begin:end] > 0)
            self._place[later] = np.arange(len(later))

    def smooth(self, price: Float, width: Float) -> Landscape:
        """Cost with min replaced by soft-min, its slopes and its bends.

        Parameters
        ----------
        price : (g, P, T) USD per unit of what is taken.
        width : (W,) USD per Mtok.
        """
        from optimizer.kernels.soft_windows import soft_windows

        coupled, market = self.coupled, self.coupled.market
        goods, pools, periods = price.shape
        price = np.ascontiguousarray(price)

        def sweep(number: int) -> Landscape:
            begin, end = self.blocks[number]
            later = begin + np.flatnonzero(coupled.deadline[begin:end] > 0)
            while True:
                kept = Waiting.of(later, periods)
                kept.route = np.empty(self._room[number], np.int32)
                kept.part = np.empty(self._room[number], np.float32)
                size = goods * pools
                made = Landscape(
                    np.zeros(periods),
                    np.zeros(price.shape),
                    np.zeros((periods, size, size)),
                    (kept,),
                )
                count = soft_windows(
                    market.first, market.pool, market.opens, market.usd, coupled.takes, price,
                    market.ceiling, width, REACH, market.demand, coupled.deadline, begin, end,
                    made.value, made.load, made.curvature, self._place,
                    kept.mine, kept.last, kept.split, kept.handled, kept.bend,
                    kept.first, kept.route, kept.part,
                )  # fmt: skip
                if count <= self._room[number]:
                    kept.route, kept.part = kept.route[:count].copy(), kept.part[:count].copy()
                    self._room[number] = max(1024, int(count * 1.2))
                    return made
                self._room[number] = count

        parts = self._each(sweep)
        whole = parts[0]
        for part in parts[1:]:
            whole.value[:] += part.value
            whole.load[:] += part.load
            whole.curvature[:] += part.curvature
        waiting = tuple(kept for part in parts for kept in part.waiting)
        return Landscape(whole.value, whole.load, whole.curvature, waiting)

    def product(self, here: Landscape, vector: Float, width: Float) -> Float:
        """(g, P, T) minus the change of the slope between periods, for a change of prices."""
        from optimizer.kernels.soft_windows import window_product

        coupled, market = self.coupled, self.coupled.market
        vector = np.ascontiguousarray(vector)

        def sweep(number: int) -> Float:
            kept, answer = here.waiting[number], np.zeros(vector.shape)
            window_product(
                coupled.takes, market.pool, vector, width, market.demand, coupled.deadline,
                kept.workload, kept.mine, kept.last, kept.split, kept.handled, kept.bend,
                kept.first, kept.route, kept.part, answer,
            )  # fmt: skip
            return answer

        parts = self._each(sweep)
        whole = parts[0]
        for part in parts[1:]:
            whole += part
        return whole

    def handled(self, here: Landscape) -> Float:
        """(W, T) Mtok handled in each period."""
        handled = np.array(self.coupled.market.demand)
        for kept in here.waiting:
            handled[kept.workload] = kept.handled
        return handled

    def _each(self, sweep: Callable[[int], Answer]) -> list[Answer]:
        """Every block's answer, in the order of the blocks."""
        numbers = range(len(self.blocks))
        if len(self.blocks) == 1 or self.threads == 1:
            return [sweep(number) for number in numbers]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(sweep, numbers))

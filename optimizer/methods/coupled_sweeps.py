"""Sweeps over a coupled market, in blocks of workloads that threads share.

As in :mod:`optimizer.methods.sweeps`, the blocks depend on the market alone and their sums are
added in order: the same market gives the same numbers to the last digit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
CELLS_TO_A_BEND = 3
"""The same for each bend that a block has to set to zero and that is added to those of others."""
MOST_BLOCKS = 16
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
    route: NDArray[np.int32]
    part: NDArray[np.float32]

    @classmethod
    def of(cls, workload: Int, periods: int, ways: int) -> Waiting:
        """Room for some workloads and so many of their ways."""
        shape = (len(workload), periods)
        mine, last, split, bend = (np.empty(shape, np.float32) for _ in range(4))
        return cls(
            workload=workload,
            mine=mine,
            last=last,
            split=split,
            handled=np.empty(shape),
            bend=bend,
            first=np.zeros(len(workload) + 1, np.int64),
            route=np.empty(ways, np.int32),
            part=np.empty((ways, periods), np.float32),
        )


@dataclass(frozen=True, eq=False)
class Landscape:
    """What the smooth sweep gives.

    Attributes
    ----------
    value : (T,) USD of what arrives in each period, limits not yet taken off.
    load : (D, T) what is taken.
    curvature : (T, D, D) minus the second derivatives of value within each period.
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
        bends = market.num_periods * coupled.size**2
        by_memory = max(2, PARTIAL_BYTES // max(8 * bends, 1))
        least = max(LEAST_CELLS, CELLS_TO_A_BEND * bends)
        by_work = max(1, len(market.pool) * market.num_periods // least)
        # More of them where there is more to do, but so that their sums stay a small part of it.
        by_work = max(min(by_work, 2), math.isqrt(by_work))
        count = min(MOST_BLOCKS, by_memory, by_work, max(1, market.num_workloads))
        work = np.diff(market.first) * np.where(coupled.deadline > 0, 3, 1) + 1
        total = np.concatenate([[0], np.cumsum(work)])
        cuts = np.searchsorted(total, np.linspace(0, total[-1], count + 1)[1:-1])
        edges = np.unique(np.concatenate([[0], cuts, [market.num_workloads]])).tolist()
        self.blocks = list(itertools.pairwise(edges))
        self._place = np.full(market.num_workloads, -1, np.int64)
        for begin, end in self.blocks:
            later = begin + np.flatnonzero(coupled.deadline[begin:end] > 0)
            self._place[later] = np.arange(len(later))

    def smooth(self, price: Float, width: Float) -> Landscape:
        """Cost with min replaced by soft-min, its slopes and its bends.

        Parameters
        ----------
        price : (D, T) USD per unit of what is taken.
        width : (W,) USD per Mtok.
        """
        from optimizer.kernels.soft_windows import soft_windows

        coupled, market = self.coupled, self.coupled.market
        size, periods = price.shape

        def sweep(number: int) -> Landscape:
            begin, end = self.blocks[number]
            later = begin + np.flatnonzero(coupled.deadline[begin:end] > 0)
            # Memory that is never written to costs nothing.
            most = int((market.first[later + 1] - market.first[later]).sum())
            kept = Waiting.of(later, periods, most)
            made = Landscape(
                np.zeros(periods),
                np.zeros(price.shape),
                np.zeros((size, size, periods)),
                (kept,),
            )
            count = soft_windows(
                market.first, market.pool, market.opens, market.usd, market.hours,
                coupled.coupling.extra, price, market.ceiling, width, REACH,
                market.demand, coupled.deadline, begin, end,
                made.value, made.load, made.curvature, self._place,
                kept.mine, kept.last, kept.split, kept.handled, kept.bend,
                kept.first, kept.route, kept.part,
            )  # fmt: skip
            kept.route, kept.part = kept.route[:count].copy(), kept.part[:count].copy()
            return made

        parts = self._each(sweep)
        whole = parts[0]
        for part in parts[1:]:
            whole.value[:] += part.value
            whole.load[:] += part.load
            whole.curvature[:] += part.curvature
        upper = whole.curvature.transpose(2, 0, 1)
        both = upper + np.triu(upper, 1).transpose(0, 2, 1)
        waiting = tuple(kept for part in parts for kept in part.waiting)
        return Landscape(whole.value, whole.load, both, waiting)

    def product(self, here: Landscape, vector: Float, width: Float) -> Float:
        """(D, T) minus the change of the slope between periods, for a change of prices."""
        from optimizer.kernels.window_product import window_product

        coupled, market = self.coupled, self.coupled.market
        vector = np.ascontiguousarray(vector)

        def sweep(number: int) -> Float:
            kept, answer = here.waiting[number], np.zeros(vector.shape)
            window_product(
                market.pool, market.hours, coupled.coupling.extra, vector, width,
                market.demand, coupled.deadline,
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

"""Sweeps over all workloads of a market, in pieces that threads share.

A piece is a block of workloads in a chunk of periods. The pieces depend on the market, the periods
and the prices, and not on the number of threads, and their sums are added in order, so that the
same market gives the same numbers to the last digit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
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
Halt = Callable[[], bool]

REACH = 10.0
"""Widths from the best at which a way counts for nothing: exp(-10) is 5e-5."""
CHUNK = 84
"""Most periods in a piece: the bends of 64 pools in so many periods fit a core's own cache."""
PIECE_CELLS = 12_000_000
"""Routes times periods that make a piece worth a thread."""


class HaltedError(Exception):
    """A sweep was told to stop before its end."""


@dataclass(frozen=True, eq=False)
class Smooth:
    """What the smooth sweep gives for some periods. Axis t: those periods.

    Attributes
    ----------
    value : (t,) USD, capacity not yet taken off; never above what the best ways cost.
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
    workload, position, route : (N,) routes of those that have several ways near the best; position
        on t. Within a position sorted by workload, then route.
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

    def smooth(self, price: Float, width: Float, periods: Int, halt: Halt | None = None) -> Smooth:
        """Cost with min replaced by soft-min, its slopes and its bends.

        Parameters
        ----------
        price : (P, t) USD per chip-hour beyond what is paid for use.
        width : (W,) USD per Mtok.
        periods : (t,) which they are, ascending.
        halt : asked before each piece.

        Raises
        ------
        HaltedError
            When ``halt`` says so.
        """
        from optimizer.kernels.soft_minimum import soft_minimum

        market, pools = self.market, len(price)
        usd = self.pool_usd(price, periods)
        whole = Smooth(
            np.zeros(len(periods)), np.zeros(price.shape), np.zeros((len(periods), pools, pools))
        )

        def sweep(place: Int, begin: int, end: int) -> tuple[Float, Float, Float]:
            value, load = np.zeros(len(place)), np.zeros((pools, len(place)))
            curvature = np.zeros((pools, pools, len(place)))
            soft_minimum(
                market.first, market.pool, market.opens, market.usd, market.hours,
                np.ascontiguousarray(usd[:, place]), market.ceiling, width, REACH, market.demand,
                periods[place], begin, end, value, load, curvature,
            )  # fmt: skip
            return value, load, curvature

        sums: tuple[Float, Float, Float] | None = None
        for (place, _, end), answer in self.each(self.pieces(usd), sweep, halt):
            if sums is None:
                sums = answer
            else:
                for one, other in zip(sums, answer, strict=True):
                    one += other
            if end == market.num_workloads:
                whole.value[place], whole.load[:, place] = sums[:2]
                by_period = sums[2].transpose(2, 0, 1)
                whole.curvature[place] = by_period + np.triu(by_period, 1).transpose(0, 2, 1)
                sums = None
        return whole

    def near(
        self,
        price: Float,
        slack: Float,
        periods: Int,
        halt: Halt | None = None,
        only: Index | None = None,
    ) -> Near:
        """Ways within a slack of the best.

        Parameters
        ----------
        price : (P, t) USD per chip-hour beyond what is paid for use.
        slack : (t,) part of the workload's scale.
        periods : (t,) which they are, ascending.
        halt : asked before each piece.
        only : (W, t) memory for what :class:`Near` calls so.

        Raises
        ------
        HaltedError
            When ``halt`` says so.
        """
        from optimizer.kernels.near_ways import near_ways

        market, usd = self.market, self.pool_usd(price, periods)
        if only is None:
            only = np.empty((market.num_workloads, len(periods)), np.int32)

        def sweep(place: Int, begin: int, end: int) -> tuple[Float, list[Index]]:
            room = max(1024, (end - begin) * len(place) // 4)
            while True:
                value = np.zeros(len(place))
                found = [np.empty(room, np.int32) for _ in range(3)]
                count = near_ways(
                    market.first, market.pool, market.opens, market.usd, market.hours,
                    np.ascontiguousarray(usd[:, place]), market.ceiling, market.scale,
                    slack[place], market.demand, periods[place], place, begin, end, value, only,
                    *found,
                )  # fmt: skip
                if count <= room:
                    return value, [array[:count].copy() for array in found]
                room = count

        value, parts = np.zeros(len(periods)), [[np.empty(0, np.int32)] * 3]
        for (place, _, _), (usd_of_best, found) in self.each(self.pieces(usd), sweep, halt):
            value[place] += usd_of_best
            parts.append(found)
        workload, position, route = (
            np.concatenate([found[axis] for found in parts]) for axis in range(3)
        )
        return Near(value, only, workload, position, route)

    def pool_usd(self, price: Float, periods: Int) -> Float:
        """(P, t) USD per chip-hour, for use and beyond."""
        return np.asarray(self.market.used_usd[:, periods] + price)

    def pieces(self, usd: Float) -> list[tuple[Int, int, int]]:
        """Positions of periods, and the workloads from and to: all of them, each once.

        Periods with like prices come together, since the kernels pass over routes that are dear
        in all periods of a piece.
        """
        count = usd.shape[1]
        if count == 0 or self.market.num_workloads == 0:
            return []
        known = np.where(np.isfinite(usd), usd, 0.0)
        usual = known.mean(axis=1, keepdims=True)
        level = (known / np.where(usual > 0, usual, 1.0)).mean(axis=0)
        order = np.argsort(level, kind="stable")
        chunks = [np.sort(part) for part in np.array_split(order, -(-count // CHUNK))]
        return [
            (chunk, begin, end)
            for chunk in chunks
            for begin, end in itertools.pairwise(self._edges(len(chunk)))
        ]

    def _edges(self, periods: int) -> list[int]:
        """Where the blocks of workloads begin, and the end of the last."""
        market = self.market
        count = max(1, len(market.pool) * periods // PIECE_CELLS)
        ends = np.linspace(0, len(market.pool), count + 1)[1:-1]
        cuts = np.searchsorted(market.first, ends)
        edges = np.unique(np.concatenate([[0], cuts, [market.num_workloads]]))
        return [int(edge) for edge in edges]

    def each(
        self,
        pieces: list[tuple[Int, int, int]],
        sweep: Callable[[Int, int, int], Answer],
        halt: Halt | None,
    ) -> Iterator[tuple[tuple[Int, int, int], Answer]]:
        """Every piece with its answer, in order."""

        def work(piece: tuple[Int, int, int]) -> Answer:
            if halt is not None and halt():
                raise HaltedError
            return sweep(*piece)

        if len(pieces) <= 1 or self.threads == 1:
            for piece in pieces:
                yield piece, work(piece)
            return
        pool = ThreadPoolExecutor(self.threads)
        try:
            yield from zip(pieces, pool.map(work, pieces), strict=True)
        finally:
            # After Ctrl-C the pieces that have not begun are not waited for.
            pool.shutdown(cancel_futures=True)

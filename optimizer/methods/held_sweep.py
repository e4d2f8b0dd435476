"""The sweep from a solution: who has a way as near the best as the one it has.

Of whoever stays only the sum of loads is known afterwards; the others come with their ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.sweeps import Halt, Sweeps

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Reach:
    """How much a way may miss the best and count as near. Axis t: some periods.

    Attributes
    ----------
    slack : (t,) part of what the best costs, or of the workload's scale where that is less.
    floor : (t,) part of the scale on top: the best may cost nothing.
    """

    slack: Float
    floor: Float

    def of(self, periods: Int) -> Reach:
        """That of some of them."""
        return Reach(self.slack[periods], self.floor[periods])


@dataclass(frozen=True, eq=False)
class Held:
    """What a sweep from a solution finds in some periods. Axis t: those periods.

    Attributes
    ----------
    price : (P, t) prices of the sweep.
    value : (t,) USD of the best ways, capacity not yet taken off.
    load : (P, t) chip-hours of everyone who stays.
    settled_usd : (t,) what those pay, capacity prices included.
    ways : workloads and routes of the others, by position on t.
    """

    price: Float
    value: Float
    load: Float
    settled_usd: Float
    ways: list[tuple[Index, Index]]

    @property
    def size(self) -> int:
        """How many ways that are in all."""
        return sum(len(route) for _, route in self.ways)


def held_sweep(
    sweeps: Sweeps,
    price: Float,
    reach: Reach,
    periods: Int,
    rank: Int,
    among: Int,
    only: Index,
    halt: Halt | None = None,
) -> Held:
    """Who has a way within reach of the best beside the one it has, in some periods."""
    from optimizer.kernels.held_ways import by_place, held_ways

    market, usd = sweeps.market, sweeps.pool_usd(price, periods)

    def sweep(place: Int, begin: int, end: int) -> tuple[Float, Float, Float, list[Index]]:
        room = max(4096, (end - begin) * len(place) // 50)
        while True:
            value, settled = np.zeros(len(place)), np.zeros(len(place))
            load = np.zeros((len(price), len(place)))
            found = [np.empty(room, np.int32) for _ in range(3)]
            count = held_ways(
                market.first, market.pool, market.opens, market.usd, market.hours,
                np.ascontiguousarray(usd[:, place]), market.ceiling, market.scale,
                reach.slack[place], reach.floor[place], market.demand, periods[place], place,
                begin, end, rank, among[place], only, value, load, settled, *found,
            )  # fmt: skip
            if count <= room:
                return value, load, settled, [array[:count] for array in found]
            room = count

    value, settled = np.zeros(len(periods)), np.zeros(len(periods))
    load = np.zeros(price.shape)
    parts = [[np.empty(0, np.int32)] * 3]
    for (place, _, _), answer in sweeps.each(sweeps.pieces(usd), sweep, halt):
        value[place] += answer[0]
        load[:, place] += answer[1]
        settled[place] += answer[2]
        parts.append(answer[3])
    workload, position, route = (
        np.concatenate([found[axis] for found in parts]) for axis in range(3)
    )
    count = np.bincount(position, minlength=len(periods))
    ends = np.cumsum(count)
    who, where = np.empty_like(workload), np.empty_like(route)
    by_place(position, workload, route, ends - count, who, where)
    ways = list(zip(np.split(who, ends[:-1]), np.split(where, ends[:-1]), strict=True))
    return Held(price, value, load, settled, ways)

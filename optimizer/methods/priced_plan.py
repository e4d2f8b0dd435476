"""The plan of a market: what prices settled and what is placed beside, rounding taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.kernels.blocks import BLOCK_CELLS, over_blocks, row_blocks
from optimizer.methods.market import Market
from optimizer.methods.overflow import Placements
from optimizer.plan import Cells, Plan, from_cells

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

SPECK = 1e-11
"""Part of its demand that counts as served: rounding."""


@dataclass(frozen=True, eq=False)
class Settled:
    """Demand that takes one route each.

    Attributes
    ----------
    only : (W, T) route on the market's axis; below 0 where nothing is settled.
    done : (T,) periods in which that counts.
    """

    only: Index
    done: Bool

    @classmethod
    def nothing(cls, market: Market) -> Settled:
        """Nobody is settled."""
        shape = market.demand.shape
        return cls(np.broadcast_to(np.int32(-1), shape), np.zeros(shape[1], np.bool_))


def plan_of(
    instance: Instance,
    market: Market,
    settled: Settled,
    others: Placements,
    handled_mtok: Float | None = None,
) -> Plan:
    """Write both down as a plan: no pool over its limit, no workload over its demand.

    Workload by workload, so that beside the plan itself hardly any memory is needed.

    Parameters
    ----------
    handled_mtok : (W, T) Mtok placed or given up in each period, as in ``market.demand``; None
        where that is what arrives.
    """
    from optimizer.kernels.plan_order import order_of
    from optimizer.kernels.settled_cells import fill_cells, left_over, scale_cells

    periods, pools = market.num_periods, len(market.capacity)
    # A block's sums are no larger than the block itself.
    blocks = row_blocks(market.num_workloads, periods, max(BLOCK_CELLS, 2 * pools * periods))
    only = np.ascontiguousarray(settled.only)
    other_first, order = order_of(
        others.workload, others.period, others.route, others.mtok, market.num_workloads
    )
    other = (others.period[order], others.route[order], others.mtok[order])
    first = _first_cells(market, settled.done, only, other_first, blocks)
    workload, pool, period = (np.empty(first[-1], np.int32) for _ in range(3))
    mtok = np.empty(first[-1])

    def fill(begin: int, end: int) -> Float:
        load = np.zeros((pools, periods))
        fill_cells(
            only, settled.done, market.demand, market.pool, market.hours, other_first, *other,
            first, begin, end, workload, pool, period, mtok, load,
        )  # fmt: skip
        return load

    load = np.zeros((pools, periods))
    for part in over_blocks(fill, blocks):
        load += part
    over = load > market.capacity
    if bool(over.any()):
        # One part in 2^52 less, so that the sum of the scaled parts stays below as well.
        share = market.capacity / np.where(over, load, 1.0) * (1 - 2.0**-52)
        share = np.where(over, share, 1.0)

        def scale(begin: int, end: int) -> None:
            scale_cells(first, pool, period, share, begin, end, mtok)

        for _ in over_blocks(scale, blocks):
            pass

    def rest(begin: int, end: int) -> tuple[Index, Index, Float]:
        size = (end - begin) * periods
        who, when, what = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
        demand = instance.demand_mtok if handled_mtok is None else handled_mtok
        found = left_over(demand, first, period, mtok, SPECK, begin, end, who, when, what)
        return who[:found].copy(), when[:found].copy(), what[:found].copy()

    parts = list(over_blocks(rest, blocks))
    who, when = (np.concatenate([part[axis] for part in parts]) for axis in range(2))
    unserved = Cells((who, when), np.concatenate([part[2] for part in parts]))
    return from_cells(instance, workload, pool, period, mtok, unserved)


def _first_cells(
    market: Market, done: Bool, only: Index, other_first: Int, blocks: list[tuple[int, int]]
) -> Int:
    """(W + 1,) where each workload's cells begin."""
    from optimizer.kernels.settled_cells import count_cells

    count = np.zeros(market.num_workloads, np.int64)

    def counted(begin: int, end: int) -> None:
        count_cells(only, done, market.demand, other_first, begin, end, count)

    for _ in over_blocks(counted, blocks):
        pass
    return np.concatenate([[0], np.cumsum(count)])

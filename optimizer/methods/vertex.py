"""Vertices: prices of each period at which as many ties hold as there are pools, and who is where.

What a solution is to one that begins there. Nearly every workload is on one route; those that are
split between several hold the prices in place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market
from optimizer.methods.overflow import Placements

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]

SPECK = 1e-9
"""Part of its demand that a workload has to have left to count as given up in part."""


@dataclass(frozen=True, eq=False)
class Split:
    """Workloads of one period that are on several ways. Axis N: ways of the basis.

    Attributes
    ----------
    workload, route : (N,) pairs, sorted by workload; route below 0: given up.
    mtok : (N,) what they take.
    """

    workload: Index
    route: Index
    mtok: Float

    @classmethod
    def none(cls) -> Split:
        """Nobody."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))


@dataclass(frozen=True, eq=False)
class Vertex:
    """Where a search ended, for one that begins there.

    Attributes
    ----------
    price : (P, T) USD per chip-hour beyond what is paid for use.
    limit_price : (P, T) the same, where another choice is to be tried as well: what limits were
        worth, if ``price`` keeps what workloads saw.
    only : (W, T) what each workload does: its route on the market's axis, or a name; changed by
        whoever goes on from there.
    split : those on several ways, by period.
    """

    price: Float
    limit_price: Float
    only: Index
    split: tuple[Split, ...]

    @classmethod
    def of_plan(cls, market: Market, price: Float, only: Index, placed: list[Placements]) -> Vertex:
        """From who is settled and what is placed beside, by period; ``only`` is taken over."""
        split = []
        for period, others in enumerate(placed):
            workload, route, mtok = _ways(market, period, others)
            alone = np.bincount(workload, minlength=market.num_workloads)[workload] == 1
            only[workload[alone], period] = route[alone]
            torn = ~alone
            split.append(Split(workload[torn], route[torn], mtok[torn]))
        return cls(price, price, only, tuple(split))


@dataclass(frozen=True, eq=False)
class LastVertex:
    """A vertex, and what of its market says whether it still means the same.

    Attributes
    ----------
    vertex : where the last search ended.
    seen_usd : (P, T) USD per chip-hour that workloads saw: for use and beyond.
    route : (r,) the instance's routes on the market's axis.
    """

    vertex: Vertex
    seen_usd: Float
    route: Index

    @classmethod
    def of(cls, market: Market, vertex: Vertex) -> LastVertex:
        """Remember it."""
        return cls(vertex, market.used_usd + vertex.price, market.route)

    def on(self, market: Market) -> Vertex | None:
        """The same on a market that differs; None where it cannot be.

        What workloads see is the price for use and the limit's together: that is kept, or the
        limit's price alone.
        """
        if self.vertex.only.shape != market.demand.shape:
            return None
        if self.seen_usd.shape != market.capacity.shape:
            return None
        known = np.isfinite(self.seen_usd) & market.able
        seen, used = np.where(known, self.seen_usd, 0.0), np.where(known, market.used_usd, 0.0)
        limit = np.where(known, self.vertex.price, 0.0)
        vertex = replace(self.vertex, price=np.maximum(seen - used, 0.0), limit_price=limit)
        return vertex if np.array_equal(self.route, market.route) else self._moved(vertex, market)

    def _moved(self, vertex: Vertex, market: Market) -> Vertex:
        """The same where other routes are open."""
        from optimizer.kernels.near_ways import NOTHING

        if len(self.route) == 0:
            return vertex
        place = np.searchsorted(market.route, self.route)
        there = place < len(market.route)
        there[there] = market.route[place[there]] == self.route[there]
        to = np.where(there, place, NOTHING).astype(np.int32)
        only = np.where(vertex.only >= 0, to[np.maximum(vertex.only, 0)], vertex.only)
        split = []
        for one in vertex.split:
            route = np.where(one.route >= 0, to[np.maximum(one.route, 0)], one.route)
            kept = route > NOTHING
            split.append(Split(one.workload[kept], route[kept], one.mtok[kept]))
        return replace(vertex, only=only, split=tuple(split))


def _ways(market: Market, period: int, placed: Placements) -> tuple[Index, Index, Float]:
    """Ways that take something, sorted by workload: those placed, and giving up."""
    from optimizer.kernels.near_ways import GIVE_UP

    some = placed.mtok > 0
    owner, row = np.unique(placed.workload, return_inverse=True)
    demand = market.demand[owner, period]
    left = demand - np.bincount(row, placed.mtok, minlength=len(owner))
    short = left > SPECK * demand
    workload = np.concatenate([placed.workload[some], owner[short]])
    route = np.concatenate([placed.route[some], np.full(int(short.sum()), GIVE_UP)])
    mtok = np.concatenate([placed.mtok[some], left[short]])
    order = np.argsort(workload, kind="stable")
    return workload[order].astype(np.int32), route[order].astype(np.int32), mtok[order]

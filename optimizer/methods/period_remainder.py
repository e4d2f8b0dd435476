"""What is left of one period: workloads with more than one way, and room on every row.

As :mod:`optimizer.methods.remainder`, with rows over several pools. For the workloads w that are
not settled, with what is handled of them in the period d, their ways r, and the room b left,

    minimise    sum (e[r] + a[r] c[p(r)]) x[r]  +  sum v[w] u[w]
    subject to  sum over r of w  x[r] + u[w] = d[w]                                     [Mtok]
                sum over r to p  a[r] x[r] <= b[p]                                      [chip-hours]
                sum over r  coefficient[g,p(r)] takes[g,r] x[r]  <=  b[row]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.coupled_market import CoupledMarket
from optimizer.program import Program, ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class PeriodRemainder:
    """Ways of the workloads of one period that are not settled. Axis N: ways.

    Attributes
    ----------
    period : which one.
    workload, route : (N,) pairs, sorted, each once; routes on the market's axis.
    """

    period: int
    workload: Index
    route: Index

    def program(self, coupled: CoupledMarket, handled: Float, room: Float) -> Program:
        """The program: columns are the ways, then what is given up of each workload.

        Parameters
        ----------
        handled : (W, T) Mtok handled.
        room : (P + K + J,) what is left of each pool and each row; rows over the horizon with
            the period's part of their limit.
        """
        market = coupled.market
        owner, row = np.unique(self.workload, return_inverse=True)
        pool, hours = market.pool[self.route], market.hours[self.route]
        touched, line = np.unique(pool, return_inverse=True)
        builder = ProgramBuilder()
        usd = market.usd[self.route] + hours * market.used_usd[pool, self.period]
        place = builder.columns("place", len(self.route), cost=usd)
        given_up = builder.columns("unserved", len(owner), cost=market.ceiling[owner])
        wanted = handled[owner, self.period]
        demand = builder.rows("demand", len(owner), lower=wanted, upper=wanted)
        capacity = builder.rows("capacity", len(touched), upper=np.maximum(room[touched], 0.0))
        builder.add(demand[row], place, 1.0)
        builder.add(demand, given_up, 1.0)
        builder.add(capacity[line], place, hours)
        rows = coupled.rows[self.period, len(market.capacity) :]
        if len(rows):
            limits = builder.rows("limits", len(rows), upper=room[len(market.capacity) :])
            pools = len(market.capacity)
            entries = np.zeros((len(rows), len(self.route)))
            for good, amount in enumerate(coupled.takes):
                entries += rows[:, good * pools + pool] * amount[self.route]
            which, column = np.nonzero(entries)
            builder.add(limits[which], place[column], entries[which, column])
        return builder.build()

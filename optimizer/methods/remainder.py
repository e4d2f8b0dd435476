"""The remainder: workloads of one period whose prices leave more than one way open.

A small program over what the settled workloads leave of the pools. For the workloads w that are
not settled, their ways r and the limits b left,

    minimise    sum (e[r] + a[r] c[p(r)]) x[r]  +  sum v[w] u[w]
    subject to  sum over r of w  x[r] + u[w] = d[w]                     [Mtok]
                sum over r to p  a[r] x[r] <= b[p]                      [chip-hours]

and, where more than pools is limited, one row for each such limit, with what its ways count there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market
from optimizer.program import Program, ProgramBuilder
from optimizer.solvers.base import Outcome

Float = NDArray[np.float64]
Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Remainder:
    """Ways of the workloads of one period that are not settled. Axis N: ways.

    Attributes
    ----------
    period : which one.
    workload, route : (N,) pairs, sorted, each once; routes on the market's axis.
    """

    period: int
    workload: Index
    route: Index

    def program(
        self,
        market: Market,
        room: Float,
        limits: tuple[Float, Float] | None = None,
    ) -> Program:
        """The program; rows are workloads in order, then the pools that ways lead to, then limits.

        Columns are the ways, then what is given up of each workload.

        Parameters
        ----------
        room : (P,) chip-hours that are left.
        limits : (K, N) what a Mtok on each way counts in other limits, and (K,) what is left of
            them; None where there are none.
        """
        owner, row = np.unique(self.workload, return_inverse=True)
        pool, hours = market.pool[self.route], market.hours[self.route]
        touched, line = np.unique(pool, return_inverse=True)
        builder = ProgramBuilder()
        usd = market.usd[self.route] + hours * market.used_usd[pool, self.period]
        place = builder.columns("place", len(self.route), cost=usd)
        given_up = builder.columns("unserved", len(owner), cost=market.ceiling[owner])
        wanted = market.demand[owner, self.period]
        demand = builder.rows("demand", len(owner), lower=wanted, upper=wanted)
        capacity = builder.rows("capacity", len(touched), upper=room[touched])
        builder.add(demand[row], place, 1.0)
        builder.add(demand, given_up, 1.0)
        builder.add(capacity[line], place, hours)
        if limits is not None:
            entries, left = limits
            rows = builder.rows("limits", len(left), upper=left)
            which, column = np.nonzero(entries)
            builder.add(rows[which], place[column], entries[which, column])
        return builder.build()

    def price(self, market: Market, outcome: Outcome) -> Float:
        """(P,) USD per chip-hour beyond what is paid for use, from the duals of the program."""
        assert outcome.duals is not None
        touched = np.unique(market.pool[self.route])
        found = np.zeros(len(market.capacity))
        duals = outcome.duals[len(outcome.duals) - len(touched) :]
        found[touched] = np.maximum(0.0, -np.nan_to_num(duals, posinf=0.0, neginf=0.0))
        return found

    def placed(self, outcome: Outcome) -> Float:
        """(N,) Mtok on each way."""
        assert outcome.values is not None
        return np.maximum(outcome.values[: len(self.route)], 0.0)

    def joined(self, workload: Index, route: Index) -> Remainder:
        """With more ways, each pair once."""
        both = np.concatenate([self.workload, workload]), np.concatenate([self.route, route])
        # Routes are sorted by workload, so that their order is that of the pairs.
        kept, first = np.unique(both[1], return_index=True)
        return Remainder(self.period, both[0][first], kept.astype(np.int32))

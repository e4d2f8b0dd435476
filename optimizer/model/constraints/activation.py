"""Activation: a pool that serves anything is activated, and its fee is paid once.

With z[p] in {0, 1} for each pool with a fee, and s[w,t] the Mtok that may be handled then,

    x[w,p,t] <= s[w,t] z[p]                                             [Mtok]

beside the pool's limit, which :mod:`optimizer.model.constraints.capacity` multiplies with
z[p]. The first rows are the strong form of the link (J. Krarup and P. M. Pruzan, "The simple
plant location problem: survey and synthesis", European Journal of Operational Research 12,
1983): with the limit alone the relaxation would pay a fraction of the fee.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.program import ProgramBuilder


@dataclass(frozen=True)
class Activation:
    """The family of fees paid once."""

    def add(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> None:
        """Add a column per pool with a fee that some route may use, and its links."""
        fee = instance.pools.activation_usd
        used = np.zeros(instance.num_pools, np.bool_)
        used[columns.pool] = True
        pools = np.flatnonzero(used & (fee > 0))
        if len(pools) == 0:
            return
        columns.activated[pools] = builder.columns(
            "activated", len(pools), cost=fee[pools], upper=1.0, integer=True
        )
        linked = np.flatnonzero(columns.activated[columns.pool] >= 0)
        rows = builder.rows("activation", len(linked), upper=0.0)
        builder.add(rows, columns.place[linked], 1.0)
        most = columns.window_mtok[columns.workload[linked], columns.period[linked]]
        builder.add(rows, columns.activated[columns.pool[linked]], -most)

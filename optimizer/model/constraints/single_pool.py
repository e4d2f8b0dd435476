"""Single pool: what is served of a pinned workload runs on one pool, the same all horizon.

With y[w,p] in {0, 1} for each route of a pinned workload, and s[w,t] the Mtok that may be
handled then,

    x[w,p,t] <= s[w,t] y[w,p]                                           [Mtok]
    sum_p y[w,p] <= 1

(the assignment rows of the generalised assignment problem: G. T. Ross and R. M. Soland, "A
branch and bound algorithm for the generalized assignment problem", Mathematical Programming
8, 1975).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.program import ProgramBuilder


@dataclass(frozen=True)
class SinglePool:
    """The family of pinned workloads."""

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, NDArray[np.int32]]:
        """Add a column per route of a pinned workload with more than one, and the rows.

        ``single_pool`` (W,) those on choices; ``pinned`` (X,) those that link each placement
        to the choice of its pool.
        """
        links = np.full(len(columns.place), -1, np.int32)
        one = np.full(instance.num_workloads, -1, np.int32)
        found = {"single_pool": one, "pinned": links}
        used = np.zeros(instance.num_routes, np.bool_)
        used[columns.route] = True
        owner = instance.routes.workload
        count = np.bincount(owner[used], minlength=instance.num_workloads)
        pinned = instance.workloads.single_pool & (count > 1)
        routes = np.flatnonzero(used & pinned[owner])
        if len(routes) == 0:
            return found
        columns.chosen[routes] = builder.columns("chosen", len(routes), upper=1.0, integer=True)
        workloads, position = np.unique(owner[routes], return_inverse=True)
        one[workloads] = builder.rows("single_pool", len(workloads), upper=1.0)
        builder.add(one[workloads][position], columns.chosen[routes], 1.0)
        linked = np.flatnonzero(columns.chosen[columns.route] >= 0)
        rows = builder.rows("pinned", len(linked), upper=0.0)
        links[linked] = rows
        builder.add(rows, columns.place[linked], 1.0)
        most = columns.window_mtok[columns.workload[linked], columns.period[linked]]
        builder.add(rows, columns.chosen[columns.route[linked]], -most)
        return found

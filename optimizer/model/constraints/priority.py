"""Priority: who gives tokens up shuts all of lower priority out of the pools it could use.

The different priorities are numbered l = 0, 1, ... from the most urgent. With a binary
g[l,p,t], 1 when all workloads of higher numbers than l are shut out of pool p in period t, and
s[w,t] the Mtok that may be handled then,

    u[w,t]   <= s[w,t] g[l(w),p,t]             for every pool p that w could use      [Mtok]
    x[w,p,t] <= s[w,t] (1 - g[l(w)-1,p,t])                                            [Mtok]
    g[l,p,t] <= g[l+1,p,t]

(docs/problem.md, family "priority"). The last rows let each workload look at one binary only:
whoever is shut out by the urgent is shut out by all between. s[w,t] is the largest value that
either column can take, so that no row cuts anything off when its binary allows. Binaries are
there only where somebody could be given up and somebody of a higher number could be shut out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.program import ProgramBuilder

Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Priority:
    """The family of who is served first."""

    def claim(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> Columns:
        """Claim the binaries."""
        level, count = levels(instance)
        if count < 2:
            return columns
        mine = level[columns.workload]
        cells = (columns.pool, columns.period)
        urgent = np.full(columns.reserve.shape, count, np.int32)
        np.minimum.at(urgent, cells, mine)
        patient = np.full(columns.reserve.shape, -1, np.int32)
        np.maximum.at(patient, cells, mine)
        step = np.arange(count - 1)[:, None, None]
        matters = (step >= urgent) & (step < patient)
        gives_way = np.full(matters.shape, -1, np.int32)
        if bool(matters.any()):
            gives_way[matters] = builder.columns(
                "gives_way", int(matters.sum()), upper=1.0, integer=True
            )
        return replace(columns, gives_way=gives_way)

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, Index]:
        """Add the rows: ``priority`` (R, T) are those on u, R = 0 when there are none."""
        if not bool((columns.gives_way >= 0).any()):
            return {"priority": np.full((0, instance.num_periods), -1, np.int32)}
        rows = np.full((instance.num_routes, instance.num_periods), -1, np.int32)
        most = columns.window_mtok[columns.workload, columns.period]
        cell, binary = giving_up(instance, columns)
        claimed = builder.rows("priority", len(cell), upper=0.0)
        rows[columns.route[cell], columns.period[cell]] = claimed
        unserved = columns.unserved[columns.workload[cell], columns.period[cell]]
        builder.add(claimed, unserved, 1.0)
        builder.add(claimed, binary, -most[cell])
        cell, binary = shut_out(instance, columns)
        shut = builder.rows("priority_shut", len(cell), upper=most[cell])
        builder.add(shut, columns.place[cell], 1.0)
        builder.add(shut, binary, most[cell])
        both = (columns.gives_way[:-1] >= 0) & (columns.gives_way[1:] >= 0)
        if bool(both.any()):
            chain = builder.rows("priority_chain", int(both.sum()), upper=0.0)
            builder.add(chain, columns.gives_way[:-1][both], 1.0)
            builder.add(chain, columns.gives_way[1:][both], -1.0)
        return {"priority": rows}


def levels(instance: Instance) -> tuple[Index, int]:
    """(W,) number of each workload's priority among those there are, and how many there are."""
    known, level = np.unique(instance.workloads.priority, return_inverse=True)
    return level.astype(np.int32), len(known)


def giving_up(instance: Instance, columns: Columns) -> tuple[NDArray[np.intp], Index]:
    """Cells on axis X whose workload may only be given up if a binary says so, and which."""
    return _looked_at(instance, columns, 0)


def shut_out(instance: Instance, columns: Columns) -> tuple[NDArray[np.intp], Index]:
    """Cells on axis X that a binary shuts, and which."""
    return _looked_at(instance, columns, -1)


def _looked_at(instance: Instance, columns: Columns, step: int) -> tuple[NDArray[np.intp], Index]:
    level = levels(instance)[0][columns.workload] + step
    able = np.flatnonzero((level >= 0) & (level < len(columns.gives_way)))
    binary = columns.gives_way[level[able], columns.pool[able], columns.period[able]]
    known = binary >= 0
    return able[known], binary[known]

"""Startup: starts are counted, and replicas change no faster than they may.

For each pair of model m and pool p with replicas, and each period t,

    s[m,p,t] >= n[m,p,t] - n[m,p,t-1],      s >= 0                      [replicas]
    -max_changes <= n[m,p,t] - n[m,p,t-1] <= max_changes                [replicas]

(docs/problem.md, family "startup"; the rows of start-up costs in unit commitment: L. L. Garver,
"Power generation scheduling by integer programming", AIEE Transactions 81, 1962). Before period
0 stands what is in force; where nothing is said of it, period 0 has neither row.

s costs money and working hours and is worth nothing, so that it is as small as its row allows:
it need not be declared a whole number, and equals the positive part once n are whole numbers.
The limit on changes is rounded down, which cuts off no whole number. A limit that the chips on
offer keep by themselves has no row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.fleet_data import WHOLE, most_replicas, of_pairs, replicas_before
from optimizer.program import ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Startup:
    """The family of starts and changes."""

    def claim(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> Columns:
        """Claim s[m,p,t] where a start costs money or time."""
        if columns.replicas.size == 0:
            return columns
        table = instance.replicas
        usd = of_pairs(instance, table.startup_usd)
        costly = (usd > 0) | (of_pairs(instance, table.startup_hours) > 0)
        able = (columns.replicas >= 0) & (most_replicas(instance) > 0)
        able[:, :, 0] &= instance.in_force_replicas is not None
        able &= costly[:, :, None]
        count = int(able.sum())
        if count == 0:
            return columns
        starts = columns.starts.copy()
        cost = np.broadcast_to(usd[:, :, None], able.shape)[able]
        starts[able] = builder.columns("starts", count, cost=cost)
        return replace(columns, starts=starts)

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, Index]:
        """Add the rows: ``starts``, ``changes_up`` and ``changes_down``, each (M, P, T)."""
        names = ("starts", "changes_up", "changes_down")
        rows = {name: np.full(columns.replicas.shape, -1, np.int32) for name in names}
        if columns.replicas.size == 0:
            return rows
        changes = of_pairs(instance, instance.replicas.max_changes_per_period)
        limited = (instance.replica_rows >= 0) & (changes >= 0)
        most = most_replicas(instance)
        before = replicas_before(instance, most)
        allowed = np.where(limited, np.floor(changes + WHOLE), np.inf)[:, :, None]
        here = (columns.replicas >= 0) & ~np.isnan(before)
        up = here & (most > allowed)
        up[:, :, 0] &= (most - before > allowed)[:, :, 0]
        down = here & (before > allowed)
        allowed = np.broadcast_to(allowed, most.shape)
        _add_steps(builder, columns, "starts", columns.starts >= 0, rows, before)
        started = columns.starts >= 0
        builder.add(rows["starts"][started], columns.starts[started], 1.0)
        _add_steps(builder, columns, "changes_up", up, rows, before, upper=allowed)
        _add_steps(builder, columns, "changes_down", down, rows, before, lower=-allowed)
        return rows


def _add_steps(
    builder: ProgramBuilder,
    columns: Columns,
    name: str,
    wanted: Bool,
    rows: dict[str, Index],
    before: Float,
    *,
    lower: Float | None = None,
    upper: Float | None = None,
) -> None:
    """Add rows on n[t] - n[t-1]; with neither limit, on n[t-1] - n[t] >= 0.

    What is in force before period 0 is no column and goes to the right-hand side.
    """
    count = int(wanted.sum())
    if count == 0:
        return
    sign = -1.0 if lower is None and upper is None else 1.0
    known = np.zeros(wanted.shape)
    known[:, :, 0] = before[:, :, 0]
    right = sign * known[wanted]
    limits = {}
    if upper is not None:
        limits["upper"] = upper[wanted] + right
    if lower is not None:
        limits["lower"] = lower[wanted] + right
    rows[name][wanted] = builder.rows(name, count, **(limits or {"lower": right}))
    model, pool, period = np.nonzero(wanted)
    row = rows[name][model, pool, period]
    builder.add(row, columns.replicas[model, pool, period], sign)
    later = period > 0
    earlier = columns.replicas[model[later], pool[later], period[later] - 1]
    builder.add(row[later], earlier, -sign)

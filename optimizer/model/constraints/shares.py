"""Shares: a group of pools holds at least min and at most max of the horizon's total.

With M[p] the measure of pool p (chip-hours in use, Mtok placed, or USD spent), a column of
its own so that each placement enters one row per measure and not one per share,

    sum_{p in group} M[p] - max sum_p M[p] <= 0
    sum_{p in group} M[p] - min sum_p M[p] >= 0

(docs/problem.md, family "shares"). What reserved chips cost is spent whatever the plan
does and stands on the right-hand side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.costs import placement_usd_per_mtok, reserved_usd
from optimizer.program import ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ShareRows:
    """(S,) row of each max and of each min, -1 where there is none.

    ``slack`` is the column by which either may be broken, -1 unless elastic.
    """

    max: Index
    min: Index
    slack: Index


@dataclass(frozen=True)
class Shares:
    """The family of limits on shares.

    Attributes
    ----------
    elastic : let each limit be broken by a column of its own, to find out by how much
        limits that contradict each other would have to give.
    """

    elastic: bool = False

    def add(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> ShareRows:
        """Add a measure column per pool and measure in use, and the rows."""
        shares = instance.shares
        count = len(shares.share)
        found = ShareRows(*(np.full(count, -1, np.int32) for _ in range(3)))
        if count == 0:
            return found
        measures = {
            name: _measure_columns(builder, instance, columns, name)
            for name in shares.measure.names
        }
        for position in range(count):
            measure, constant = measures[shares.measure[position]]
            group = in_group(instance, position)
            for side, rows in (("max", found.max), ("min", found.min)):
                part = float(getattr(shares, side)[position])
                if np.isnan(part):
                    continue
                right = part * constant.sum() - constant[group].sum()
                bound = {"upper" if side == "max" else "lower": right}
                rows[position] = builder.rows(f"share_{side}", 1, **bound)[0]
                builder.add(rows[position], measure, group - part)
                if self.elastic:
                    if found.slack[position] < 0:
                        found.slack[position] = builder.columns("share_slack", 1)[0]
                    sign = -1.0 if side == "max" else 1.0
                    builder.add(rows[position], found.slack[position], sign)
        return found


def in_group(instance: Instance, position: int) -> NDArray[np.bool_]:
    """(P,) pools that a share limits."""
    attribute, value = instance.shares.attribute[position], instance.shares.value[position]
    if attribute == "pool":
        return np.array([name == value for name in instance.pools.pool], np.bool_)
    labels = getattr(instance.pools, attribute)
    return np.asarray(labels.equal(value))


def _measure_columns(
    builder: ProgramBuilder, instance: Instance, columns: Columns, measure: str
) -> tuple[Index, Float]:
    """(P,) column and (P,) constant part of a measure per pool."""
    pools = instance.num_pools
    constant = np.zeros(pools)
    if measure == "tokens":
        weight: Float = np.ones(len(columns.place))
    elif measure == "compute":
        weight = instance.routes.chip_hours_per_mtok[columns.route]
    else:
        constant = reserved_usd(instance)
        every = np.arange(instance.num_routes, dtype=np.int32)
        weight = placement_usd_per_mtok(instance, every)[columns.route, columns.period]
    total = builder.columns(f"measure_{measure}", pools)
    rows = builder.rows(f"measure_{measure}", pools, lower=0.0, upper=0.0)
    builder.add(rows[columns.pool], columns.place, weight)
    builder.add(rows, total, -1.0)
    return total, constant

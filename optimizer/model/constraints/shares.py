"""Shares: a group of pools holds at least min and at most max of the total.

With M[p] the measure of pool p (chip-hours held, Mtok placed, or USD spent), over the horizon or
in one period, a column of its own so that each placement enters one row per measure and not
one per share,

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
from optimizer.model.costs import (
    block_usd,
    held_usd_per_chip_hour,
    reserved_usd,
    usage_usd_per_chip_hour,
)
from optimizer.model.groups import pools_of
from optimizer.model.held import Held, held
from optimizer.program import ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries of a measure M[p,t]: where each belongs and how much a unit of it adds."""

    pool: Index
    period: Index
    column: Index
    weight: Float


@dataclass(frozen=True, eq=False)
class Measured:
    """A measure per pool, and in each period for itself or over the horizon.

    Attributes
    ----------
    column : (P, T) or (P, 1) column of M, -1 where nothing adds to it.
    constant : the same shape, what is there whatever the plan does.
    """

    column: Index
    constant: Float


@dataclass(frozen=True)
class Shares:
    """The family of limits on shares."""

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, Index]:
        """Add a measure column per pool and measure in use, and the rows.

        ``share_max`` and ``share_min``, (S, T); of a limit over the horizon the same row in
        every period.
        """
        shares = instance.shares
        count = len(shares.share)
        rows = {
            name: np.full((count, instance.num_periods), -1, np.int32)
            for name in ("share_max", "share_min")
        }
        if count == 0:
            return rows
        pairs = set(zip(shares.measure.values(), shares.per.values(), strict=True))
        measures = {
            (measure, per): _measured(builder, instance, columns, measure, per)
            for measure, per in sorted(pairs)
        }
        for position in range(count):
            measure = measures[shares.measure[position], shares.per[position]]
            group = pools_of(instance, shares.attribute[position], shares.value[position])
            for side in ("max", "min"):
                part = float(getattr(shares, side)[position])
                if not np.isnan(part):
                    rows[f"share_{side}"][position] = _limit(builder, measure, group, side, part)
        return rows


def _limit(
    builder: ProgramBuilder, measure: Measured, group: NDArray[np.bool_], side: str, part: float
) -> Index:
    """Add one limit in every period, or over the horizon; gives its rows."""
    constant = measure.constant
    right = part * constant.sum(axis=0) - constant[group].sum(axis=0)
    bound = {"upper" if side == "max" else "lower": right}
    rows = builder.rows(f"share_{side}", len(right), **bound)
    pool, span = np.nonzero(measure.column >= 0)
    builder.add(rows[span], measure.column[pool, span], (group - part)[pool])
    return rows


def _measured(
    builder: ProgramBuilder, instance: Instance, columns: Columns, measure: str, per: str
) -> Measured:
    """Claim the columns of a measure and add the rows that define them."""
    entries = _entries(instance, columns, measure)
    constant = np.zeros(instance.capacity_chips.shape)
    if measure == "spend":
        constant = reserved_usd(instance)
    name = f"measure_{measure}"
    if per == "period":
        used = np.zeros(constant.shape, np.bool_)
        used[entries.pool, entries.period] = True
        span: Index = entries.period
        name += "_period"
    else:
        used = np.ones((instance.num_pools, 1), np.bool_)
        constant = constant.sum(axis=1, keepdims=True)
        if measure == "spend" and bool((columns.blocks >= 0).any()):
            entries = _summed(entries)
        span = np.zeros(len(entries.pool), np.int32)
    count = int(used.sum())
    column = np.full(used.shape, -1, np.int32)
    rows = column.copy()
    column[used] = builder.columns(name, count)
    rows[used] = builder.rows(name, count, lower=0.0, upper=0.0)
    builder.add(rows[entries.pool, span], entries.column, entries.weight)
    builder.add(rows[used], column[used], -1.0)
    return Measured(column, constant)


def _summed(entries: Entries) -> Entries:
    """The same with one entry per column: blocks are in force in many periods."""
    column, first, where = np.unique(entries.column, return_index=True, return_inverse=True)
    if len(column) == len(entries.column):
        return entries
    weight = np.asarray(np.bincount(where, entries.weight, len(column)), np.float64)
    return Entries(entries.pool[first], entries.period[first], column, weight)


def _entries(instance: Instance, columns: Columns, measure: str) -> Entries:
    if measure == "tokens":
        weight: Float = np.ones(len(columns.place))
        return Entries(columns.pool, columns.period, columns.place, weight)
    holding = held(instance, columns)
    if measure == "compute":
        return Entries(holding.pool, holding.period, holding.column, holding.chip_hours)
    return _spend(instance, columns, holding)


def _spend(instance: Instance, columns: Columns, holding: Held) -> Entries:
    """USD by column: what is held and paid for at once or apart, blocks, routes' own cost."""
    price = held_usd_per_chip_hour(instance)
    by_column = np.zeros(int(max(holding.column.max(initial=0), columns.place.max(initial=0))) + 1)
    by_column[columns.place] = instance.routes.usd_per_mtok[columns.route]
    by_column[holding.column] += holding.chip_hours * price[holding.pool, holding.period]
    other = np.ones(len(by_column), np.bool_)
    other[columns.place] = False
    more = other[holding.column]
    pool, period = np.nonzero(columns.paid >= 0)
    usd = block_usd(instance)
    contract, when = np.nonzero((usd > 0) & (columns.blocks >= 0)[:, None])
    parts = (
        Entries(columns.pool, columns.period, columns.place, by_column[columns.place]),
        Entries(
            holding.pool[more],
            holding.period[more],
            holding.column[more],
            by_column[holding.column[more]],
        ),
        Entries(
            pool.astype(np.int32),
            period.astype(np.int32),
            columns.paid[pool, period],
            usage_usd_per_chip_hour(instance)[pool, period],
        ),
        Entries(
            instance.contracts.pool[contract],
            when.astype(np.int32),
            columns.blocks[contract],
            usd[contract, when],
        ),
    )
    return Entries(
        np.concatenate([part.pool for part in parts]),
        np.concatenate([part.period for part in parts]),
        np.concatenate([part.column for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )

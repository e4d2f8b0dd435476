"""Contracts: blocks of chips that may be bought, and what is paid beside them.

b[k] is a whole number from 0 to max_blocks. On on_demand and spot pools only what is held beyond
the blocks in force is paid as held,

    paid[p,t] >= O[p,t] - H sum over k  block_chips[k] b[k],   paid >= 0       [chip-hours]

(docs/problem.md, "Cost" and family "contracts"). It costs money, so that it is as small as the
row allows. A limit on shares of spend may gain by spending more; there a binary over[p,t] says
whether anything is paid for at all, with limits from the data:

    paid[p,t] <= O[p,t] - H sum block_chips b + H (1 - over[p,t]) sum block_chips max_blocks
    paid[p,t] <= H K[p,t] over[p,t]

Either makes paid the positive part exactly. Both are tight: at over = 1 and at over = 0 the
right-hand sides are the largest values that the other limits allow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.costs import block_usd, paid_apart, usage_usd_per_chip_hour
from optimizer.model.held import held
from optimizer.model.offer import block_chips, most_block_chips
from optimizer.program import INFINITY, ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]


def claim_blocks(
    builder: ProgramBuilder, instance: Instance, columns: Columns, *, whole: bool = True
) -> Columns:
    """Claim b[k] for what is on offer within the horizon.

    Parameters
    ----------
    whole : keep the rules: whole numbers, and no more blocks than there are.
    """
    table = instance.contracts
    offered = np.flatnonzero((table.max_blocks > 0) & (block_chips(instance) > 0).any(axis=1))
    if len(offered) == 0:
        return columns
    blocks = columns.blocks.copy()
    blocks[offered] = builder.columns(
        "blocks",
        len(offered),
        cost=block_usd(instance)[offered].sum(axis=1),
        upper=table.max_blocks[offered] if whole else INFINITY,
        integer=whole,
    )
    return replace(columns, blocks=blocks)


def add_paid(
    builder: ProgramBuilder, instance: Instance, columns: Columns
) -> tuple[Columns, Index]:
    """Claim what is paid as held, and add the rows that define it.

    Returns
    -------
    columns : with ``paid`` and ``paying``.
    rows : (P, T) row that defines each, -1 where there is none.
    """
    cells = paid_apart(instance)
    rows = np.full(cells.shape, -1, np.int32)
    if not bool(cells.any()):
        return columns, rows
    cells &= held(instance, columns).used
    count = int(cells.sum())
    if count == 0:
        return columns, rows
    paid = columns.paid.copy()
    paid[cells] = builder.columns("paid", count, cost=usage_usd_per_chip_hour(instance)[cells])
    rows[cells] = builder.rows("paid", count, lower=0.0)
    columns = replace(columns, paid=paid)
    _add_rest(builder, instance, columns, rows)
    if "spend" in set(instance.shares.measure.values()):
        columns = _add_exact(builder, instance, columns, cells)
    return columns, rows


def _add_rest(builder: ProgramBuilder, instance: Instance, columns: Columns, rows: Index) -> None:
    """Add ``paid - O + H sum block_chips b`` to rows."""
    entries = held(instance, columns)
    row = rows[entries.pool, entries.period]
    mine = row >= 0
    builder.add(row[mine], entries.column[mine], -entries.chip_hours[mine])
    known = rows >= 0
    builder.add(rows[known], columns.paid[known], 1.0)
    add_bought(builder, instance, columns, rows, 1.0)


def add_bought(
    builder: ProgramBuilder, instance: Instance, columns: Columns, rows: Index, factor: float
) -> None:
    """Add ``factor H sum over k block_chips b[k]`` to (P, T) rows, in chip-hours."""
    chips = block_chips(instance)
    contract, period = np.nonzero((chips > 0) & (columns.blocks >= 0)[:, None])
    row = rows[instance.contracts.pool[contract], period]
    mine = row >= 0
    contract, period = contract[mine], period[mine]
    hours = chips[contract, period] * instance.period_hours
    builder.add(row[mine], columns.blocks[contract], factor * hours)


def _add_exact(
    builder: ProgramBuilder, instance: Instance, columns: Columns, cells: NDArray[np.bool_]
) -> Columns:
    count = int(cells.sum())
    paying = columns.paying.copy()
    paying[cells] = builder.columns("paying", count, upper=1.0, integer=True)
    columns = replace(columns, paying=paying)
    covered = most_block_chips(instance)[cells] * instance.period_hours
    rows = np.full(cells.shape, -1, np.int32)
    rows[cells] = builder.rows("paid_covered", count, upper=covered)
    _add_rest(builder, instance, columns, rows)
    builder.add(rows[cells], paying[cells], covered)
    own = builder.rows("paid_beyond", count, upper=0.0)
    builder.add(own, columns.paid[cells], 1.0)
    most = instance.capacity_chips[cells] * instance.period_hours
    builder.add(own, paying[cells], -most)
    return columns

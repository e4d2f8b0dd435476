"""Multipliers of the limits, from the duals of a program's rows.

A dual is the change of the least cost per unit of right-hand side, so that that of a binding
upper limit is <= 0 and that of a binding lower limit is >= 0. Every multiplier is the money
saved by a unit more room, >= 0 (docs/problem.md, "Shadow prices").
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.constraints.budget import budget_unit_usd
from optimizer.prices import Prices
from optimizer.program import Program

Float = NDArray[np.float64]
Index = NDArray[np.int32]

UPPER, LOWER = -1.0, 1.0

_DIRECT = (
    ("capacity_usd_per_chip_hour", "capacity", UPPER),
    ("share_max_usd", "share_max", UPPER),
    ("share_min_usd", "share_min", LOWER),
    ("power_usd_per_mwh", "power", UPPER),
    ("replica_usd_per_chip_hour", "replicas", UPPER),
    ("min_replicas_usd", "min_replicas", LOWER),
    ("outage_usd_per_mtok", "outages", LOWER),
)
"""Prices that are those of one row each: name, rows, which side of the row is the limit."""


def multipliers(
    instance: Instance,
    program: Program,
    columns: Columns,
    rows: Mapping[str, Index],
    duals: Float,
) -> Prices:
    """Prices of every family that the program states.

    Parameters
    ----------
    rows : rows by name, as in :class:`~optimizer.model.model.Model`.
    duals : (m,) duals of the rows.
    """
    known = {
        name: _worth(sign * duals, rows[family])
        for name, family, sign in _DIRECT
        if family in rows and rows[family].size
    }
    if "budget" in rows:
        known["budget_usd_per_usd"] = _worth(-duals, rows["budget"])[0] / budget_unit_usd(instance)
    if "changes_up" in rows and rows["changes_up"].size:
        known["change_usd"] = _worth(-duals, rows["changes_up"]) + _worth(
            duals, rows["changes_down"]
        )
    if "priority" in rows and rows["priority"].size:
        by_workload = np.zeros(instance.demand_mtok.shape)
        # A workload that could use several pools is held back by a row for each.
        np.add.at(by_workload, instance.routes.workload, _worth(-duals, rows["priority"]))
        known["priority_usd_per_mtok"] = by_workload
    if bool((columns.blocks >= 0).any()):
        known["contract_usd"] = _block_worth(program, columns, rows, duals)
    sizes = {name: array.size for name, array in vars(Prices.none(instance)).items()}
    return Prices.of(instance, **{name: worth for name, worth in known.items() if sizes[name]})


def _worth(duals: Float, rows: Index) -> Float:
    """Values at some rows as multipliers: 0 where there is no row, never below 0."""
    worth = np.zeros(rows.shape)
    known = rows >= 0
    worth[known] = np.maximum(duals[rows[known]], 0.0)
    return worth


def _block_worth(
    program: Program, columns: Columns, rows: Mapping[str, Index], duals: Float
) -> Float:
    """(C,) what one more block saves beyond its price: its reduced cost, turned round.

    The link to the fee of a contract is left out of it: with one block more on offer, that row
    gives way too.
    """
    multiplier = duals.copy()
    links = rows.get("signed", np.empty(0, np.int32))
    multiplier[links[links >= 0]] = 0.0
    known = columns.blocks >= 0
    mine = np.zeros(program.num_columns, np.bool_)
    mine[columns.blocks[known]] = True
    entries = np.flatnonzero(mine[program.columns])
    owner = np.searchsorted(program.starts, entries, side="right") - 1
    spent = program.values[entries] * multiplier[owner]
    reduced = program.cost - np.bincount(program.columns[entries], spent, program.num_columns)
    worth = np.zeros(len(columns.blocks))
    worth[known] = np.maximum(-reduced[columns.blocks[known]], 0.0)
    return worth

"""Read a plan folder back, for an instance, and refuse what does not fit it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem
from optimizer.instance.instance import Instance
from optimizer.instance.parquet_file import all_survive, read_slices
from optimizer.instance.places import quoted
from optimizer.instance.table import text_of
from optimizer.plan import Cells, Plan, from_cells
from optimizer.reports.plan_columns import amounts, periods_of, positions
from optimizer.reports.plan_folder import FORMAT, FORMAT_VERSION, PLAN_FILE

BASIC = ("placements", "unserved")
"""Tables that every plan folder has."""
TABLES = {
    "placements": (("workload", "pool", "period"), "placed_mtok", "Mtok"),
    "unserved": (("workload", "period"), "unserved_mtok", "Mtok"),
    "replicas": (("model", "pool", "period"), "replicas", "replicas"),
    "blocks": (("contract",), "blocks", "blocks"),
    "reserve": (("pool", "period"), "reserve_chip_hours", "chip-hours"),
    "failover": (("outage", "workload", "pool", "period"), "served_mtok", "Mtok"),
    "replica_groups": (("workload", "pool"), "replica_group", "number"),
}
"""Axes of each table, column of its amounts, their unit; beyond the basic ones a table is there
when the plan has any."""
SLICE_ROWS = 1 << 22
"""Rows of a table that are in memory as text at a time."""

Float = NDArray[np.float64]
Index = NDArray[np.int32]


def read_plan(instance: Instance, folder: str | os.PathLike[str]) -> tuple[Plan, dict[str, Any]]:
    """Read a plan folder back for an instance.

    Returns
    -------
    plan : with the digest of the instance it was made for, which the judge compares.
    head : content of ``plan.json``.

    Raises
    ------
    InputError
        When files are missing, damaged, or name workloads or pools that are not known.
    """
    place = Path(folder)
    try:
        head = json.loads((place / PLAN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = str(error).split("\n", 1)[0][:160]
        raise InputError(Problem(str(place), "a plan folder", reason)) from None
    if head.get("format") != FORMAT or head.get("format_version") != FORMAT_VERSION:
        raise InputError(
            Problem(
                f"{PLAN_FILE}, format",
                f"{FORMAT} {FORMAT_VERSION}",
                quoted(f"{head.get('format')} {head.get('format_version')}"),
            )
        )
    files = {name: place / f"{name}.parquet" for name in TABLES}
    files = {name: path for name, path in files.items() if name in BASIC or path.exists()}
    tried = all_survive([path for path in files.values() if path.exists()])
    known = _names(instance)
    problems: list[Problem] = []
    tables = {
        name: _Cells(name, known, instance.num_periods, problems).read(path, tried=tried)
        for name, path in files.items()
    }
    if problems:
        raise InputError(problems)
    (workload, pool, period), placed = tables["placements"]
    given_up = tables["unserved"]
    plan = from_cells(
        instance, workload, pool, period, placed, Cells.of(*given_up), **_fleet(instance, tables)
    )
    return dataclasses.replace(plan, instance_digest=str(head["instance_digest"])), head


def _names(instance: Instance) -> dict[str, pl.Series]:
    """Names along each axis, as a column."""
    return {
        "model": text_of(instance.model_names),
        "pool": text_of(instance.pools.pool),
        "workload": text_of(instance.workloads.workload),
        "outage": text_of(instance.outages.outage),
        "contract": text_of(instance.contracts.contract),
    }


@dataclass
class _Cells:
    """One table on its way to positions and amounts, a slice at a time."""

    table: str
    known: dict[str, pl.Series]
    periods: int
    problems: list[Problem]

    def read(self, path: Path, *, tried: bool) -> tuple[tuple[Index, ...], Float]:
        """Positions along the table's axes, and amounts."""
        axes, column, unit = TABLES[self.table]
        parts: list[list[NDArray[Any]]] = []
        row = 0
        for frame in read_slices(path, SLICE_ROWS, tried=tried):
            where = [self._positions(axis, frame, row) for axis in axes]
            parts.append([*where, amounts(self.table, column, frame, unit, row)])
            row += frame.height
            if self.problems:
                break
        joined: list[NDArray[Any]] = []
        for _ in range(len(axes) + 1):
            # Each column is let go of when it is joined, so that none is there twice.
            joined.append(np.concatenate([part.pop(0) for part in parts]))
        return tuple(joined[:-1]), joined[-1]

    def _positions(self, axis: str, frame: pl.DataFrame, row: int) -> Index:
        if axis == "period":
            found = periods_of(self.table, frame, self.periods, self.problems, row)
        else:
            known = self.known[axis]
            found = positions(self.table, axis, frame, known, self.problems, row)
        return np.asarray(found, np.int32)


def _fleet(
    instance: Instance, tables: Mapping[str, tuple[tuple[Index, ...], Float]]
) -> dict[str, Any]:
    """How the fleet is run, by parameter of :func:`~optimizer.plan.from_cells`."""
    found: dict[str, Any] = {
        name: Cells.of(*cells)
        for name, cells in tables.items()
        if name not in BASIC and name != "blocks"
    }
    if "blocks" in tables:
        (contract,), count = tables["blocks"]
        blocks = np.bincount(contract, count, minlength=len(instance.contracts.contract))
        found["blocks"] = blocks.astype(np.float64)
    return found

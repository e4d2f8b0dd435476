"""Read a plan folder back, for an instance, and refuse what does not fit it."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from optimizer.errors import InputError, Problem
from optimizer.instance.instance import Instance
from optimizer.instance.parquet_file import all_survive, read_parquet
from optimizer.instance.places import quoted
from optimizer.plan import Cells, Plan, from_cells
from optimizer.reports.plan_columns import amounts, periods_of, positions
from optimizer.reports.plan_folder import FORMAT, FORMAT_VERSION, PLAN_FILE

BASIC = ("placements", "unserved")
"""Tables that every plan folder has."""
FLEET = {
    "replicas": (("model", "pool", "period"), "replicas", "replicas"),
    "blocks": (("contract",), "blocks", "blocks"),
    "reserve": (("pool", "period"), "reserve_chip_hours", "chip-hours"),
    "failover": (("outage", "workload", "pool", "period"), "served_mtok", "Mtok"),
}
"""Tables that are there when the plan has any: axes, column of the amounts, their unit."""


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
    files = {name: place / f"{name}.parquet" for name in (*BASIC, *FLEET)}
    files = {name: path for name, path in files.items() if name in BASIC or path.exists()}
    tried = all_survive([path for path in files.values() if path.exists()])
    frames = {name: read_parquet(path, tried=tried) for name, path in files.items()}
    placements, unserved = (frames[name] for name in BASIC)
    problems: list[Problem] = []
    workload = positions(
        "placements", "workload", placements, instance.workloads.workload, problems
    )
    pool = positions("placements", "pool", placements, instance.pools.pool, problems)
    period = periods_of("placements", placements, instance.num_periods, problems)
    given_up = positions("unserved", "workload", unserved, instance.workloads.workload, problems)
    when = periods_of("unserved", unserved, instance.num_periods, problems)
    fleet = _fleet(instance, frames, problems)
    if problems:
        raise InputError(problems)
    rest = np.zeros(instance.demand_mtok.shape)
    np.add.at(rest, (given_up, when), amounts("unserved", "unserved_mtok", unserved))
    placed = amounts("placements", "placed_mtok", placements)
    plan = from_cells(instance, workload, pool, period, placed, rest, **fleet)
    return dataclasses.replace(plan, instance_digest=str(head["instance_digest"])), head


def _fleet(
    instance: Instance, frames: dict[str, pl.DataFrame], problems: list[Problem]
) -> dict[str, Any]:
    """How the fleet is run, by parameter of :func:`~optimizer.plan.from_cells`."""
    known = {
        "model": instance.model_names,
        "pool": instance.pools.pool,
        "workload": instance.workloads.workload,
        "outage": instance.outages.outage,
        "contract": instance.contracts.contract,
    }
    found: dict[str, Any] = {}
    for table, (axes, column, unit) in FLEET.items():
        if table not in frames:
            continue
        frame = frames[table]
        where = tuple(
            periods_of(table, frame, instance.num_periods, problems)
            if axis == "period"
            else positions(table, axis, frame, known[axis], problems)
            for axis in axes
        )
        value = amounts(table, column, frame, unit)
        if any(len(axis) != len(value) for axis in where):
            continue  # reported
        if table == "blocks":
            found[table] = np.bincount(
                where[0], value, minlength=len(instance.contracts.contract)
            ).astype(np.float64)
        else:
            found[table] = Cells.of(where, value)
    return found

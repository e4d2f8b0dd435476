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
from optimizer.instance.places import nearest, quoted
from optimizer.plan import Plan, from_cells
from optimizer.prices import Prices
from optimizer.reports.plan_folder import FORMAT, FORMAT_VERSION, PLAN_FILE


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
    files = [place / f"{name}.parquet" for name in ("placements", "unserved")]
    tried = all_survive([path for path in files if path.exists()])
    placements, unserved = (read_parquet(path, tried=tried) for path in files)
    problems: list[Problem] = []
    workload = _positions(
        "placements", "workload", placements, instance.workloads.workload, problems
    )
    pool = _positions("placements", "pool", placements, instance.pools.pool, problems)
    period = _periods("placements", placements, instance.num_periods, problems)
    given_up = _positions("unserved", "workload", unserved, instance.workloads.workload, problems)
    when = _periods("unserved", unserved, instance.num_periods, problems)
    if problems:
        raise InputError(problems)
    rest = np.zeros(instance.demand_mtok.shape)
    np.add.at(rest, (given_up, when), _amounts("unserved", "unserved_mtok", unserved))
    plan = from_cells(
        instance, workload, pool, period, _amounts("placements", "placed_mtok", placements), rest
    )
    return dataclasses.replace(plan, instance_digest=str(head["instance_digest"])), head


def read_prices(instance: Instance, folder: str | os.PathLike[str]) -> Prices | None:
    """Prices that a plan folder proves its bound with; None when they are not there."""
    place = Path(folder)
    none = Prices.none(instance.num_pools, instance.num_periods, len(instance.shares.share))
    capacity = np.zeros(none.capacity_usd_per_chip_hour.shape)
    try:
        frame = pl.read_parquet(place / "shadow_prices.parquet")
        verdict = json.loads((place / "evaluation.json").read_text(encoding="utf-8"))
        rows = frame.filter(pl.col("family") == "capacity")
        problems: list[Problem] = []
        pool = _positions("shadow_prices", "name", rows, instance.pools.pool, problems)
        period = _periods("shadow_prices", rows, instance.num_periods, problems)
        if problems:
            return None
        capacity[pool, period] = rows["value"].to_numpy()
        told = verdict["share_multipliers_usd"]
        sides = [
            np.array([float(told[name][side]) for name in instance.shares.share])
            for side in ("max", "min")
        ]
        return Prices(capacity, *sides)
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None


def _positions(
    table: str, column: str, frame: pl.DataFrame, known: tuple[str, ...], problems: list[Problem]
) -> Any:
    if column not in frame.columns:
        problems.append(Problem(f"{table}.parquet", f"a column {column}", "none"))
        return np.zeros(0, np.int32)
    names = pl.DataFrame({"text": list(known), "position": np.arange(len(known), dtype=np.int32)})
    text = frame[column].cast(pl.String)
    wanted = pl.DataFrame({"text": text})
    found = wanted.join(names, on="text", how="left", maintain_order="left")["position"]
    for row in found.is_null().arg_true().head(20).to_list():
        problems.append(
            Problem(
                f"{table}.parquet, row {row}, column {column}",
                f"a known {column}",
                quoted(text[row]),
                fix=nearest(str(text[row]), known),
            )
        )
    return found.fill_null(0).to_numpy().astype(np.int32)


def _periods(table: str, frame: pl.DataFrame, periods: int, problems: list[Problem]) -> Any:
    if "period" not in frame.columns or not frame["period"].dtype.is_integer():
        problems.append(Problem(f"{table}.parquet", "a column period of whole numbers", "none"))
        return np.zeros(0, np.int32)
    values = frame["period"].fill_null(-1).to_numpy()
    for row in np.flatnonzero((values < 0) | (values >= periods))[:20].tolist():
        problems.append(
            Problem(
                f"{table}.parquet, row {row}, column period",
                f"a period from 0 to {periods - 1}",
                str(values[row]),
            )
        )
    return np.clip(values, 0, periods - 1).astype(np.int32)


def _amounts(table: str, column: str, frame: pl.DataFrame) -> Any:
    if column not in frame.columns or not frame[column].dtype.is_numeric():
        raise InputError(
            Problem(f"{table}.parquet", f"a column {column} of numbers", "none", "Mtok")
        )
    values = frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise InputError(
            [
                Problem(
                    f"{table}.parquet, row {row}, column {column}",
                    "a finite number >= 0",
                    f"{values[row]:g}",
                    "Mtok",
                )
                for row in bad[:20].tolist()
            ]
        )
    return values

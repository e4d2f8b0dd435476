"""A plan folder: written whole or not at all, and read back.

The folder is made under another name beside its place, every file is flushed to disk, and
only then is it renamed. An earlier plan folder in that place is replaced; anything else is
refused.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import secrets
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from optimizer.errors import InputError, OutputError, Problem
from optimizer.instance.instance import Instance
from optimizer.instance.places import nearest, quoted
from optimizer.instance.table import Table
from optimizer.plan import Plan, from_cells
from optimizer.prices import Prices
from optimizer.reports.as_json import dumps, summary
from optimizer.result import Result

PLAN_FILE = "plan.json"
FORMAT = "token-placement-plan"
FORMAT_VERSION = 1


def write_plan_folder(result: Result, folder: str | os.PathLike[str]) -> None:
    """Write plan, evaluation and shadow prices of a result.

    Raises
    ------
    OutputError
        When the place is taken by something that is not a plan folder, or the file system
        refuses; nothing is left half-written.
    """
    target = Path(folder).absolute()
    check_place(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = _beside(target)
        scratch.mkdir()
    except OSError as error:
        raise OutputError(f"{target.parent}: cannot be written to: {error.strerror}") from error
    try:
        _write_files(result, scratch)
        _swap(scratch, target)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise OutputError(f"{target}: cannot be written: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_place(target: Path) -> None:
    """Refuse a place that holds anything but an earlier plan folder."""
    if not os.path.lexists(target):
        return
    if not target.is_dir() or target.is_symlink():
        raise OutputError(f"{target}: expected a folder or nothing, got a file")
    names = set(os.listdir(target))
    if names and PLAN_FILE not in names:
        raise OutputError(
            f"{target}: expected an empty folder or an earlier plan folder, got one with "
            f"{len(names)} other files; choose another --out"
        )


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
        placements = pl.read_parquet(place / "placements.parquet")
        unserved = pl.read_parquet(place / "unserved.parquet")
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
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


def _beside(target: Path) -> Path:
    """A name beside the target that nothing has."""
    return target.with_name(f".{target.name[:40]}-{secrets.token_hex(6)}")


def _write_files(result: Result, scratch: Path) -> None:
    assert result.plan is not None
    assert result.evaluation is not None
    found = summary(result)
    head = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        **found,
    }
    (scratch / PLAN_FILE).write_text(_pretty(head), encoding="utf-8")
    (scratch / "evaluation.json").write_text(_pretty(_verdict(result)), encoding="utf-8")
    for name, table in (
        ("placements", result.plan.placements),
        ("unserved", result.plan.unserved),
        ("shadow_prices", result.shadow_prices),
    ):
        _write_table(scratch / f"{name}.parquet", table)
    for path in scratch.iterdir():
        _flush(path)


def _write_table(path: Path, make: Callable[[], Table]) -> None:
    make().to_polars().write_parquet(path, compression="zstd", compression_level=3)


def _verdict(result: Result) -> dict[str, Any]:
    found = result.evaluation
    assert found is not None
    return {
        "verified": found.verified,
        "objective_usd": found.objective_usd,
        "bound_usd": found.bound.usd,
        "bound_rounded_down_by_usd": found.bound.rounding_usd,
        "relative_gap": found.relative_gap,
        "violation_counts": found.violation_counts,
        "violations": [
            {**vars(violation), "excess": violation.excess} for violation in found.violations
        ],
        "share_multipliers_usd": _multipliers(result),
        "share_parts": dict(
            zip(result.instance.shares.share, found.share_parts.tolist(), strict=True)
        ),
        "peak_load_chips": {
            pool: float(load) / result.instance.period_hours
            for pool, load in zip(
                result.instance.pools.pool, found.load_chip_hours.max(axis=1), strict=True
            )
        },
    }


def _multipliers(result: Result) -> dict[str, dict[str, float]]:
    """Worth of a unit of each share's measure: with the capacity prices, what proves the bound."""
    prices = result.prices
    assert prices is not None
    return {
        name: {"max": float(prices.share_max_usd[s]), "min": float(prices.share_min_usd[s])}
        for s, name in enumerate(result.instance.shares.share)
    }


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


def versions() -> dict[str, str]:
    """Versions of what a plan depends on."""
    found = {"python": platform.python_version()}
    for name in ("token-placement-optimizer", "numpy", "numba", "ortools", "polars", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _pretty(found: dict[str, Any]) -> str:
    return json.dumps(json.loads(dumps(found)), ensure_ascii=False, indent=2) + "\n"


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _swap(scratch: Path, target: Path) -> None:
    """Put the new folder in place; an earlier one is moved aside first and deleted last."""
    old = None
    if target.exists():
        old = _beside(target)
        target.rename(old)
    try:
        scratch.rename(target)
    except OSError:
        if old is not None:
            old.rename(target)
        raise
    finally:
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
    parent = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


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

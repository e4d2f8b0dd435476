"""A plan folder: written whole or not at all.

The folder is made under another name beside its place, every file is flushed to disk, and
only then is it renamed. An earlier plan folder in that place is replaced; anything else is
refused.
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.errors import OutputError
from optimizer.evaluation.shadow_prices import table_parts
from optimizer.instance.new_folder import new_folder
from optimizer.reports.as_json import dumps, summary
from optimizer.reports.parquet_parts import PART_ROWS, write_parts
from optimizer.reports.prices_file import write_prices
from optimizer.reports.tightened import tightened
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
    with new_folder(folder, replaces=PLAN_FILE) as scratch:
        try:
            _write_files(result, scratch)
        except pl.exceptions.PolarsError as error:
            raise OutputError(f"{folder}: cannot be written: {error}") from error


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
    assert result.prices is not None
    write_prices(result.prices, scratch)
    tables = {
        **result.plan.table_parts(PART_ROWS),
        "shadow_prices": table_parts(result.families, PART_ROWS),
    }
    if result.latency is not None:
        tables["latency"] = iter((result.latency.table(result.instance, result.plan),))
    if result.tightening_rounds:
        tables["tightened"] = iter((tightened(result),))
    for name, parts in tables.items():
        write_parts(scratch / f"{name}.parquet", parts)


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

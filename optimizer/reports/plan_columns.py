"""Columns of a plan's files: names to positions, periods, amounts, each checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from optimizer.errors import InputError, Problem
from optimizer.instance.places import nearest, quoted


def positions(
    table: str, column: str, frame: pl.DataFrame, known: tuple[str, ...], problems: list[Problem]
) -> Any:
    """Positions of the names in a column; what is not known is added to the problems."""
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


def periods_of(table: str, frame: pl.DataFrame, periods: int, problems: list[Problem]) -> Any:
    """Periods of the rows; what is none is added to the problems."""
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


def amounts(table: str, column: str, frame: pl.DataFrame, unit: str = "Mtok") -> Any:
    """Amounts of a column, which are finite and not below 0.

    Raises
    ------
    InputError
        When they are not.
    """
    if column not in frame.columns or not frame[column].dtype.is_numeric():
        raise InputError(Problem(f"{table}.parquet", f"a column {column} of numbers", "none", unit))
    values = frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise InputError(
            [
                Problem(
                    f"{table}.parquet, row {row}, column {column}",
                    "a finite number >= 0",
                    f"{values[row]:g}",
                    unit,
                )
                for row in bad[:20].tolist()
            ]
        )
    return values

"""Columns of a plan's files: names to positions, periods, amounts, each checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from optimizer.errors import InputError, Problem
from optimizer.instance.parse import positions_of
from optimizer.instance.places import nearest, quoted

MOST_NAMED = 20
"""Cells of a column, or of a slice of it, that are named when they are wrong."""


def positions(
    table: str,
    column: str,
    frame: pl.DataFrame,
    known: pl.Series,
    problems: list[Problem],
    first_row: int = 0,
) -> Any:
    """Positions of the names in a column; what is not known is added to the problems.

    Parameters
    ----------
    first_row : where the frame begins in its table.
    """
    if column not in frame.columns:
        problems.append(Problem(f"{table}.parquet", f"a column {column}", "none"))
        return np.zeros(0, np.int32)
    text = frame[column].cast(pl.String)
    found = positions_of(text.fill_null(""), known)
    for row in found.is_null().arg_true().head(MOST_NAMED).to_list():
        problems.append(
            Problem(
                f"{table}.parquet, row {first_row + row}, column {column}",
                f"a known {column}",
                quoted(text[row]),
                fix=nearest(str(text[row]), known.to_list()),
            )
        )
    return found.fill_null(0).to_numpy().astype(np.int32)


def periods_of(
    table: str, frame: pl.DataFrame, periods: int, problems: list[Problem], first_row: int = 0
) -> Any:
    """Periods of the rows; what is none is added to the problems; the rest as above."""
    if "period" not in frame.columns or not frame["period"].dtype.is_integer():
        problems.append(Problem(f"{table}.parquet", "a column period of whole numbers", "none"))
        return np.zeros(0, np.int32)
    values = frame["period"].fill_null(-1).to_numpy()
    for row in np.flatnonzero((values < 0) | (values >= periods))[:MOST_NAMED].tolist():
        problems.append(
            Problem(
                f"{table}.parquet, row {first_row + row}, column period",
                f"a period from 0 to {periods - 1}",
                str(values[row]),
            )
        )
    return np.clip(values, 0, periods - 1).astype(np.int32)


def amounts(
    table: str, column: str, frame: pl.DataFrame, unit: str = "Mtok", first_row: int = 0
) -> Any:
    """Amounts of a column, which are finite and not below 0; the rest as above.

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
                    f"{table}.parquet, row {first_row + row}, column {column}",
                    "a finite number >= 0",
                    f"{values[row]:g}",
                    unit,
                )
                for row in bad[:MOST_NAMED].tolist()
            ]
        )
    return values

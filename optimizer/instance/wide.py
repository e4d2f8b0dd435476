"""Wide tables: a row per id, a column per period, put into the order of the instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.declare import Column, Matrix
from optimizer.instance.manifest import FILE
from optimizer.instance.parse import (
    FREE_PREFIX,
    NONZERO,
    PLAIN_TYPES,
    Cells,
    as_text,
    check_header,
    is_text,
    row_names_of,
)
from optimizer.instance.places import nearest, place, quoted, shown
from optimizer.instance.rules import matrix_problems
from optimizer.instance.table_rules import MAX_PER_COLUMN


def parse_wide(
    matrix: Matrix,
    frame: pl.DataFrame,
    origin: Mapping[str, str],
    ids: Sequence[str] | None,
    periods: int,
    *,
    missing_ok: bool,
) -> tuple[NDArray[np.float64] | None, list[Problem]]:
    """Turn the frame of a wide table into a matrix.

    Parameters
    ----------
    frame : a column that names the rows and a column per period, in any order.
    ids : names of the rows in the order of the matrix; None when they are not known, and
        then only the cells are checked.
    periods : number of periods; 0 when it is not known, and then it is that of the header.

    Returns
    -------
    values : (ids, periods), NaN where a cell is missing; None when there is a problem.
    problems : all of them.
    """
    file, key = origin[matrix.name], matrix.rows.rstrip("s")
    periods = periods or max(len(period_columns(frame.columns, key)), 1)
    problems = header_problems(file, frame.columns, key, periods)
    if problems:
        return None, problems
    values, problems = _cells_of(matrix, frame, origin, periods, missing_ok=missing_ok)
    if not is_text(frame[key].dtype):
        found = shown(frame[key].dtype)
        fix = "ids are kept exactly as written"
        problems.append(Problem(f"{file}, column {key}", "a column of text", found, fix=fix))
        return None, problems
    listed = tuple(as_text(frame[key]).to_list())
    # Cells that could not be read are NaN by now, and have been reported.
    problems += matrix_problems(matrix, values, listed, origin, missing_ok=True)
    if ids is None:
        return None, problems
    order, misplaced = _rows_of(matrix, origin, listed, ids)
    problems += misplaced
    if problems:
        return None, problems
    if len(listed) == len(ids) and bool((order == np.arange(len(ids))).all()):
        return values, []
    ordered = np.full((len(ids), periods), np.nan)
    ordered[order] = values
    return ordered, []


def period_columns(columns: Sequence[str], key: str) -> list[str]:
    """Columns that should be periods."""
    return [name for name in columns if name != key and not name.startswith(FREE_PREFIX)]


def header_problems(file: str, columns: Sequence[str], key: str, periods: int) -> list[Problem]:
    """Say what is wrong when the columns are not the row ids and every period."""
    found = period_columns(columns, key)
    if key not in columns:
        close = [name for name in found if nearest(name, [key])]
        told = f", not {quoted(close[0])}" if close else ""
        return [
            Problem(f"{file}, row 1", f"a column {quoted(key)} that names the rows", f"none{told}")
        ]
    if len(found) == periods:
        wanted = [key, *(str(period) for period in range(periods))]
        return check_header(file, columns, wanted, wanted)
    # Said by number: a declared horizon may be far longer than any list of names.
    there = set(found)
    likely = {str(period) for period in range(min(periods, 10 * len(found) + 10))}
    odd = next((name for name in found if name not in likely), None)
    missing = next((p for p in range(min(periods, len(found) + 1)) if str(p) not in there), None)
    told = "" if odd is None else f"; not a period: {quoted(odd)}"
    told += "" if missing is None else f"; first missing: {missing}"
    return [
        Problem(
            f"{file}, row 1",
            f"{periods} period columns named 0 to {periods - 1}",
            f"{len(found)}{told}",
            fix=f"periods is set in {FILE}",
        )
    ]


def _cells_of(
    matrix: Matrix,
    frame: pl.DataFrame,
    origin: Mapping[str, str],
    periods: int,
    *,
    missing_ok: bool,
) -> tuple[NDArray[np.float64], list[Problem]]:
    """Numbers of all periods, and the cells that hold none."""
    wanted = [str(period) for period in range(periods)]
    # Column by column a year of hours takes seconds: only doubtful ones are looked at closely.
    types = frame.schema
    plain = [name for name in wanted if types[name] in PLAIN_TYPES]
    numbers = frame.select(pl.col(plain).cast(pl.Float64, strict=False)).to_numpy()
    doubtful = ~np.isfinite(numbers)
    if missing_ok:
        doubtful &= ~frame.select(pl.col(plain).is_null()).to_numpy()
    # -0.0 is 0 everywhere from here on.
    fine = dict(zip(plain, (numbers + 0.0).T, strict=True))
    for name in np.array(plain)[doubtful.any(axis=0)].tolist() + _vanishing(frame, plain, numbers):
        fine.pop(name, None)
    values = np.empty((frame.height, periods))
    problems: list[Problem] = []
    declared = Column(
        "number",
        "",
        unit=matrix.unit,
        required=not missing_ok,
        default=float("nan"),
        minimum=0.0,
    )
    names = row_names_of(frame, matrix.rows.rstrip("s"))
    for position, name in enumerate(wanted):
        if name in fine:
            values[:, position] = fine[name]
            continue
        cells = Cells(matrix.name, name, declared, origin, names)
        values[:, position] = (
            cells.parse(frame[name], {}) if cells.fits(frame[name]) else float("nan")
        )
        problems += cells.problems
    return values, problems


def _vanishing(
    frame: pl.DataFrame, columns: Sequence[str], numbers: NDArray[np.float64]
) -> list[str]:
    """Text columns with a number that became 0 because it is too small for float64."""
    types = frame.schema
    zero = (numbers == 0).any(axis=0).tolist()
    texts = [
        name for name, some in zip(columns, zero, strict=True) if some and types[name] == pl.String
    ]
    if not texts:
        return []
    tiny = (pl.col(texts).cast(pl.Float64, strict=False) == 0) & pl.col(texts).str.contains(NONZERO)
    found = frame.select(tiny.any()).row(0)
    return [name for name, some in zip(texts, found, strict=True) if some]


def _rows_of(
    matrix: Matrix, origin: Mapping[str, str], names: Sequence[str], ids: Sequence[str]
) -> tuple[NDArray[np.int64], list[Problem]]:
    """Position in ``ids`` of each row; rows that are unknown, double or not there."""
    file, singular = origin[matrix.name], matrix.rows.rstrip("s")
    position = {name: row for row, name in enumerate(ids)}
    target = np.full(len(names), -1)
    seen: dict[str, int] = {}
    problems: list[Problem] = []
    for row, name in enumerate(names):
        if name in position and name not in seen:
            seen[name] = row
            target[row] = position[name]
            continue
        if len(problems) == MAX_PER_COLUMN:
            continue
        where = place(origin, matrix.name, row, "", singular)
        if name in seen:
            first = place(origin, matrix.name, seen[name])
            problems.append(
                Problem(
                    where,
                    f"one row per {singular}",
                    f"{quoted(name)} again",
                    fix=f"first used at {first}",
                )
            )
        else:
            known = f"the name of a {singular} in {origin[matrix.rows]}"
            found = quoted(name) if name else "nothing"
            problems.append(Problem(where, known, found, fix=nearest(name, ids)))
    if matrix.required:
        # A blank name is reported where it stands.
        absent = [name for name in ids if name and name not in seen][:MAX_PER_COLUMN]
        problems += [
            Problem(file, f"a row for each {singular}", f"none for {quoted(name)}")
            for name in absent
        ]
    return target, problems

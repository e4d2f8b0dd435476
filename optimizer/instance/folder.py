"""The files of an instance folder: which table each one holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from optimizer.errors import InputError, OutputError, Problem
from optimizer.instance.manifest import FILE
from optimizer.instance.places import nearest, quoted, shown
from optimizer.instance.tables import MATRICES, TABLES

ENDINGS = (".csv", ".parquet", ".npy")
WIDE = tuple(matrix.name for matrix in MATRICES)
KNOWN = (*(spec.name for spec in TABLES), *WIDE)
REQUIRED = (
    *(spec.name for spec in TABLES if spec.required),
    *(matrix.name for matrix in MATRICES if matrix.required),
)
# Other ways to keep a table: a limit in "shares.csv.gz" must not be dropped in silence.
_OTHER_DATA = {
    "csv",
    "tsv",
    "txt",
    "parquet",
    "pq",
    "npy",
    "npz",
    "xlsx",
    "xls",
    "ods",
    "json",
    "jsonl",
    "feather",
    "arrow",
    "gz",
    "zst",
    "bz2",
    "xz",
    "zip",
}


def find_tables(folder: Path) -> tuple[dict[str, str], list[Problem]]:
    """Map tables to the files that hold them.

    Returns
    -------
    origin : file name by name of the table.
    problems : tables that are there twice, unknown, missing, or in a format that is not read.

    Raises
    ------
    InputError
        When there is no ``instance.toml``.
    OutputError
        When the folder cannot be listed.
    """
    try:
        found = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        raise OutputError(f"{folder}: cannot be listed: {error.strerror}") from error
    if FILE not in found:
        fix = nearest(FILE, found) or "optimizer generate writes an example"
        raise InputError(Problem(str(folder), f"a folder with {FILE}", "none", fix=fix))
    origin: dict[str, str] = {}
    problems: list[Problem] = []
    for name in found:
        problem = _name_problem(name)
        if problem is not None:
            problems.append(problem)
            continue
        stem, ending = os.path.splitext(name)
        if ending not in ENDINGS:
            continue
        if stem in origin:
            problems.append(Problem(f"table {stem}", "one file", f"{origin[stem]} and {name}"))
        else:
            origin[stem] = name
    problems += _missing(folder, origin)
    return origin, problems


def _name_problem(name: str) -> Problem | None:
    """Why a file cannot be read as a table; None when it can, or is none."""
    stem, ending = os.path.splitext(name)
    where = shown(name)
    if ending not in ENDINGS:
        first, *rest = name.split(".")
        if first.lower() not in KNOWN or not rest or rest[-1].lower() not in _OTHER_DATA:
            return None
        endings = "a .csv, .parquet or .npy file" if first in WIDE else "a .csv or .parquet file"
        return Problem(where, endings, quoted("." + ".".join(rest)), fix="no table is ignored")
    if stem not in KNOWN:
        return Problem(where, "the name of a table", quoted(stem), fix=nearest(stem, KNOWN))
    if ending == ".npy" and stem not in WIDE:
        return Problem(where, "a .csv or .parquet file", '".npy"')
    return None


def _missing(folder: Path, origin: dict[str, str]) -> Iterator[Problem]:
    for stem in REQUIRED:
        if stem not in origin:
            more = f", {stem}.parquet or {stem}.npy" if stem in WIDE else f" or {stem}.parquet"
            yield Problem(str(folder), f"a table {stem}.csv{more}", "none")
    if "routes" not in origin and "profiles" not in origin:
        yield Problem(
            str(folder),
            "a table routes.csv or routes.parquet, or profiles that routes can be derived from",
            "none",
        )

"""Write an instance folder: what :func:`optimizer.instance.read.read` reads back unchanged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.errors import InputError, OutputError, Problem, UnsupportedError, UsageError
from optimizer.instance.axes import MATRIX_FIELDS, ids_of, row_key
from optimizer.instance.declare import Column, Matrix, columns_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.manifest import FILE, FORMAT, load_manifest, parse_manifest
from optimizer.instance.new_folder import new_folder
from optimizer.instance.places import number_text, quoted
from optimizer.instance.tables import MATRICES, PRICES, TABLES, TableSpec
from optimizer.instance.times import time_text

__all__ = ["write"]

TableFormat = Literal["csv", "parquet"]
MatrixFormat = Literal["csv", "parquet", "npy"]

SLICE_CELLS = 1_000_000
"""Cells of a wide table that are turned into text or copied at a time."""


def write(
    instance: Instance,
    folder: str | os.PathLike[str],
    *,
    tables: TableFormat = "csv",
    matrices: MatrixFormat = "csv",
) -> None:
    """Write an instance into a new folder, whole or not at all.

    Reading the folder gives an instance of the same digest. Columns that are not required
    and hold only their default are left out, and so are optional tables without rows and
    prices that are those of the pools table. A ``.npy`` file has no empty cells: prices of
    which some are unknown are written in the format of the tables instead.

    Parameters
    ----------
    folder : must not exist, or be empty; folders above it are made as needed.
    tables, matrices : file format of the tables and of the wide tables. CSV can be read
        and edited anywhere, Parquet is far faster from 100,000 rows on, ``npy`` is read
        without being loaded.

    Raises
    ------
    UsageError
        When a file format is not one of those above.
    OutputError
        When the folder is not empty or the file system refuses; nothing is left behind.
    InputError
        When a text of the head is one that no file may hold, or a required table is empty.
    UnsupportedError
        When a price is unknown in some period although its pool has one for the others.
    """
    for what, value, known in (
        ("tables", tables, get_args(TableFormat)),
        ("matrices", matrices, get_args(MatrixFormat)),
    ):
        if value not in known:
            raise UsageError(f"{what}: expected one of {', '.join(known)}, got {quoted(value)}")
    with new_folder(folder) as partial:
        try:
            _write_files(instance, partial, tables, matrices)
        except pl.exceptions.PolarsError as error:
            raise OutputError(f"{os.fspath(folder)}: cannot be written: {error}") from error


def _write_files(
    instance: Instance, folder: Path, tables: TableFormat, matrices: MatrixFormat
) -> None:
    """Write every file of the format that the instance needs."""
    _write_manifest(instance, folder)
    for spec in TABLES:
        frame = table_frame(instance, spec)
        if frame.height > 0:
            _write_frame(frame, folder / f"{spec.name}.{tables}")
        elif spec.required:
            raise InputError(Problem(spec.name, "at least one row", "none"))
    for matrix in MATRICES:
        values = getattr(instance, MATRIX_FIELDS[matrix.name])
        form = matrices
        if matrix is PRICES:
            form = tables if matrices == "npy" and bool(np.isnan(values).any()) else matrices
            values = _other_prices(instance, whole=form == "npy")
        if values is not None:
            _write_matrix(instance, matrix, values, folder / f"{matrix.name}.{form}")


def _write_manifest(instance: Instance, folder: Path) -> None:
    """Write ``instance.toml`` and let the reader judge it."""
    start = instance.start.isoformat()
    if start.endswith("+00:00"):
        start = start.removesuffix("+00:00") + "Z"
    lines = [
        f"format = {FORMAT}",
        f"name = {_toml_text(instance.name)}",
        f"title = {_toml_text(instance.title)}",
        f"start = {_toml_text(start)}",
        f"period_hours = {number_text(instance.period_hours)}",
        f"periods = {instance.num_periods}",
    ]
    if instance.budget_usd is not None:
        lines += ["", "[limits]", f"budget_usd = {number_text(instance.budget_usd)}"]
    if instance.replicas_shared_by != "traffic_class":
        lines += ["", "[policy]", f'replicas_shared_by = "{instance.replicas_shared_by}"']
    (folder / FILE).write_bytes(("\n".join(lines) + "\n").encode())
    # An instance made in memory may have a name that no file can hold.
    _, problems = parse_manifest(load_manifest(folder))
    if problems:
        raise InputError(problems)


def _toml_text(text: str) -> str:
    """Text as a TOML basic string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def table_frame(instance: Instance, spec: TableSpec) -> pl.DataFrame:
    """One table as a frame: text for names, null where nothing is given."""
    record = getattr(instance, spec.name)
    columns = {}
    for name, declared in columns_of(spec.record):
        values = getattr(record, name)
        if declared.required or not _only_default(declared, values):
            columns[name] = _series(instance, declared, values)
    return pl.DataFrame(columns)


def _only_default(declared: Column, values: Any) -> bool:
    """Whether a column says nothing that its absence would not."""
    if isinstance(values, Labels):
        return bool(values.equal(declared.default).all())
    return bool(np.array_equal(values, np.full(len(values), declared.default), equal_nan=True))


def _series(instance: Instance, declared: Column, values: Any) -> pl.Series:
    """One column; positions become the names that they stand for."""
    if declared.kind == "id":
        return pl.Series(values, dtype=pl.String)
    if declared.kind == "reference":
        names = pl.Series(ids_of(instance, declared.refers), dtype=pl.String)
        return names.gather(values)
    if isinstance(values, Labels):
        # Written as nothing rather than as quotes around nothing.
        return pl.Series([name or None for name in values.names], dtype=pl.String).gather(
            values.codes
        )
    if declared.kind == "time":
        texts = [None if np.isnan(value) else time_text(value) for value in values.tolist()]
        return pl.Series(texts, dtype=pl.String)
    series = pl.Series(values)
    return series.fill_nan(None) if declared.kind == "number" else series


def _write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a table to a file of the format that its name ends in."""
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        path.write_bytes(_csv_text(frame, header=True))


def _csv_text(frame: pl.DataFrame, *, header: bool) -> bytes:
    """CSV of a frame: the shortest decimals that read back as the same number."""
    text = frame.with_columns(pl.col(pl.Float64).cast(pl.String).str.strip_suffix(".0"))
    return text.write_csv(include_header=header).encode()


def _other_prices(instance: Instance, *, whole: bool) -> NDArray[np.float64] | None:
    """(P, T) prices that are not those of the pools table, NaN where they are.

    Parameters
    ----------
    whole : give every price, whether it differs or not, as long as one does.
    """
    own = instance.pools.usd_per_chip_hour[:, None]
    price = instance.price_usd_per_chip_hour
    unknown = np.isnan(price)
    same = (price == own) | (unknown & np.isnan(own))
    if bool(same.all()):
        return None
    lost = np.argwhere(unknown & ~np.isnan(own))
    if len(lost) > 0:
        pool, period = lost[0].tolist()
        raise UnsupportedError(
            f"prices, pool {quoted(instance.pools.pool[pool])}, period {period}: the price is "
            "unknown there, and an empty cell would stand for the price in pools "
            "(leave that price empty and give those of the other periods)"
        )
    return price if whole else np.where(same, np.nan, price)


def _write_matrix(
    instance: Instance, matrix: Matrix, values: NDArray[np.float64], path: Path
) -> None:
    """Write a wide table; rows that need not be there and hold nothing are left out."""
    if path.suffix == ".npy":
        _write_npy(values, path)
        return
    names = pl.Series(row_key(matrix), ids_of(instance, matrix.rows), dtype=pl.String)
    if not matrix.required:
        kept = np.flatnonzero(~np.isnan(values).all(axis=1))
        names, values = names.gather(kept), values[kept]
    if path.suffix == ".parquet":
        _wide_frame(names, values).write_parquet(path)
        return
    step = max(1, SLICE_CELLS // values.shape[1])
    with path.open("wb") as stream:
        for begin in range(0, len(names), step):
            rows = slice(begin, begin + step)
            stream.write(_csv_text(_wide_frame(names[rows], values[rows]), header=begin == 0))


def _wide_frame(names: pl.Series, values: NDArray[np.float64]) -> pl.DataFrame:
    """Names of the rows, then a column per period."""
    periods = [str(period) for period in range(values.shape[1])]
    numbers = pl.from_numpy(values, schema=periods, orient="row").fill_nan(None)
    return numbers.insert_column(0, names)


def _write_npy(values: NDArray[np.float64], path: Path) -> None:
    """Write a matrix row by row, whatever its order in memory, without a copy of it."""
    step = max(1, SLICE_CELLS // values.shape[1])
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f8", "fortran_order": False, "shape": values.shape}
        )
        for begin in range(0, len(values), step):
            stream.write(np.ascontiguousarray(values[begin : begin + step], "<f8").data)

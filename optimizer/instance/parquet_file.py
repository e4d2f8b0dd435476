"""Parquet files: metadata first, then the columns, never more than was announced."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from optimizer.errors import InputError, OutputError, Problem
from optimizer.instance.parquet_footer import unpacked_bytes
from optimizer.instance.places import MAX_REASON, shown
from optimizer.instance.regular_file import MAX_BINARY_BYTES, check_regular

MAX_RATIO = 1000
"""Most bytes in memory per byte on disk before a file is taken for a bomb."""
FREE_BYTES = 256 * 2**20
"""Size in memory below which the ratio does not matter."""
MAX_ROWS = 2**31 - 1


def read_parquet(path: Path, max_rows: int = MAX_ROWS) -> pl.DataFrame:
    """Columns of a Parquet file with the types it has.

    Parameters
    ----------
    max_rows : most rows that can be meant, given what else the instance says.

    Raises
    ------
    InputError
        When the file is not Parquet, is damaged, or announces more than can be meant.
    """
    size = check_regular(path, MAX_BINARY_BYTES)
    rows, columns, unpacked = parquet_size(path)
    if rows > max_rows:
        raise InputError(Problem(path.name, f"at most {max_rows} rows", f"{rows}"))
    # Runs of one value take no room in the file, a dictionary takes none per row.
    if max(rows * columns * 8, unpacked) > max(FREE_BYTES, MAX_RATIO * size):
        raise InputError(
            Problem(
                path.name,
                f"at most {MAX_RATIO} bytes of data per byte of file",
                f"{rows} rows x {columns} columns, {unpacked} bytes unpacked, in {size} bytes",
            )
        )
    try:
        return _scan(path).collect()
    except BaseException as error:
        raise _refusal(path, error) from None


def parquet_size(path: Path) -> tuple[int, int, int]:
    """Rows, columns and unpacked bytes that the metadata announce."""
    try:
        unpacked = unpacked_bytes(path)
        columns = len(_scan(path).collect_schema())
        rows = _scan(path).select(pl.len()).collect().item()
    except BaseException as error:
        raise _refusal(path, error) from None
    return int(rows), columns, unpacked


def _scan(path: Path) -> pl.LazyFrame:
    # A folder name may hold brackets, stars and equal signs: the path is taken as it is.
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def _refusal(path: Path, error: BaseException) -> BaseException:
    """Turn a reader's failure into ours; Rust panics are BaseExceptions."""
    panic = type(error).__name__ == "PanicException"
    if not isinstance(error, Exception) and not panic:
        return error  # Ctrl-C and the like
    if isinstance(error, OSError) and error.errno is not None:
        return OutputError(f"{path}: cannot be read: {error}")
    reason = shown(str(error).split("\n", 1)[0], MAX_REASON)
    return InputError(Problem(path.name, "a valid Parquet file", reason))

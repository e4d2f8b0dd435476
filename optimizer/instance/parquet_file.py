"""Parquet files: metadata first, then the columns, never more than was announced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from optimizer.errors import InputError, OutputError, Problem
from optimizer.instance.parquet_footer import read_footer
from optimizer.instance.parquet_trial import end_their_reader
from optimizer.instance.places import MAX_REASON, shown
from optimizer.instance.regular_file import MAX_BINARY_BYTES, check_regular

MAX_RATIO = 1000
"""Most bytes in memory per byte on disk before a file is taken for a bomb."""
FREE_BYTES = 256 * 2**20
"""Size in memory below which the ratio does not matter."""
MAX_ROWS = 2**31 - 1
VALID = "a valid Parquet file"


def read_parquet(path: Path, max_rows: int = MAX_ROWS, *, tried: bool = False) -> pl.DataFrame:
    """Columns of a Parquet file with the types it has.

    Parameters
    ----------
    max_rows : most rows that can be meant, given what else the instance says.
    tried : another process has read the file and lived.

    Raises
    ------
    InputError
        When the file is not Parquet, is damaged, or announces more than can be meant.
    """
    check_announced(path, max_rows)
    if not tried and end_their_reader([path]):
        raise InputError(Problem(path.name, VALID, "one that ends the process which reads it"))
    try:
        # A folder name may hold brackets, stars and equal signs: the path is taken as it is.
        return pl.read_parquet(path, glob=False, hive_partitioning=False)
    except BaseException as error:
        raise _refusal(path, error) from None


def read_slices(path: Path, rows: int, *, tried: bool = False) -> Iterator[pl.DataFrame]:
    """The same in slices of so many rows, the last one shorter; one at least.

    For tables that are longer than what should be in memory at a time.
    """
    check_announced(path)
    if not tried and end_their_reader([path]):
        raise InputError(Problem(path.name, VALID, "one that ends the process which reads it"))
    begin = 0
    while True:
        try:
            file = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            part = file.slice(begin, rows).collect()
        except BaseException as error:
            raise _refusal(path, error) from None
        if begin == 0 or part.height:
            yield part
        if part.height < rows:
            return
        begin += rows


def check_announced(path: Path, max_rows: int = MAX_ROWS) -> None:
    """Refuse a file by what its footer announces; parameters and errors as for reading it."""
    size = check_regular(path, MAX_BINARY_BYTES)
    try:
        said = read_footer(path)
    except ValueError as error:
        raise InputError(Problem(path.name, VALID, str(error))) from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error}") from error
    if said.rows > max_rows:
        raise InputError(Problem(path.name, f"at most {max_rows} rows", f"{said.rows}"))
    # Runs of one value take no room in the file, a dictionary takes none per row.
    if max(said.rows * said.columns * 8, said.unpacked) > max(FREE_BYTES, MAX_RATIO * size):
        raise InputError(
            Problem(
                path.name,
                f"at most {MAX_RATIO} bytes of data per byte of file",
                f"{said.rows} rows x {said.columns} columns, {said.unpacked} bytes unpacked, "
                f"in {size} bytes",
            )
        )


def all_survive(paths: Sequence[Path]) -> bool:
    """Whether one process can read all of these files and live; one start for all of them.

    Files that are refused by their footer are not tried.
    """
    sound = []
    for path in paths:
        try:
            check_announced(path)
        except (InputError, OutputError):
            continue
        sound.append(path)
    return not end_their_reader(sound)


def _refusal(path: Path, error: BaseException) -> BaseException:
    """Turn a reader's failure into ours; Rust panics are BaseExceptions."""
    panic = type(error).__name__ == "PanicException"
    if not isinstance(error, Exception) and not panic:
        return error  # Ctrl-C and the like
    if isinstance(error, OSError) and error.errno is not None:
        return OutputError(f"{path}: cannot be read: {error}")
    reason = shown(str(error).split("\n", 1)[0], MAX_REASON)
    return InputError(Problem(path.name, VALID, reason))

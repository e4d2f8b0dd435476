"""Section 5.5 of the catalogue of bad inputs: Parquet files."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from optimizer.errors import InputError
from optimizer.instance import parquet_file, parquet_trial
from optimizer.instance.parquet_file import read_parquet
from optimizer.instance.parquet_footer import read_footer
from tests.faults.folder import Folder

NOT_PARQUET = "shares.parquet: expected a valid Parquet file, got "


def spoilt(folder: Folder, how: str) -> bytes:
    """Bytes of a Parquet file that was damaged in a named way."""
    csv = folder.text("shares.csv").encode()
    folder.parquet("shares")
    data = (folder.path / "shares.parquet").read_bytes()
    footer = int.from_bytes(data[-8:-4], "little")
    return {
        "0 bytes": b"",
        "truncated": data[: len(data) // 2],
        "footer cut": data[: -8 - footer],
        "tail cut": data[:-1],
        "garbage": bytes(range(256)) * 8,
        "garbage between marks": b"PAR1" + b"\xff" * 500 + b"PAR1",
        "CSV renamed": csv,
        "footer length forged": data[:-8] + b"\xff\xff\xff\x7f" + b"PAR1",
        "footer zeroed": data[: -8 - footer] + b"\0" * footer + data[-8:],
    }[how]


@pytest.mark.parametrize(
    ("how", "got"),
    [
        pytest.param("0 bytes", "a file of 0 bytes", id="5.5-66 0 bytes"),
        pytest.param("truncated", "no PAR1 at the end of the file", id="5.5-66 truncated"),
        pytest.param("footer cut", "no PAR1 at the end of the file", id="5.5-66 footer gone"),
        pytest.param("tail cut", "no PAR1 at the end of the file", id="5.5-66 one byte gone"),
        pytest.param("garbage", "no PAR1 at the end of the file", id="5.5-66 garbage"),
        pytest.param(
            "garbage between marks",
            "a footer of 4294967295 bytes in a file of 508",
            id="5.5-66 garbage between marks",
        ),
        pytest.param("CSV renamed", "no PAR1 at the end of the file", id="5.5-66 CSV renamed"),
        pytest.param(
            "footer length forged",
            "a footer of 2147483647 bytes in a file of",
            id="5.5-69 footer length forged",
        ),
        pytest.param("footer zeroed", "", id="5.5-66 footer of zeros"),
    ],
)
def test_damaged_parquet(folder: Folder, how: str, got: str) -> None:
    data = spoilt(folder, how)
    (problem,) = folder.file("shares.parquet", data).problems()
    assert problem.startswith(NOT_PARQUET + got)


def test_5_5_66_parquet_renamed_to_csv(folder: Folder) -> None:
    folder.parquet("shares")
    (folder.path / "shares.parquet").rename(folder.path / "shares.csv")
    (problem,) = folder.problems()
    assert problem.startswith("shares.csv, line 1, byte ")


def test_5_5_67_flipped_bytes_are_refused_or_read_but_never_end_the_process(
    folder: Folder,
) -> None:
    """With the Rust reader of 2026, the first two of these positions end whoever reads them."""
    folder.parquet("residency")
    path = folder.path / "residency.parquet"
    sound = path.read_bytes()
    for position in (42, 184, *range(4, len(sound), 90)):
        data = bytearray(sound)
        data[position] ^= 0x55
        path.write_bytes(bytes(data))
        with contextlib.suppress(InputError):
            read_parquet(path)


def test_5_5_66_a_file_that_ends_its_reader_is_refused(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parquet("residency")
    monkeypatch.setattr(parquet_trial, "_TRIAL", "import os; os.abort()")
    assert folder.problems() == [
        "residency.parquet: expected a valid Parquet file, "
        "got one that ends the process which reads it"
    ]


@pytest.mark.parametrize("executable", ["", "/nowhere/python"])
def test_without_another_process_the_file_is_read_all_the_same(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, executable: str
) -> None:
    digest = folder.read().digest
    monkeypatch.setattr(sys, "executable", executable)
    assert folder.parquet("residency").read().digest == digest


@pytest.mark.parametrize(
    ("table", "change", "problem"),
    [
        pytest.param(
            "pools",
            pl.Series("pool", [1, 2]),
            "pools.parquet, column pool: expected a column of text, got Int64 "
            "(ids and labels are kept exactly as written)",
            id="5.5-68 ids as integers",
        ),
        pytest.param(
            "routes",
            pl.Series("pool", [1, 2, 1, 2]),
            "routes.parquet, column pool: expected a column of text, got Int64 "
            "(ids and labels are kept exactly as written)",
            id="5.5-68 references as integers",
        ),
        pytest.param(
            "demand",
            pl.Series("workload", [1, 2, 3]),
            "demand.parquet, column workload: expected a column of text, got Int64 "
            "(ids are kept exactly as written)",
            id="5.5-68 names of rows as integers",
        ),
        pytest.param(
            "pools",
            pl.Series("chip", [b"\xff", b"a"]),
            "pools.parquet, column chip: expected a column of text, got Binary "
            "(ids and labels are kept exactly as written)",
            id="5.5-68 bytes",
        ),
        pytest.param(
            "routes",
            pl.Series("chip_hours_per_mtok", [Decimal("0.5")] * 4),
            "routes.parquet, column chip_hours_per_mtok: expected a column of numbers "
            "[chip-hours/Mtok], got Decimal(precision=38, scale=1) "
            "(integers and floats are read, decimals are not)",
            id="5.5-68 decimal",
        ),
        pytest.param(
            "demand",
            pl.Series("1", [datetime(2026, 1, 1, tzinfo=UTC)] * 3),
            "demand.parquet, column 1: expected a column of numbers [Mtok], "
            "got Datetime(time_unit='us', time_zone='U... "
            "(integers and floats are read, decimals are not)",
            id="5.5-68 timestamp",
        ),
        pytest.param(
            "demand",
            pl.Series("1", [date(2026, 1, 1)] * 3),
            "demand.parquet, column 1: expected a column of numbers [Mtok], got Date "
            "(integers and floats are read, decimals are not)",
            id="5.5-68 date",
        ),
        pytest.param(
            "demand",
            pl.Series("1", [[1.0], [2.0], [3.0]]),
            "demand.parquet, column 1: expected a column of numbers [Mtok], got List(Float64) "
            "(integers and floats are read, decimals are not)",
            id="5.5-68 list",
        ),
        pytest.param(
            "demand",
            pl.Series("1", [True, False, True]),
            "demand.parquet, column 1: expected a column of numbers [Mtok], got Boolean "
            "(integers and floats are read, decimals are not)",
            id="5.5-68 flags for numbers",
        ),
        pytest.param(
            "workloads",
            pl.Series("single_pool", [1, 0, 1]),
            "workloads.parquet, column single_pool: expected a column of true and false, got Int64",
            id="5.5-68 integers for flags",
        ),
        pytest.param(
            "demand",
            pl.Series("1", [1.0, float("nan"), 3.0]),
            "demand.parquet, row 1 (code), column 1: expected a finite number >= 0 [Mtok], "
            'got "nan" (every number is finite; leave the row out, or the cell empty where that '
            "is allowed)",
            id="5.1-01 NaN",
        ),
        pytest.param(
            "demand",
            pl.Series("1", [1.0, None, 3.0]),
            "demand.parquet, row 1 (code), column 1: expected a finite number >= 0 [Mtok], "
            "got nothing",
            id="5.1-23 null",
        ),
        pytest.param(
            "demand",
            pl.Series("1", [None, None, None]),
            "demand.parquet, row 0 (chat), column 1: expected a finite number >= 0 [Mtok], "
            "got nothing",
            id="5.1-23 column of nulls",
        ),
        pytest.param(
            "demand",
            pl.Series("1", ["1", "n/a", "3"]),
            "demand.parquet, row 1 (code), column 1: expected a finite number >= 0 [Mtok], "
            'got "n/a" (plain decimal notation: no separators, signs of money or units)',
            id="5.5-68 text that is no number",
        ),
        pytest.param(
            "workloads",
            pl.Series("deadline_periods", [0.0, 3.5, 1.0]),
            "workloads.parquet, row 1 (code), column deadline_periods: expected a whole number "
            'from 0 to 1e+06 [periods], got "3.5"',
            id="5.1-22 3.5 in an integer column",
        ),
        pytest.param(
            "routes",
            pl.Series("pool", ["east", "west", None, "west"]),
            "routes.parquet, row 2, column pool: expected the name of a pool in pools.csv, "
            "got nothing",
            id="5.2-28 null reference",
        ),
    ],
)
def test_column_of_another_type(
    folder: Folder, table: str, change: pl.Series, problem: str
) -> None:
    frame = folder.frame(table).with_columns(change)
    assert problem in folder.parquet(table, frame).problems()


@pytest.mark.parametrize(
    ("table", "column", "dtype"),
    [
        *(
            pytest.param("capacity", "1", dtype, id=f"5.5-68 {dtype}")
            for dtype in (
                pl.Int8,
                pl.UInt8,
                pl.Int16,
                pl.UInt32,
                pl.Int64,
                pl.UInt64,
                pl.Float32,
                pl.Float64,
                pl.String,
            )
        ),
        pytest.param("routes", "pool", pl.Categorical, id="5.5-68 dictionary of references"),
        pytest.param("pools", "provider", pl.Categorical, id="5.5-68 dictionary of labels"),
        pytest.param("pools", "pool", pl.Categorical, id="5.5-68 dictionary of ids"),
        pytest.param(
            "pools", "purchase", pl.Enum(["reserved", "on_demand", "spot"]), id="5.5-68 enumeration"
        ),
        pytest.param("workloads", "deadline_periods", pl.Float64, id="5.1-22 3.0 for an integer"),
    ],
)
def test_column_of_a_type_that_will_do(
    folder: Folder, table: str, column: str, dtype: pl.DataType
) -> None:
    digest = folder.read().digest
    folder.parquet(table, folder.frame(table).with_columns(pl.col(column).cast(dtype)))
    assert folder.read().digest == digest


def test_all_cells_of_an_optional_column_may_be_null(folder: Folder) -> None:
    frame = folder.frame("routes").with_columns(usd_per_mtok=pl.lit(None))
    assert folder.parquet("routes", frame).read().routes.usd_per_mtok.tolist() == [0, 0, 0, 0]


def test_5_5_65_columns_of_parquet_are_checked_as_those_of_csv(folder: Folder) -> None:
    frame = folder.frame("shares").rename({"measure": "mesure"}).with_columns(x_free=pl.lit(1))
    assert folder.parquet("shares", frame).problems() == [
        'shares.parquet, row 1, column "mesure": expected a known column (or a name that begins '
        'with x_), got "mesure" (did you mean "measure"?)',
        'shares.parquet, row 1: expected a column "measure", got none',
    ]


def test_5_5_69_more_rows_than_can_be_meant(folder: Folder) -> None:
    row = folder.frame("routes").head(1)
    folder.parquet("routes", pl.concat([row] * 1500))
    assert folder.problems() == ["routes.parquet: expected at most 1012 rows, got 1500"]


def test_5_5_69_a_few_double_rows_are_named_one_by_one(folder: Folder) -> None:
    frame = folder.frame("demand")
    folder.parquet("demand", pl.concat([frame, frame.head(1)]))
    assert folder.problems() == [
        'demand.parquet, row 3, column workload: expected one row per workload, got "chat" again '
        "(first used at demand.parquet, row 0)"
    ]


BOMB = """
import resource, sys
from optimizer.errors import InputError
from optimizer.instance.parquet_file import read_parquet
from pathlib import Path

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_parquet(Path(sys.argv[1]))
except InputError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_5_5_70_rows_that_take_no_room_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sources.parquet"
    pl.select(x=pl.repeat(0, 60_000_000, dtype=pl.Int8)).write_parquet(path)
    size = path.stat().st_size
    done = subprocess.run(
        [sys.executable, "-c", BOMB, str(path)], capture_output=True, text=True, check=True
    )
    message, kib = done.stdout.splitlines()
    assert message.startswith(
        "sources.parquet: expected at most 1000 bytes of data per byte of file, "
        "got 60000000 rows x 1 columns, "
    )
    assert message.endswith(f"in {size} bytes")
    assert int(kib) < 60_000


def test_5_5_70_one_cell_of_text_that_unpacks_to_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sources.parquet"
    pl.DataFrame({"source": ["z" * 20_000_000]}).write_parquet(path)
    monkeypatch.setattr(parquet_file, "FREE_BYTES", 2**20)
    with pytest.raises(InputError, match=r"got 1 rows x 1 columns, 20000\d\d\d bytes unpacked"):
        read_parquet(path)


def test_what_the_footer_announces(tmp_path: Path) -> None:
    rows = 100_000
    frame = pl.DataFrame(
        {
            "number": np.random.default_rng(1).random(rows),
            "text": [f"name-{i}" for i in range(rows)],
            "flag": [True, None] * (rows // 2),
        }
    )
    path = tmp_path / "a.parquet"
    frame.write_parquet(path, compression="zstd", row_group_size=30_000)
    said = read_footer(path)
    assert (said.rows, said.columns) == (rows, 3)
    # Numbers take 8 bytes, texts 4 of length and 6 to 10 of their own.
    assert 18 * rows < said.unpacked < 30 * rows
    frame.head(0).write_parquet(path)
    assert (read_footer(path).rows, read_footer(path).unpacked) == (0, 0)

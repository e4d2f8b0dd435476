"""Section 5.3 of the catalogue of bad inputs: time."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import InputError
from tests.faults.folder import Folder

START = "instance.toml, start: expected a date and time with a zone, such as 2026-05-04T00:00:00Z"
YEAR = "instance.toml, start: expected a year from 1970 to 2199"
HOURS = "instance.toml, period_hours: expected a finite number > 0 and <= 8784 [hours]"
COUNT = "expected 3 period columns named 0 to 2"
SET_IN = "(periods is set in instance.toml)"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        pytest.param(
            "workload,0,2",
            f"{COUNT}, got 2; first missing: 1 {SET_IN}",
            id="5.3-37 missing in the middle",
        ),
        pytest.param(
            "workload,0,1",
            f"{COUNT}, got 2; first missing: 2 {SET_IN}",
            id="5.3-37 missing at the end",
        ),
        pytest.param(
            "workload,0,1,2,3",
            f'{COUNT}, got 4; not a period: "3" {SET_IN}',
            id="5.3-45 period beyond the horizon",
        ),
        pytest.param(
            "workload,1,2,3,4",
            f'{COUNT}, got 4; not a period: "3"; first missing: 0 {SET_IN}',
            id="5.3-45 counted from 1",
        ),
        pytest.param(
            "chat_workload,0,1,2",
            'expected a column "workload" that names the rows, got none, not "chat_workload"',
            id="5.5-65 misspelt column of names",
        ),
        pytest.param(
            "0,1,2,3",
            'expected a column "workload" that names the rows, got none',
            id="5.5-65 no column of names",
        ),
    ],
)
def test_refused_header(folder: Folder, header: str, problem: str) -> None:
    width = header.count(",")
    rows = "".join(f"{name}{',1' * width}\n" for name in ("chat", "code", "batch"))
    folder.file("demand.csv", f"{header}\n{rows}")
    assert folder.problems() == [f"demand.csv, row 1: {problem}"]


def test_5_3_37_every_gap_and_every_stranger_is_named(folder: Folder) -> None:
    folder.replace("demand.csv", "workload,0,1,2", "workload,0,01,1.0")
    assert folder.problems() == [
        'demand.csv, row 1, column "01": expected a known column (or a name that begins with x_), '
        'got "01" (did you mean "1"?)',
        'demand.csv, row 1, column "1.0": expected a known column (or a name that begins with x_), '
        'got "1.0"',
        'demand.csv, row 1: expected a column "1", got none',
        'demand.csv, row 1: expected a column "2", got none',
    ]


def test_5_3_38_unsorted_periods_are_put_in_order(folder: Folder) -> None:
    sound = folder.read()
    folder.file("demand.csv", "2,0,workload,1\n30,10,chat,20\n3,1,code,2\n7.5,5,batch,0\n")
    assert folder.read().digest == sound.digest


def test_5_3_38_a_period_that_comes_twice(folder: Folder) -> None:
    folder.replace("demand.csv", "workload,0,1,2", "workload,0,1,1")
    assert folder.problems() == [
        'demand.csv, row 1, column 4: expected a column name that is not used twice, got "1"'
    ]


def test_5_3_38_rows_in_any_order(folder: Folder) -> None:
    sound = folder.read()
    folder.file("demand.csv", "workload,0,1,2\nbatch,5,0,7.5\nchat,10,20,30\ncode,1,2,3\n")
    assert folder.read().digest == sound.digest


@pytest.mark.parametrize(
    ("value", "offset"),
    [
        pytest.param('"2026-05-04T00:00:00Z"', 0, id="5.3-39 text, Z"),
        pytest.param("2026-05-04T00:00:00Z", 0, id="5.3-39 TOML literal"),
        pytest.param('"2026-05-04T02:00:00+02:00"', 2, id="5.3-39 offset"),
        pytest.param("2026-05-04 02:00:00+02:00", 2, id="5.3-39 TOML literal with offset"),
    ],
)
def test_start_with_a_zone(folder: Folder, value: str, offset: int) -> None:
    start = folder.toml("start", value).read().start
    assert start == datetime(2026, 5, 4, tzinfo=UTC)
    assert start.utcoffset() == timedelta(hours=offset)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param(
            '"2026-05-04T00:00:00"', f'{START}, got "2026-05-04T00:00:00"', id="5.3-40 naive text"
        ),
        pytest.param(
            "2026-05-04T00:00:00", f"{START}, got 2026-05-04 00:00:00", id="5.3-40 naive literal"
        ),
        pytest.param('"2026-05-04"', f'{START}, got "2026-05-04"', id="5.3-40 date as text"),
        pytest.param("2026-05-04", f"{START}, got 2026-05-04", id="5.3-40 date literal"),
        pytest.param("07:00:00", f"{START}, got 07:00:00", id="5.3-40 time of day"),
        pytest.param("1777852800", f"{START}, got 1777852800", id="5.3-40 seconds since 1970"),
        pytest.param('"next monday"', f'{START}, got "next monday"', id="5.3-40 words"),
        pytest.param(
            '"2026-03-29T02:30:00 Europe/Berlin"',
            f'{START}, got "2026-03-29T02:30:00 Europe/Berlin"',
            id="5.3-39 zone name",
        ),
        pytest.param(
            '"2026-06-30T23:59:60Z"',
            f'{START}, got "2026-06-30T23:59:60Z"',
            id="5.3-44 leap second",
        ),
        pytest.param(
            '"0000-01-01T00:00:00Z"', f'{START}, got "0000-01-01T00:00:00Z"', id="5.3-44 year 0"
        ),
        pytest.param('"9999-12-31T23:00:00Z"', f"{YEAR}, got 9999", id="5.3-44 year 9999"),
        pytest.param('"0001-01-01T00:00:00+14:00"', f"{YEAR}, got 1", id="5.3-44 year 1"),
        pytest.param('"1969-12-31T23:00:00Z"', f"{YEAR}, got 1969", id="5.3-44 before 1970"),
        pytest.param('"2200-01-01T00:00:00Z"', f"{YEAR}, got 2200", id="5.3-44 after 2199"),
    ],
)
def test_refused_start(folder: Folder, value: str, problem: str) -> None:
    assert folder.toml("start", value).problems() == [problem]


def test_5_3_44_leap_second_in_a_TOML_literal(folder: Folder) -> None:
    folder.toml("start", "2026-06-30T23:59:60Z")
    (problem,) = folder.problems()
    assert problem.startswith("instance.toml, line 4, column 19: expected valid TOML, got ")


def test_5_3_44_horizon_that_ends_beyond_2199(folder: Folder) -> None:
    folder.toml("start", '"2199-06-01T00:00:00Z"').toml("period_hours", "8760")
    assert folder.problems() == [
        "instance.toml, periods: expected a horizon that ends by the year 2199, "
        "got 3 periods of 8760 hours from 2199"
    ]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param("0", f"{HOURS}, got 0", id="5.3-41 zero"),
        pytest.param("-1", f"{HOURS}, got -1", id="5.3-41 negative"),
        pytest.param("nan", f"{HOURS}, got nan", id="5.3-41 nan"),
        pytest.param("inf", f"{HOURS}, got inf", id="5.3-41 inf"),
        pytest.param("1e-300", f"{HOURS}, got 1e-300", id="5.3-41 next to nothing"),
        pytest.param("87600", f"{HOURS}, got 87600", id="5.3-41 ten years"),
        pytest.param(
            '"1h"',
            'instance.toml, period_hours: expected a finite number [hours], got "1h"',
            id="5.3-41 text",
        ),
    ],
)
def test_refused_period_length(folder: Folder, value: str, problem: str) -> None:
    assert folder.toml("period_hours", value).problems() == [problem]


@pytest.mark.parametrize("hours", [0.25, 1, 24, 8784])
def test_5_3_41_lengths_from_minutes_to_a_year(folder: Folder, hours: float) -> None:
    assert folder.toml("period_hours", str(hours)).read().period_hours == hours


@pytest.mark.parametrize(
    ("value", "got"),
    [
        pytest.param("0", "0", id="5.3-43 no period"),
        pytest.param("-3", "-3", id="5.3-43 negative"),
        pytest.param("3.0", "3.0", id="5.3-43 float"),
        pytest.param("true", "true", id="5.3-43 flag"),
        pytest.param('"3"', '"3"', id="5.3-43 text"),
        pytest.param("1_000_000_000", "1000000000", id="5.3-43 1e9 periods"),
        pytest.param("1" + "0" * 60, "1" + "0" * 36 + "...", id="5.3-43 1e60 periods"),
    ],
)
def test_refused_periods(folder: Folder, value: str, got: str) -> None:
    assert folder.toml("periods", value).problems() == [
        f"instance.toml, periods: expected a whole number from 1 to 1000000, got {got}"
    ]


def test_5_3_43_declared_horizon_allocates_nothing(folder: Folder) -> None:
    folder.toml("periods", "1_000_000")
    with pytest.raises(InputError):
        folder.read()  # what is imported at first use shall not count
    tracemalloc.start()
    try:
        problems = folder.problems()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    expected = "expected 1000000 period columns named 0 to 999999, got 3; first missing: 3"
    assert problems == [
        f"{table}.csv, row 1: {expected} {SET_IN}" for table in ("demand", "capacity", "prices")
    ]
    assert peak < 2**20


@pytest.mark.parametrize(
    "periods", [pytest.param(1, id="5.3-42 one"), pytest.param(8760, id="5.3-42 a year")]
)
def test_horizons_of_one_hour_and_of_a_year(folder: Folder, periods: int) -> None:
    header = ",".join(map(str, range(periods)))
    folder.toml("periods", str(periods)).without("prices.csv")
    for table, key, names in (
        ("demand", "workload", ("chat", "code", "batch")),
        ("capacity", "pool", ("east", "west")),
    ):
        rows = "".join(f"{name}{',2.5' * periods}\n" for name in names)
        folder.file(f"{table}.csv", f"{key},{header}\n{rows}")
    instance = folder.read()
    assert instance.num_periods == periods
    assert float(instance.demand_mtok.sum()) == 7.5 * periods

"""Times: units, zones, the two nights a year, midnight, order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from optimizer.serving.traces import blocks
from optimizer.serving.traces.clock import Clock
from tests.unit.serving.traces.made import whole

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
COLUMNS = {"time": "t", "input": "i", "output": "o"}


def seconds(clock: Clock, *texts: str | None) -> list[float | None]:
    times, good = clock.times(pl.Series(texts, dtype=pl.String))
    # A float holds microseconds since 1970, not nanoseconds.
    return [
        time // 1000 / 1e6 if ok else None for time, ok in zip(times.tolist(), good, strict=True)
    ]


@pytest.mark.parametrize(
    ("unit", "text", "expected"),
    [
        ("s", "1700000000.25", 1700000000.25),
        ("ms", "1700000000250", 1700000000.25),
        ("us", "1700000000250000", 1700000000.25),
        ("h", "480000", 480000 * 3600),
        ("", "1700000000.25", 1700000000.25),
        ("", "2023-11-14 22:13:20.25", 1700000000.25),
        ("iso", "2023-11-14T22:13:20.2500000Z", 1700000000.25),
        ("iso", "2023-11-15 00:13:20.25+02:00", 1700000000.25),
    ],
)
def test_units(unit: str, text: str, expected: float) -> None:
    assert seconds(Clock(unit, "UTC", None), text) == [expected]


def test_small_numbers_count_from_the_start() -> None:
    start = datetime(2026, 5, 4, tzinfo=UTC)
    assert seconds(Clock("s", "UTC", start), "0", "1.5") == [
        start.timestamp(),
        start.timestamp() + 1.5,
    ]
    clock = Clock("s", "UTC", None)
    assert seconds(clock, "7") == [datetime(2026, 1, 1, tzinfo=UTC).timestamp() + 7]
    assert clock.basis == "counted from a beginning that is taken as 2026-01-01T00:00Z"


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "-1", "1e30", "2023-13-01 00:00:00"])
def test_what_is_no_time(text: str) -> None:
    assert seconds(Clock("s", "UTC", None), text or None) == [None]
    assert seconds(Clock("iso", "UTC", None), text or None) == [None]


def test_zone_of_times_without_one() -> None:
    clock = Clock("iso", "America/New_York", None)
    assert seconds(clock, "2026-01-01 00:00:00", "2026-07-01 00:00:00+00:00") == [
        datetime(2026, 1, 1, 5, tzinfo=UTC).timestamp(),
        datetime(2026, 7, 1, tzinfo=UTC).timestamp(),
    ]


def test_hour_that_comes_twice_is_told_by_the_order() -> None:
    """1 November 2026, New York: after 01:59:59 it is 01:00:00 again."""
    clock = Clock("iso", "America/New_York", None)
    night = ["00:50", "01:10", "01:59", "01:00", "01:30", "01:59", "02:00"]
    texts = [f"2026-11-01 {time}:00" for time in night]
    begin = datetime(2026, 11, 1, 4, tzinfo=UTC).timestamp()
    minutes = [50, 70, 119, 120, 150, 179, 180]
    expected = [begin + 60 * minute for minute in minutes]
    assert seconds(clock, *texts) == expected
    # The same in blocks of one line: what was seen is remembered.
    clock = Clock("iso", "America/New_York", None)
    assert [seconds(clock, text)[0] for text in texts] == expected


def test_hour_that_never_comes_is_no_time() -> None:
    """8 March 2026, New York: after 01:59:59 it is 03:00:00."""
    clock = Clock("iso", "America/New_York", None)
    assert seconds(clock, "2026-03-08 01:59:00", "2026-03-08 02:30:00", "2026-03-08 03:00:00") == [
        datetime(2026, 3, 8, 6, 59, tzinfo=UTC).timestamp(),
        None,
        datetime(2026, 3, 8, 7, tzinfo=UTC).timestamp(),
    ]


def test_day_of_25_hours_has_25_periods(tmp_path: Path) -> None:
    stamps = [
        f"2026-11-01 {hour:02d}:{minute}:00"
        for hour in (0, 1, 1, *range(2, 24))
        for minute in (10, 30, 50)
    ]
    text = HEADER + "".join(f"{stamp},10,1\n" for stamp in stamps)
    found = whole(tmp_path, text, time_zone="America/New_York")
    assert found.requests.tolist() == [[3] * 25]


def test_trace_across_midnight(tmp_path: Path) -> None:
    text = HEADER + "2023-12-31 23:59:59.999,10,1\n2024-01-01 00:00:00,20,2\n"
    found = whole(tmp_path, text)
    assert found.start == datetime(2023, 12, 31, 23, tzinfo=UTC)
    assert found.demand_mtok.tolist() == [[11e-6, 22e-6]]


def test_single_request(tmp_path: Path) -> None:
    found = whole(tmp_path, HEADER + "2023-12-31 12:34:56,10,1\n")
    assert found.requests.tolist() == [[1]]
    assert found.workloads.input_tokens_cv.tolist() == [0]
    assert found.workloads.burstiness.tolist() == [1]


@pytest.mark.parametrize("hours", [1.0, 0.5, 1 / 12, 0.0833, 24.0, 7.0])
def test_periods_of_any_length_keep_the_sum(tmp_path: Path, hours: float) -> None:
    times = np.cumsum(np.random.default_rng(1).exponential(900, 400))
    text = "t,i,o\n" + "".join(f"{time:.6f},{k},{k % 7}\n" for k, time in enumerate(times))
    found = whole(tmp_path, text, columns=COLUMNS, period_hours=hours)
    period = (times * 1e6 // (round(hours * 3.6e9))).astype(int)
    period -= period[0]
    assert found.requests[0].tolist() == np.bincount(period).tolist()
    tokens = np.arange(400) + np.arange(400) % 7
    assert np.allclose(found.demand_mtok[0] * 1e6, np.bincount(period, tokens), rtol=1e-12)


def test_order_does_not_matter_within_the_time_that_lines_may_be_late(tmp_path: Path) -> None:
    lines = [f"{t},{t + 1},1\n" for t in range(0, 7200, 60)]
    mixed = [lines[k ^ 3] for k in range(len(lines))]
    plain = whole(tmp_path, "t,i,o\n" + "".join(lines), columns=COLUMNS)
    found = whole(tmp_path, "t,i,o\n" + "".join(mixed), columns=COLUMNS)
    assert found.demand_mtok.tolist() == plain.demand_mtok.tolist()
    assert found.bad_lines == 0
    assert any("lines lie before an earlier one in time" in note for note in found.notes)


def test_a_line_that_is_too_late_is_bad(tmp_path: Path) -> None:
    text = "t,i,o\n100000,1,1\n" + "100001,1,1\n" * 200 + "90000,5,5\n"
    found = whole(tmp_path, text, columns=COLUMNS)
    assert found.bad_lines == 1
    assert str(found.problems[0]) == (
        "trace.csv, line 203, column t: expected a time no more than 3600 s before the latest one "
        'so far, 2026-01-02T03:46:41 UTC, got "90000"'
    )
    kept = whole(tmp_path, text, columns=COLUMNS, late_seconds=float("inf"))
    assert kept.bad_lines == 0
    assert kept.requests.sum() == 202


def test_the_latest_time_is_remembered_from_block_to_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 11)  # a line
    text = "t,i,o\n100000,1,1\n097000,1,1\n095000,1,1\n"
    found = whole(tmp_path, text, columns=COLUMNS, max_bad_share=0.5)
    assert (found.lines, found.bad_lines) == (3, 1)
    assert str(found.problems[0]).startswith("trace.csv, line 4, column t: expected a time no more")

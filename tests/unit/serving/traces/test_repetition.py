"""A trace over a longer horizon: every copy is the trace, and the notes say what that hides."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.cli.main import call
from optimizer.errors import UsageError
from optimizer.serving.traces.settings import TraceSettings
from tests.cli.test_commands import TINY
from tests.unit.serving.traces.made import AZURE, HOURLY, MOONCAKE, SERVEGEN, trace, whole

HOUR = timedelta(hours=1)
COUNTS = {"input_edges": None, "output_edges": None}


def requests(begin: datetime, hours: float, count: int) -> str:
    """So many requests at equal distances, of 1,000 input tokens and their number of output."""
    rows = [begin + HOUR * hours * (turn / (count - 1)) for turn in range(count)]
    lines = [f"{time:%Y-%m-%d %H:%M:%S.%f},1000,{turn}" for turn, time in enumerate(rows)]
    return "\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines, ""])


def test_each_copy_is_the_trace(tmp_path: Path) -> None:
    """Five periods of a trace of two: the last copy is half of one."""
    once = whole(tmp_path, AZURE, start=None)
    text = AZURE.replace("18:17:03", "18:00:03").replace("19:00:00", "19:59:59")
    once, found = whole(tmp_path, text), whole(tmp_path, text, repeat_hours=5.0, scale=2.0)
    assert once.demand_mtok.shape == (1, 2)
    np.testing.assert_allclose(
        found.demand_mtok, 2.0 * once.demand_mtok[:, [0, 1, 0, 1, 0]], rtol=1e-15
    )
    np.testing.assert_array_equal(found.requests, once.requests[:, [0, 1, 0, 1, 0]])
    assert found.copies == 2.5
    assert found.total_mtok == pytest.approx(
        2e-6 * (found.input_tokens + found.output_tokens), rel=1e-12
    )
    for column in ("input_tokens", "output_tokens", "input_tokens_cv", "burstiness"):
        one, other = getattr(once.workloads, column), getattr(found.workloads, column)
        np.testing.assert_array_equal(one, other)
    assert (found.start, found.first, found.last) == (once.start, once.first, once.last)
    assert (once.copies, whole(tmp_path, text, repeat_hours=2.0).copies) == (1.0, 1.0)


def test_an_hour_across_two_periods_becomes_one_full_period(tmp_path: Path) -> None:
    text = requests(datetime(2023, 11, 16, 18, 17, tzinfo=UTC), 0.97, 200)
    once, found = whole(tmp_path, text), whole(tmp_path, text, repeat_hours=3.0)
    assert once.demand_mtok.shape == (1, 2)
    total = once.demand_mtok.sum()
    np.testing.assert_allclose(found.demand_mtok, [[total, total, total]], rtol=1e-12)
    assert found.start == once.start
    assert found.notes == (
        "0.97 h of traffic were repeated every 1 h to fill 3 h: 3 copies",
        "each copy is 1 h of traffic from Thursday 2023-11-16 18:17 UTC on: no day and night is in "
        "it, no weekend",
    )
    # Unrepeated, the halves are told as such.
    assert any("hold part of their demand only" in note for note in once.notes)


def test_a_day_from_noon_on_keeps_its_hours(tmp_path: Path) -> None:
    """25 periods are touched: the hour that it begins and ends in is one."""
    text = requests(datetime(2026, 5, 5, 12, 30, tzinfo=UTC), 23.99, 500)
    once, found = whole(tmp_path, text), whole(tmp_path, text, repeat_hours=168.0)
    assert once.demand_mtok.shape == (1, 25)
    day = once.demand_mtok[0, :24].copy()
    day[0] += once.demand_mtok[0, 24]
    np.testing.assert_allclose(found.demand_mtok[0], np.tile(day, 7), rtol=1e-12)
    assert found.notes[-1] == (
        "every day has the traffic of the one from Tuesday 2026-05-05 12:30 UTC on, weekends and "
        "weekdays alike"
    )


NOTES = {
    "of a week nothing is hidden": (167.99, 1.0, 336.0, []),
    "weekdays move": (
        119.99, 1.0, 336.0,
        ["120 h are no whole weeks: Saturday 2026-05-09 has the traffic of Monday 2026-05-04, and "
         "so on"],
    ),
    "hours of the day move, and weekdays": (
        29.99, 1.0, 168.0,
        ["30 h are no whole days: with each copy the traffic of an hour comes 6 h later in the day",
         "30 h are no whole weeks: Tuesday 2026-05-05 has the traffic of Monday 2026-05-04, and so "
         "on"],
    ),
    "a copy that is not full": (
        1.4, 1.0, 4.0,
        ["the trace covers 70.0% of each copy, the rest is without demand; --scale 1.43 would make "
         "up for it",
         "each copy is 2 h of traffic from Monday 2026-05-04 00:00 UTC on: no day and night is in "
         "it, no weekend"],
    ),
    "one copy": (23.99, 1.0, 24.0, []),
    "a last request that is late": (
        24.005, 1.0, 48.0, ["every day has the traffic of the one from Monday 2026-05-04 00:00 UTC "
                            "on, weekends and weekdays alike"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("hours", "period", "filled", "words"), NOTES.values(), ids=NOTES)
def test_notes_say_what_is_made_alike(
    tmp_path: Path, hours: float, period: float, filled: float, words: list[str]
) -> None:
    text = requests(datetime(2026, 5, 4, tzinfo=UTC), hours, 2000)
    found = whole(tmp_path, text, repeat_hours=filled, period_hours=period)
    assert "were repeated every" in found.notes[0]
    assert list(found.notes[1:]) == words
    assert found.demand_mtok.shape == (1, filled / period)


def test_a_trace_without_dates_names_no_weekday(tmp_path: Path) -> None:
    found = whole(tmp_path, MOONCAKE, repeat_hours=4.0)
    assert any("each copy is 1 h of traffic: no day" in note for note in found.notes)
    start = datetime(2026, 5, 5, tzinfo=UTC)
    found = whole(tmp_path, MOONCAKE, repeat_hours=4.0, start=start)
    assert any("traffic from Tuesday 2026-05-05 00:00 UTC on" in note for note in found.notes)


def test_counts_of_an_hour_last_until_its_end(tmp_path: Path) -> None:
    """Two hours of counts are two hours, though the last one begins after one."""
    once = whole(tmp_path, SERVEGEN, **COUNTS)
    found = whole(tmp_path, SERVEGEN, **COUNTS, repeat_hours=6.0)
    assert found.demand_mtok.shape[1] == 6
    np.testing.assert_allclose(found.demand_mtok, np.tile(once.demand_mtok, 3), rtol=1e-15)
    lengths = {"input_tokens": 500.0, "output_tokens": 100.0}
    gap = whole(tmp_path, HOURLY, **COUNTS, **lengths, repeat_hours=9.0)
    assert gap.copies == 3.0  # hours 0 and 2: three hours, the second without a count
    assert (gap.demand_mtok[:, [1, 4, 7]] == 0).all()


def test_a_single_request_is_repeated_without_a_word_on_scale(tmp_path: Path) -> None:
    text = "\n".join(AZURE.split("\r\n")[:2]) + "\n"
    found = whole(tmp_path, text, repeat_hours=3.0)
    assert (found.demand_mtok == 4818e-6).all()
    assert any(note.endswith("the rest is without demand") for note in found.notes)


def test_cached_tokens_are_those_of_all_copies(tmp_path: Path) -> None:
    once, found = whole(tmp_path, MOONCAKE), whole(tmp_path, MOONCAKE, repeat_hours=8.0)
    assert once.cached_tokens > 0
    assert found.cached_tokens == pytest.approx(8 * once.cached_tokens)
    np.testing.assert_array_equal(
        found.workloads.cached_input_fraction, once.workloads.cached_input_fraction
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"repeat_hours": 0.0}, "repeat: expected hours > 0, at most 87,840 (ten years), got 0"),
        ({"repeat_hours": float("nan")}, "got nan"),
        ({"repeat_hours": float("inf")}, "got inf"),
        ({"repeat_hours": 87_841.0}, "at most 87,840 (ten years)"),
        ({"repeat_hours": 7.5}, "repeat: expected whole periods of 1 hours, got 7.5 h"),
        ({"repeat_hours": 0.1}, "repeat: expected whole periods of 1 hours, got 0.1 h"),
        ({"repeat_hours": 1.0, "period_hours": 0.3}, "whole periods of 0.3 hours"),
    ],
)
def test_hours_that_cannot_be_meant(given: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        TraceSettings(**given)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_a_horizon_shorter_than_the_trace_or_far_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = requests(datetime(2026, 5, 4, tzinfo=UTC), 23.99, 50)
    with pytest.raises(UsageError) as caught:
        whole(tmp_path, text, repeat_hours=23.0)
    assert str(caught.value) == (
        "repeat: expected at least the 24 hours that the trace takes, got 23"
    )
    monkeypatch.setattr("optimizer.serving.traces.repetition.MAX_CELLS", 100)
    with pytest.raises(UsageError, match="got 1 workloads and 168 periods"):
        whole(tmp_path, text, repeat_hours=168.0)


def test_the_command_line_writes_an_instance_that_can_be_solved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = trace(tmp_path, AZURE), tmp_path / "out"
    options = ["--pools-from", str(TINY / "demand"), "--like", "chat", "--repeat", "6"]
    assert call(["import-trace", str(path), "--out", str(out), *options, "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["copies"] == 6.0  # 43 minutes
    assert found["periods"] == 6
    assert found["requests"] == 18
    assert any("capacity and prices of" in note for note in found["notes"])
    assert optimizer.solve(optimizer.read(out)).verified
    assert call(["import-trace", str(path), "--out", str(tmp_path / "b"), "--repeat", "2"]) == 0
    assert "at scale 1, 2 copies; 0 of 3 lines bad" in capsys.readouterr().out
    assert call(["import-trace", str(path), "--out", str(tmp_path / "c"), "--repeat", "-3"]) == 2
    assert "expected a number >= 0, got -3" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()

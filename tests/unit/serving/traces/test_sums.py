"""Sums, spreads and burstiness against slow twins; the blocks of a file do not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.errors import InputError
from optimizer.serving.traces import blocks, grid
from optimizer.serving.traces.burstiness import burstiness
from optimizer.serving.traces.grid import Grid
from optimizer.serving.traces.moments import Moments
from tests.unit.serving.traces.made import whole

COLUMNS = {"time": "t", "input": "i", "output": "o", "model": "m"}


def random_trace(seed: int, rows: int) -> tuple[str, list[tuple[float, str, int, int]]]:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(20, rows))
    rows_ = [
        (
            round(float(time), 3),
            "ab"[rng.integers(2)],
            int(rng.integers(5000)),
            int(rng.integers(9)),
        )
        for time in times
    ]
    text = "t,m,i,o\n" + "".join(f"{t:.3f},{m},{i},{o}\n" for t, m, i, o in rows_)
    return text, rows_


@pytest.mark.parametrize("block_bytes", [64, 1000, 10**6])
def test_blocks_of_any_size_give_what_a_loop_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    text, rows = random_trace(3, 700)
    found = whole(tmp_path, text, columns=COLUMNS, span_seconds=60.0)
    for model in "ab":
        row = found.workloads.workload.index(model)
        own = [entry for entry in rows if entry[1] == model]
        demand: dict[int, int] = {}
        for time, _, tokens_in, tokens_out in own:
            hour = int(time // 3600)
            demand[hour] = demand.get(hour, 0) + tokens_in + tokens_out
        expected = [demand.get(hour, 0) / 1e6 for hour in range(found.demand_mtok.shape[1])]
        assert found.demand_mtok[row].tolist() == expected
        inputs = np.array([entry[2] for entry in own])
        assert found.workloads.input_tokens_cv[row] == pytest.approx(
            inputs.std() / inputs.mean(), rel=1e-5
        )
        assert found.workloads.burstiness[row] == pytest.approx(
            slow_burstiness([entry[0] for entry in own], rows[0][0], rows[-1][0], 60, 3600),
            rel=1e-5,
        )


def slow_burstiness(times: list[float], first: float, last: float, span: int, period: int) -> float:
    """The formula of the docstring, a span at a time."""
    above, below = 0.0, 0.0
    for begin in range(0, int(last) + period, period):
        counts = [
            sum(low <= time < low + span for time in times)
            for low in range(begin, begin + period, span)
            if low >= first and low + span <= last
        ]
        if len(counts) >= 2:
            above += len(counts) * np.var(counts, ddof=1)
            below += len(counts) * np.mean(counts)
    return float(above / below)


def counted(times: NDArray[np.float64], periods: int) -> NDArray[np.int64]:
    """(1, periods, 60) requests in spans of a minute."""
    return np.histogram(times, periods * 60, (0, periods * 3600))[0].reshape(1, periods, 60)


def poisson(rng: np.random.Generator, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times of a Poisson process with a rate for each hour."""
    return np.concatenate(
        [3600 * (hour + rng.random(rng.poisson(rate))) for hour, rate in enumerate(rates)]
    )


def test_independent_arrivals_have_burstiness_one_whatever_the_trend_of_the_hours() -> None:
    rng = np.random.default_rng(0)
    rates = 1000 * (1.5 + np.sin(np.arange(168) / 24 * 2 * np.pi))
    times = poisson(rng, rates)
    seen = np.ones((168, 60), np.bool_)
    found = burstiness(counted(times, 168), seen)[0]
    # 168 x 59 degrees of freedom: standard error sqrt(2 / 9912) = 0.014.
    assert found == pytest.approx(1, abs=0.06)
    # Without taking the hours' means off the trend alone would give far more.
    all_spans = counted(times, 168).ravel()
    assert all_spans.var() / all_spans.mean() > 5


def test_requests_that_come_in_fives_have_burstiness_five() -> None:
    rng = np.random.default_rng(1)
    times = np.repeat(poisson(rng, np.full(100, 600.0)), 5)
    found = burstiness(counted(times, 100), np.ones((100, 60), np.bool_))[0]
    assert found == pytest.approx(5, abs=0.5)


def test_even_arrivals_have_burstiness_near_zero() -> None:
    times = np.arange(0, 10 * 3600, 10.0)
    assert burstiness(counted(times, 10), np.ones((10, 60), np.bool_))[0] == 0


def test_spans_that_the_trace_does_not_cover_do_not_count() -> None:
    counts = np.zeros((1, 2, 60), np.int64)
    counts[0, 0, 30:] = 4
    seen = np.zeros((2, 60), np.bool_)
    seen[0, 30:] = True
    assert burstiness(counts, seen)[0] == 0
    assert burstiness(counts, np.ones((2, 60), np.bool_))[0] > 1


def test_too_little_to_tell() -> None:
    counts = np.ones((1, 1, 9), np.int64)
    assert np.isnan(burstiness(counts, np.ones((1, 9), np.bool_))).all()
    few = np.zeros((1, 1, 60), np.int64)
    few[0, 0, :9] = 1
    assert np.isnan(burstiness(few, np.ones((1, 60), np.bool_))).all()


def test_moments_of_blocks_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(2)
    groups, values = rng.integers(0, 7, 5000), rng.lognormal(20, 0.01, 5000)
    moments = Moments()
    for part in np.array_split(np.arange(5000), 37):
        moments.add(groups[part], values[part])
    expected = [
        values[groups == group].std() / values[groups == group].mean() for group in range(7)
    ]
    assert moments.variation(8)[:7] == pytest.approx(expected, rel=1e-9)
    assert np.isnan(moments.variation(8)[7])


def test_grid_grows_both_ways() -> None:
    rng = np.random.default_rng(4)
    table = Grid(np.float64)
    expected = np.zeros((9, 200))
    for _ in range(50):
        rows, columns = rng.integers(0, 9, 5), rng.integers(-100, 100, 5)
        values = rng.integers(0, 9, 5).astype(np.float64)
        table.add(rows, columns, values)
        np.add.at(expected, (rows, columns + 100), values)
    assert (table.columns(-100, 100, 9) == expected).all()
    assert (table.columns(-200, -100, 12) == 0).all()
    assert (table.columns(-20, 20, 4) == expected[:4, 80:120]).all()


def test_a_trace_that_would_span_centuries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "MAX_CELLS", 100_000)
    text = "t,m,i,o\n0,a,1,1\n5000000000,a,1,1\n"
    with pytest.raises(InputError, match="a wrong date or time unit"):
        whole(tmp_path, text, columns=COLUMNS)

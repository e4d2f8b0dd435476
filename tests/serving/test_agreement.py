"""Predictions against the engine, request by request, where they are said to be trusted.

Mean TTFT and mean TPOT within 5 %, their 95th percentiles within 10 %, beside what the simulation
itself does not know: three standard errors over its runs. ``docs/serving-queue.md`` says how far
off predictions are in the other regions, and ``python -m benchmarks.queue`` measures it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.serving.queue import Predicted, attainment, mixed, predict, predict_classes
from tests.serving.draws import as_stations, roomy_setting, setting
from tests.serving.engine import Setting, lengths, simulate

Float = NDArray[np.float64]
TOLERANCES = {"ttft": 0.05, "ttft 95 %": 0.10, "tpot": 0.05, "tpot 95 %": 0.10}


@dataclass(frozen=True)
class Compared:
    """Relative errors of predictions, and the simulation's own; each (settings, figures)."""

    error: Float
    noise: Float
    trusted: NDArray[np.bool_]

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Where an error is more than the tolerance and three standard errors."""
        far: NDArray[np.bool_] = np.abs(self.error) > np.array([*TOLERANCES.values()]) + (
            3 * self.noise
        )
        return far


def compared(
    seeds: range, requests: int, runs: int, draw: Callable[[int], tuple[Setting, float]] = setting
) -> Compared:
    """Draw settings, simulate and predict them."""
    drawn = [draw(seed) for seed in seeds]
    stations = as_stations([one for one, _ in drawn])
    rate = np.array([part for _, part in drawn]) * stations.saturation
    seen = predict(stations, rate)
    figures = [
        [figures_of(one, rate[k], requests, 1000 * seed + run) for run in range(runs)]
        for k, (seed, (one, _)) in enumerate(zip(seeds, drawn, strict=True))
    ]
    truth = np.array(figures)
    mean = truth.mean(axis=1)
    noise = truth.std(axis=1, ddof=1) / np.sqrt(runs) / mean
    return Compared(columns(seen) / mean - 1, noise, seen.trusted)


def figures_of(one: Setting, per_second: float, requests: int, seed: int) -> list[float]:
    """The four figures of one run."""
    seen = simulate(one, per_second, requests, seed)
    late = float(np.percentile(seen.ttft_ms, 95))
    slow = float(np.nanpercentile(seen.tpot_ms, 95))
    return [float(seen.ttft_ms.mean()), late, seen.mean_tpot(), slow]


def columns(seen: Predicted) -> Float:
    """The four figures as predicted."""
    return np.column_stack(
        [seen.ttft_ms, seen.ttft_percentile_ms, seen.tpot_ms, seen.tpot_percentile_ms]
    )


def test_a_sample_of_settings() -> None:
    found = compared(range(5000, 5040), 60_000, 3)
    assert found.trusted.mean() > 0.35
    assert not found.outside[found.trusted].any()
    # Also where they are not trusted most are near.
    assert found.outside.any(axis=1).mean() < 0.2


def test_large_batches_with_much_prefill() -> None:
    found = compared(range(100, 112), 150_000, 2, roomy_setting)
    assert found.trusted.mean() > 0.6
    assert not found.outside[found.trusted].any()


@pytest.mark.slow
def test_many_large_batches_with_much_prefill() -> None:
    found = compared(range(200, 320), 200_000, 3, roomy_setting)
    assert found.trusted.mean() > 0.6
    assert (found.outside[found.trusted].mean(axis=0) <= 0.01).all()


@pytest.mark.slow
def test_many_settings() -> None:
    """300 settings; one in a hundred figures may be outside, and then not by much."""
    found = compared(range(6000, 6300), 200_000, 4)
    trusted = found.trusted
    assert trusted.sum() > 120
    assert (found.outside[trusted].mean(axis=0) <= 0.01).all()
    excess = np.abs(found.error) - 3 * found.noise
    assert (excess[trusted] <= 1.5 * np.array([*TOLERANCES.values()])).all()
    assert (found.outside.mean(axis=0) <= 0.08).all()


def test_means_of_trusted_stations_do_not_hang_on_the_family_of_lengths() -> None:
    """Gamma lengths instead of lognormal ones."""
    one = Setting(input_cv=0.7, output_cv=1.0, max_batch=24)
    stations = as_stations([one])
    rate = 0.6 * stations.saturation
    seen = predict(stations, rate)
    assert seen.trusted[0]
    runs = [simulate(one, rate[0], 200_000, seed, "gamma") for seed in range(3)]
    assert seen.ttft_ms[0] == pytest.approx(np.mean([r.ttft_ms.mean() for r in runs]), rel=0.05)
    assert seen.tpot_ms[0] == pytest.approx(np.mean([r.mean_tpot() for r in runs]), rel=0.05)
    late = np.mean([np.percentile(r.ttft_ms, 95) for r in runs])
    assert seen.ttft_percentile_ms[0] == pytest.approx(late, rel=0.1)


def test_attainment() -> None:
    """Part of simulated requests that keep both promises; ours takes them for independent."""
    one = Setting(max_batch=16, prefill_per_token_ms=0.03)
    stations = as_stations([one])
    rate = 0.75 * stations.saturation
    seen = simulate(one, rate[0], 400_000, 1)
    for ttft, tpot in ((60.0, np.nan), (np.nan, 14.5), (60.0, 15.0), (200.0, 16.0)):
        kept = np.ones(len(seen.ttft_ms), bool)
        kept &= True if np.isnan(ttft) else seen.ttft_ms <= ttft
        kept &= True if np.isnan(tpot) else ~(seen.tpot_ms > tpot)
        assert attainment(stations, rate, ttft, tpot)[0] == pytest.approx(kept.mean(), abs=0.1)


def test_a_room_to_wait_that_is_limited() -> None:
    """What is lost, and what the others see."""
    for room in (0, 3, 20):
        one = Setting(max_batch=8, prefill_per_token_ms=0.01, max_queue=room)
        stations = as_stations([one])
        for load in (0.7, 0.95, 1.3):
            rate = load * stations.saturation
            seen = predict(stations, rate)
            runs = [simulate(one, rate[0], 200_000, seed) for seed in range(2)]
            lost = np.mean([np.isnan(r.ttft_ms).mean() for r in runs])
            assert seen.lost[0] == pytest.approx(lost, abs=0.012)
            ttft = np.mean([np.nanmean(r.ttft_ms) for r in runs])
            assert seen.ttft_ms[0] == pytest.approx(ttft, rel=0.1)


def test_classes_that_share_a_station() -> None:
    """Two streams on one replica: each class has its own prefill in a common queue."""
    chat = Setting(
        input_tokens=200, output_tokens=120, max_batch=16, prefill_per_token_ms=0.03, input_cv=0.5
    )
    papers = Setting(
        input_tokens=1500, output_tokens=60, max_batch=16, prefill_per_token_ms=0.03, input_cv=0.5
    )
    streams = as_stations([chat, papers])
    rate = np.array([3.0, 1.5])
    group = mixed(streams, rate, [0, 0])
    assert len(group) == 1
    assert group.input_tokens[0] == pytest.approx((3 * 200 + 1.5 * 1500) / 4.5)
    seen = predict_classes(
        group, rate.sum(), [0, 0], streams.input_tokens, streams.input_cv, streams.output_tokens,
        streams.output_cv,
    )  # fmt: skip
    assert seen.trusted.all()
    runs = [both(chat, papers, rate, seed) for seed in range(3)]
    for k in range(2):
        ttft, late, tpot = np.mean([run[k] for run in runs], axis=0)
        assert seen.ttft_ms[k] == pytest.approx(ttft, rel=0.05)
        assert seen.ttft_percentile_ms[k] == pytest.approx(late, rel=0.10)
        assert seen.tpot_ms[k] == pytest.approx(tpot, rel=0.05)


def both(one: Setting, other: Setting, rate: Float, seed: int) -> list[list[float]]:
    """Figures of two streams through one engine."""
    from tests.serving.engine import _run

    rng = np.random.default_rng(seed)
    count = 300_000
    first = rng.random(count) < rate[0] / rate.sum()
    inputs = np.where(
        first,
        lengths(rng, one.input_tokens, one.input_cv, count),
        lengths(rng, other.input_tokens, other.input_cv, count),
    )
    outputs = np.where(
        first,
        lengths(rng, one.output_tokens, one.output_cv, count),
        lengths(rng, other.output_tokens, other.output_cv, count),
    )
    times = np.cumsum(rng.exponential(1e3 / rate.sum(), count))
    ttft, tpot, _ = _run(
        times, one.prefill_per_token_ms * inputs, outputs.astype(np.int64), one.prefill_base_ms,
        one.decode_base_ms, one.decode_per_seq_ms, one.max_batch, 1 << 60,
    )  # fmt: skip
    answer = []
    for mine in (first, ~first):
        steps = (outputs[mine] - 1).clip(0)
        spent = np.nansum(tpot[mine] * steps) / steps.sum()
        answer.append([ttft[mine].mean(), float(np.percentile(ttft[mine], 95)), float(spent)])
    return answer


def test_same_draws_same_figures() -> None:
    one, part = setting(3)
    rate = part * as_stations([one]).saturation[0]
    first, second = (simulate(one, rate, 20_000, 9) for _ in range(2))
    np.testing.assert_array_equal(first.ttft_ms, second.ttft_ms)

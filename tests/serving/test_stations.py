"""Wrong input is said with its field and place; odd stations give sensible numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.errors import UsageError
from optimizer.serving.queue import Stations, attainment, largest_rate, mixed, predict
from tests.serving.draws import as_stations, stations
from tests.serving.engine import Setting


def test_problems_are_reported_together() -> None:
    good = as_stations([Setting(), Setting()])
    with pytest.raises(UsageError) as caught:
        replace(
            good,
            max_batch=np.array([8.0, 2.5]),
            input_cv=np.array([-1.0, 0.0]),
        )
    text = str(caught.value)
    assert "max_batch: expected a whole number >= 1, got 2.5 (station 1)" in text
    assert "input_cv: expected a finite number >= 0, got -1 (station 0)" in text


@pytest.mark.parametrize("rate", [-1.0, np.nan, np.inf])
def test_rates_are_checked(rate: float) -> None:
    with pytest.raises(UsageError, match=r"requests_per_second: expected finite numbers >= 0"):
        predict(as_stations([Setting()]), rate)


def test_percentiles_are_checked() -> None:
    with pytest.raises(UsageError, match=r"percentile: expected numbers in \(0, 100\)"):
        largest_rate(as_stations([Setting()]), 100.0, 20.0, 100.0)


def test_streams_of_a_group_share_their_replica() -> None:
    streams = as_stations([Setting(), Setting(decode_base_ms=11.0)])
    with pytest.raises(UsageError, match="decode_base_ms: expected one value for all streams"):
        mixed(streams, 1.0, [0, 0])
    assert len(mixed(streams, 1.0, [0, 1])) == 2


def test_a_stream_split_in_two_is_the_stream() -> None:
    one = as_stations([Setting(input_cv=0.7, output_cv=1.2)])
    two = as_stations([Setting(input_cv=0.7, output_cv=1.2)] * 2)
    group = mixed(two, [1.0, 3.0], [0, 0])
    for name in ("max_batch", "input_tokens", "output_tokens", "input_cv", "output_cv"):
        np.testing.assert_allclose(getattr(group, name), getattr(one, name), rtol=1e-12)


def test_poisson_streams_together_are_poisson_to_the_last_digit() -> None:
    """Above 1 by rounding they would be bursts, which the queue takes for another kind."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(300), 7)
    both = mixed(as_stations([Setting()] * len(group)), rng.uniform(0.1, 9, len(group)), group)
    assert (both.burstiness == 1.0).all()


def test_batches_of_a_mixture_follow_its_memory() -> None:
    """Eight places of 100 tokens or two of 400: as many of both use half of it each."""
    streams = as_stations(
        [Setting(max_batch=8, output_tokens=100), Setting(max_batch=2, output_tokens=400)]
    )
    places = mixed(streams, [4.0, 1.0], [0, 0]).max_batch
    # Equal times in the batch: 1 / (1/2 / 8 + 1/2 / 2) = 3.2.
    np.testing.assert_array_equal(places, [3.0])


def test_nobody_comes() -> None:
    """A request alone: its own prefill, and decode steps by itself."""
    s = as_stations([Setting(), Setting(max_batch=1), Setting(prefill_base_ms=0.0)])
    seen = predict(s, 0.0)
    alone = s.prefill_base_ms + s.prefill_per_token_ms * s.input_tokens
    np.testing.assert_allclose(seen.ttft_ms, alone, rtol=1e-4)
    np.testing.assert_allclose(seen.tpot_ms, s.decode_base_ms + s.decode_per_seq_ms, rtol=1e-6)


def test_more_comes_than_can_leave() -> None:
    s = stations(7, 50)
    seen = predict(s, 1.2 * s.saturation)
    assert np.isinf(seen.ttft_ms).all()
    assert np.isinf(seen.ttft_percentile_ms).all()
    assert np.isfinite(seen.tpot_ms).all()
    assert not seen.trusted.any()
    assert (attainment(s, 1.2 * s.saturation, 1e6, np.nan) == 0).all()


@pytest.mark.parametrize("together", [False, True])
def test_a_single_token_and_no_input(together: bool) -> None:
    s = as_stations(
        [
            Setting(output_tokens=1.0, output_cv=0.0),
            Setting(input_tokens=0.0, prefill_base_ms=0.0),
        ],
        together,
    )
    seen = predict(s, 0.5 * s.saturation, 90.0)
    for values in (seen.ttft_ms, seen.ttft_percentile_ms, seen.tpot_ms, seen.tpot_percentile_ms):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    found = largest_rate(s, 1e5, 1e5)
    assert (found.requests_per_second > 0).all()


@pytest.mark.parametrize("together", [False, True])
def test_times_grow_with_the_rate(together: bool) -> None:
    """Where predictions are trusted; the others may fall a little, as the page says."""
    s = stations(8, 200, together)
    before = predict(s, 0.05 * s.saturation)
    for load in (0.2, 0.5, 0.8, 0.95):
        after = predict(s, load * s.saturation)
        for name in ("ttft_ms", "tpot_ms", "wait_ms", "running"):
            # Waits of no account may be lost to what is left out of the levels.
            least = getattr(before, name) * (1 - 2e-3) - 1e-6
            least = np.where(before.trusted & after.trusted | together, least, 0.0)
            assert (getattr(after, name) >= least).all(), name
        before = after


def test_scalars_hold_for_all() -> None:
    one = np.array(1.0)
    s = Stations(
        10 * one, 0.1 * one, one, 0.01 * one, np.array([4.0, 8.0]), 100 * one, 50 * one, one, one,
        one, np.inf * one, 0 * one,
    )  # fmt: skip
    assert len(s) == 2
    np.testing.assert_array_equal(s.decode_base_ms, [10.0, 10.0])
    with pytest.raises(ValueError, match="read-only"):
        s.max_batch[0] = 2.0

"""The rate found keeps the promise, and one per cent more breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.serving.queue import Stations, attainment, chosen, largest_rate, predict
from tests.serving.draws import stations

Float = NDArray[np.float64]
COUNT = 1500
CLOSE = 1 + 3e-6
"""Rates and percentiles are found to a part in a million."""


def promises(s: Stations, seed: int) -> tuple[Float, Float]:
    """Some that cannot be kept, some that are not given."""
    rng = np.random.default_rng(seed)
    ttft = s.prefill_base_ms + s.prefill_per_token_ms * s.input_tokens
    ttft *= np.exp(rng.uniform(-0.3, 3.0, len(s)))
    tpot = s.decode_base_ms + s.decode_per_seq_ms
    tpot = tpot * np.exp(rng.uniform(-0.1, 1.5, len(s)))
    ttft[rng.random(len(s)) < 0.2] = np.nan
    tpot[rng.random(len(s)) < 0.2] = np.nan
    return ttft, tpot


def kept(s: Stations, rate: Float, ttft: Float, tpot: Float, percentile: float) -> Float:
    """By how much the promise that is closest to it is kept, >= 1."""
    seen = predict(s, rate, percentile)
    mean = np.isnan(percentile)
    late = seen.ttft_ms if mean else seen.ttft_percentile_ms
    slow = seen.tpot_ms if mean else seen.tpot_percentile_ms
    return np.fmin(ttft / late, tpot / slow)  # NaN, no promise, gives way


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("percentile", [np.nan, 50.0, 95.0, 99.0])
@pytest.mark.parametrize("room", [np.inf, 40.0])
def test_it_is_the_largest(together: bool, percentile: float, room: float) -> None:
    s = stations(11, COUNT, together, room)
    ttft, tpot = promises(s, 12)
    found = largest_rate(s, ttft, tpot, percentile, highest_utilisation=0.95)
    rate, binding = found.requests_per_second, found.binding
    none = binding == "none possible"
    assert set(binding) == {"ttft", "tpot", "throughput", "none possible"}
    assert (rate[none] == 0).all()
    at = kept(s, rate, ttft, tpot, percentile)
    assert not (at[~none] * CLOSE < 1).any()
    more = kept(s, np.where(none, 1e-6 * s.saturation, 1.01 * rate), ttft, tpot, percentile)
    held = np.isin(binding, ("ttft", "tpot")) | none
    assert (more[held] < 1).all()
    np.testing.assert_allclose(rate[~held], 0.95 * s.saturation[~held], rtol=1e-12)
    assert (found.served_per_second <= rate).all()


@pytest.mark.parametrize("together", [False, True])
def test_what_binds_is_what_breaks(together: bool) -> None:
    s = stations(21, COUNT, together)
    ttft, tpot = promises(s, 22)
    found = largest_rate(s, ttft, tpot, 90.0)
    for name, first, second in (("ttft", ttft, np.nan), ("tpot", np.nan, tpot)):
        index = np.flatnonzero(found.binding == name)
        some = chosen(s, index)
        alone = largest_rate(
            some, *(p if np.ndim(p) == 0 else p[index] for p in (first, second)), 90.0
        )
        np.testing.assert_allclose(
            alone.requests_per_second, found.requests_per_second[index], rtol=3e-6
        )


def test_attainment_is_the_percentile_turned_round() -> None:
    s = stations(31, 400)
    rate = 0.7 * s.saturation
    for percentile in (50.0, 90.0, 99.0):
        seen = predict(s, rate, percentile)
        for ttft, tpot in (
            (seen.ttft_percentile_ms, np.nan),
            (np.nan, seen.tpot_percentile_ms),
        ):
            part = attainment(s, rate, ttft, tpot)
            longer = attainment(s, rate, np.multiply(ttft, 1.001), np.multiply(tpot, 1.001))
            shorter = attainment(s, rate, np.multiply(ttft, 0.999), np.multiply(tpot, 0.999))
            assert (shorter - 1e-12 <= part).all()
            assert (part <= longer + 1e-12).all()
            # Where times have atoms, as with lengths all alike, parts jump over the percentile.
            assert (longer >= percentile / 100 - 1e-9).all()
            assert (shorter <= percentile / 100 + 1e-9).all()


def test_same_numbers_whoever_stands_beside() -> None:
    s = stations(41, 2500)
    ttft, tpot = promises(s, 42)
    whole = largest_rate(s, ttft, tpot, 95.0).requests_per_second
    index = np.random.default_rng(1).permutation(len(s))[:100]
    some = largest_rate(chosen(s, index), ttft[index], tpot[index], 95.0).requests_per_second
    np.testing.assert_array_equal(some, whole[index])

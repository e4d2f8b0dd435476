"""Rates of a replica by a bound alone: as many at a time as the time per token allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Stations:
    """(n,) servers and the requests they get."""

    decode_base_ms: Float
    decode_per_seq_ms: Float
    prefill_base_ms: Float
    prefill_per_token_ms: Float
    max_batch: Float
    input_tokens: Float
    output_tokens: Float
    input_cv: Float
    output_cv: Float
    burstiness: Float
    max_queue: Float
    together: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Largest:
    """(n,) largest rate."""

    requests_per_second: Float
    binding: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Predicted:
    """(n,) predicted times."""

    ttft_ms: Float
    ttft_percentile_ms: Float
    tpot_ms: Float
    tpot_percentile_ms: Float
    wait_ms: Float
    utilisation: Float
    running: Float
    lost: Float
    trusted: NDArray[np.bool_]


def largest_rate(stations: Stations, ttft_ms: Float, tpot_ms: Float, percentile: Float) -> Largest:
    """Bound the rate."""
    s = stations
    step = np.where(
        s.decode_per_seq_ms > 0, (tpot_ms - s.decode_base_ms) / s.decode_per_seq_ms, 9e9
    )
    n = np.fmin(s.max_batch, step)
    pre = s.prefill_base_ms + s.prefill_per_token_ms * s.input_tokens
    ok = (n >= 1) & ~(pre > ttft_ms)
    t = pre * n + (s.output_tokens - 1) * (s.decode_base_ms + s.decode_per_seq_ms * n)
    return Largest(np.where(ok, 0.95 * 1e3 * n / t, 0.0), np.zeros(len(n), np.int8))


def predict(stations: Stations, requests_per_second: Float, percentile: Float) -> Predicted:
    """Times of an empty server."""
    s = stations
    pre = s.prefill_base_ms + s.prefill_per_token_ms * s.input_tokens
    tpot = s.decode_base_ms + s.decode_per_seq_ms
    zero = np.zeros(len(pre))
    return Predicted(pre, pre, tpot, tpot, zero, zero, zero, zero, np.ones(len(pre), np.bool_))

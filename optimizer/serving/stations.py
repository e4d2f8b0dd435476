"""Stations: replicas under their streams of requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.errors import UsageError

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Stations:
    """Replicas under their streams; each field (K,) float64, or one number for all.

    Attributes
    ----------
    decode_base_ms, decode_per_seq_ms : a decode step of n running requests takes
        ``decode_base_ms + decode_per_seq_ms * n``; the base is > 0.
    prefill_base_ms, prefill_per_token_ms : a prefill of some tokens takes
        ``prefill_base_ms + prefill_per_token_ms * tokens``.
    max_batch : most requests running, whole, >= 1.
    input_tokens : mean of the tokens that are prefilled (those cached are not), >= 0.
    output_tokens : mean tokens put out, >= 1.
    input_cv, output_cv : coefficients of variation of these lengths over requests.
    burstiness : variance over mean of the number of arrivals; 1 is Poisson.
    max_queue : requests that may wait, infinity for any number.
    together : 1 (or True) for the textbook queue whose service slows down with the number served,
        0 for iteration-level batching.
    """

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
    together: Float

    def __post_init__(self) -> None:
        """Broadcast, check, and make read-only."""
        names = [field.name for field in fields(self)]
        given = [np.asarray(getattr(self, name), dtype=np.float64) for name in names]
        length = max((array.size for array in given if array.ndim), default=1)
        problems = []
        for name, array in zip(names, given, strict=True):
            if array.ndim > 1 or (array.ndim == 1 and array.size not in (1, length)):
                problems.append(f"{name}: expected one number or {length}, got {array.shape}")
                continue
            whole = np.broadcast_to(array, (length,)).copy()
            bad = ~_RULES[name][0](whole)
            if bad.any():
                place = int(np.flatnonzero(bad)[0])
                problems.append(
                    f"{name}: expected {_RULES[name][1]}, got {whole[place]:g} (station {place})"
                )
            whole.flags.writeable = False
            object.__setattr__(self, name, whole)
        if problems:
            raise UsageError("; ".join(problems))

    def __len__(self) -> int:
        """K."""
        return len(self.max_batch)

    @property
    def saturation(self) -> Float:
        """Requests per second that leave a batch that is always full, (K,)."""
        from optimizer.kernels.batch_queue import limits

        answer = np.empty(len(self))
        limits(table_of(self), answer)
        return answer


def _at_least(least: float) -> Callable[[Float], NDArray[np.bool_]]:
    return lambda values: np.isfinite(values) & (values >= least)


_LENGTH = (_at_least(0.0), "a finite number >= 0")
_RULES: dict[str, tuple[Callable[[Float], NDArray[np.bool_]], str]] = {
    "decode_base_ms": (lambda v: np.isfinite(v) & (v > 0), "a finite number > 0"),
    "decode_per_seq_ms": _LENGTH,
    "prefill_base_ms": _LENGTH,
    "prefill_per_token_ms": _LENGTH,
    "max_batch": (lambda v: np.isfinite(v) & (v >= 1) & (v == np.floor(v)), "a whole number >= 1"),
    "input_tokens": _LENGTH,
    "output_tokens": (_at_least(1.0), "a finite number >= 1"),
    "input_cv": _LENGTH,
    "output_cv": _LENGTH,
    "burstiness": (lambda v: np.isfinite(v) & (v > 0), "a finite number > 0"),
    "max_queue": (lambda v: (v >= 0) & ((v == np.floor(v)) | np.isinf(v)), "a whole number >= 0"),
    "together": (lambda v: (v == 0) | (v == 1), "0 or 1"),
}


def chosen(stations: Stations, index: ArrayLike) -> Stations:
    """Some of the stations, in the order of ``index``."""
    return replace(
        stations, **{f.name: getattr(stations, f.name)[np.asarray(index)] for f in fields(stations)}
    )


def table_of(stations: Stations) -> Float:
    """One row per station, columns as the kernels number them."""
    return np.column_stack([getattr(stations, field.name) for field in fields(stations)])


def whole(values: ArrayLike, count: int, name: str) -> Float:
    """Numbers for each of ``count`` stations, (K,), from these or from one for all."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim > 1 or array.size not in (1, count):
        raise UsageError(f"{name}: expected one number or {count}, got {array.shape}")
    return np.ascontiguousarray(np.broadcast_to(array.reshape(-1), (count,)))


def rates(values: ArrayLike, count: int) -> Float:
    """Rates of ``count`` stations, (K,), checked."""
    rate = whole(values, count, "requests_per_second")
    if not (np.isfinite(rate) & (rate >= 0.0)).all():
        raise UsageError("requests_per_second: expected finite numbers >= 0")
    return rate

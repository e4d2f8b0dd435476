"""The queue of a replica: what its requests see, and the largest rate that keeps a promise.

A station is one replica under one stream of requests. What the engine does and where the formulas
come from stands in ``docs/serving-queue.md`` and in the kernels. Stations are arrays, K of them;
single numbers hold for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.errors import UsageError
from optimizer.kernels.blocks import over_blocks
from optimizer.serving.trusted import trusted

Float = NDArray[np.float64]

HIGHEST_UTILISATION = 0.98
"""Part of saturation that a rate is at most when no promise holds it down: beyond, the queue is
long whatever the promise, and small errors of the profile decide over it."""

BLOCK = 1024
"""Stations that a thread takes at a time."""

BINDING = ("ttft", "tpot", "throughput", "none possible")
"""What holds a rate down, as the kernel numbers it."""


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
        limits(_table(self), answer)
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


@dataclass(frozen=True)
class Predicted:
    """What requests see; each field (K,).

    Attributes
    ----------
    ttft_ms, ttft_percentile_ms : time to the first token, mean and percentile over requests.
    tpot_ms, tpot_percentile_ms : time per token after the first: mean over tokens; percentile
        over requests of the mean of each.
    wait_ms : mean time until there is a place in the batch, part of TTFT.
    utilisation : rate by saturation.
    running : mean number of requests decoding (``together``: served).
    lost : part of the arrivals that finds no room to wait.
    within : part of them that keeps both promises, taken for independent, which is a little less
        than the truth: who waited long came when the batch was full. Those lost keep none.
    trusted : whether the settings are among those in which the formulas were found to hold.
    """

    ttft_ms: Float
    ttft_percentile_ms: Float
    tpot_ms: Float
    tpot_percentile_ms: Float
    wait_ms: Float
    utilisation: Float
    running: Float
    lost: Float
    within: Float
    trusted: NDArray[np.bool_]


@dataclass(frozen=True)
class Largest:
    """Largest rates that keep promises; each field (K,).

    Attributes
    ----------
    requests_per_second : of arrivals; 0 where even a request alone breaks a promise.
    binding : what holds it down: ttft | tpot | throughput | none possible.
    lost : part of these arrivals that finds no room to wait, 0 without ``max_queue``.
    """

    requests_per_second: Float
    binding: NDArray[np.str_]
    lost: Float

    @property
    def served_per_second(self) -> Float:
        """Requests per second that are accepted at that rate, (K,)."""
        served: Float = self.requests_per_second * (1.0 - self.lost)
        return served


def predict(
    stations: Stations, requests_per_second: ArrayLike, percentile: ArrayLike = 95.0
) -> Predicted:
    """What requests see at given rates.

    Parameters
    ----------
    requests_per_second : (K,) or one number, >= 0.
    percentile : (K,) or one number, in (0, 100); NaN gives no percentiles.
    """
    count = len(stations)
    return predict_classes(
        stations,
        requests_per_second,
        np.arange(count),
        stations.input_tokens,
        stations.input_cv,
        stations.output_tokens,
        stations.output_cv,
        percentile,
    )


def predict_classes(
    groups: Stations,
    group_requests_per_second: ArrayLike,
    group_of_class: ArrayLike,
    input_tokens: ArrayLike,
    input_cv: ArrayLike,
    output_tokens: ArrayLike,
    output_cv: ArrayLike,
    percentile: ArrayLike = 95.0,
    ttft_ms: ArrayLike = np.nan,
    tpot_ms: ArrayLike = np.nan,
) -> Predicted:
    """What classes of requests see that share stations, each with its own lengths.

    Parameters
    ----------
    groups : (G) stations under all that comes to them, as :func:`mixed` gives them.
    group_requests_per_second : (G,) all that comes.
    group_of_class : (K,) the station of each class.
    input_tokens, input_cv, output_tokens, output_cv : (K,) lengths of each class.
    percentile : (K,) or one number, in (0, 100); NaN gives no percentiles.
    ttft_ms, tpot_ms : (K,) or one number: promises, NaN for none.
    """
    from optimizer.kernels.batch_queue import predictions

    group = np.ascontiguousarray(group_of_class, dtype=np.int64)
    count = len(group)
    rate = _rates(group_requests_per_second, len(groups))
    part = _parts(percentile, count)
    own = _own(count, input_tokens, input_cv, output_tokens, output_cv)
    ttft, tpot = _whole(ttft_ms, count, "ttft_ms"), _whole(tpot_ms, count, "tpot_ms")
    table, answer = _table(groups), np.empty((count, 10))
    _blocks(
        lambda i, j: predictions(table, rate, part, group, own, ttft, tpot, i, j, answer), count
    )
    load = answer[:, 5]
    return Predicted(
        ttft_ms=answer[:, 0],
        ttft_percentile_ms=answer[:, 1],
        tpot_ms=answer[:, 2],
        tpot_percentile_ms=answer[:, 3],
        wait_ms=answer[:, 4],
        utilisation=load,
        running=answer[:, 6],
        lost=answer[:, 7],
        within=answer[:, 9],
        trusted=trusted(groups, rate, group, part, answer),
    )


def largest_rate(
    stations: Stations,
    ttft_ms: ArrayLike,
    tpot_ms: ArrayLike,
    percentile: ArrayLike = np.nan,
    highest_utilisation: float = HIGHEST_UTILISATION,
) -> Largest:
    """The largest rates that keep the promises.

    Parameters
    ----------
    ttft_ms, tpot_ms : (K,) or one number; NaN for no promise. The network's round trip is taken
        off the first by the caller.
    percentile : (K,) or one number, in (0, 100), of requests that must keep each of them; NaN for
        the mean.
    highest_utilisation : part of saturation that no rate is above, in (0, 1).
    """
    from optimizer.kernels.batch_queue import largest_rates

    if not 0.0 < highest_utilisation < 1.0:
        raise UsageError(f"highest_utilisation: expected 0 ... 1, got {highest_utilisation}")
    count = len(stations)
    ttft, tpot = _whole(ttft_ms, count, "ttft_ms"), _whole(tpot_ms, count, "tpot_ms")
    part, table, own = _parts(percentile, count), _table(stations), _lengths(stations)
    rate, lost, binding = np.empty(count), np.empty(count), np.empty(count, np.int64)
    _blocks(
        lambda i, j: largest_rates(
            table, ttft, tpot, part, highest_utilisation, own, i, j, rate, binding, lost
        ),
        count,
    )
    return Largest(rate, np.array(BINDING)[binding], lost)


def attainment(
    stations: Stations, requests_per_second: ArrayLike, ttft_ms: ArrayLike, tpot_ms: ArrayLike
) -> Float:
    """Part of the requests that keep both promises, (K,); those lost keep none.

    The two are taken for independent, which is a little less than the truth: a request that
    waited long came when the batch was full.
    """
    own = stations
    return predict_classes(
        stations,
        requests_per_second,
        np.arange(len(stations)),
        own.input_tokens,
        own.input_cv,
        own.output_tokens,
        own.output_cv,
        np.nan,
        ttft_ms,
        tpot_ms,
    ).within


def mixed(stations: Stations, requests_per_second: ArrayLike, group: ArrayLike) -> Stations:
    """Several streams on one replica as one stream, (G) stations.

    Lengths have the moments of the mixture by requests. The batch holds what its memory does: a
    running request of stream i takes one part in ``max_batch`` of i, and streams run in proportion
    to requests times output tokens. Dispersions of independent streams add by rate.

    Parameters
    ----------
    requests_per_second : (K,) of each stream; where a group has none its streams count alike.
    group : (K,) number of the group of each stream, 0 ... G - 1, each with a stream.

    Raises
    ------
    UsageError : streams of a group differ in their replica.
    """
    count = len(stations)
    rate, groups = _rates(requests_per_second, count), np.asarray(group, dtype=np.int64)
    sizes = np.bincount(groups)
    if groups.shape != (count,) or (sizes == 0).any():
        raise UsageError("group: expected one number of 0 ... G - 1 for each stream, none left out")
    first = np.full(len(sizes), count)
    np.minimum.at(first, groups, np.arange(count))
    for name in (*_REPLICA, "max_queue", "together"):
        values = getattr(stations, name)
        if (values != values[first][groups]).any():
            raise UsageError(f"{name}: expected one value for all streams of a group")

    def summed(values: Float) -> Float:
        total: Float = np.bincount(groups, weights=values, minlength=len(sizes)).astype(np.float64)
        return total

    none = summed(rate)[groups] == 0.0
    weight = np.where(none, 1.0, rate)
    weight /= summed(weight)[groups]

    def moments(mean: Float, cv: Float) -> tuple[Float, Float]:
        whole, square = summed(weight * mean), summed(weight * mean**2 * (1.0 + cv**2))
        variance = np.maximum(square - whole**2, 0.0)
        return whole, np.sqrt(variance) / np.where(whole > 0.0, whole, 1.0)

    inputs, input_cv = moments(stations.input_tokens, stations.input_cv)
    outputs, output_cv = moments(stations.output_tokens, stations.output_cv)
    held = weight * stations.output_tokens
    places = summed(held) / summed(held / stations.max_batch)
    return replace(
        chosen(stations, first),
        max_batch=np.maximum(np.floor(places * (1.0 + 1e-12)), 1.0),
        input_tokens=inputs,
        output_tokens=outputs,
        input_cv=input_cv,
        output_cv=output_cv,
        burstiness=summed(weight * stations.burstiness),
    )


_REPLICA = ("decode_base_ms", "decode_per_seq_ms", "prefill_base_ms", "prefill_per_token_ms")


def chosen(stations: Stations, index: ArrayLike) -> Stations:
    """Some of the stations, in the order of ``index``."""
    return replace(
        stations, **{f.name: getattr(stations, f.name)[np.asarray(index)] for f in fields(stations)}
    )


def _table(stations: Stations) -> Float:
    """One row per station, columns as the kernels number them."""
    return np.column_stack([getattr(stations, field.name) for field in fields(stations)])


def _lengths(stations: Stations) -> Float:
    return _own(
        len(stations), stations.input_tokens, stations.input_cv, stations.output_tokens,
        stations.output_cv,
    )  # fmt: skip


def _own(count: int, *columns: ArrayLike) -> Float:
    return np.column_stack([_whole(column, count, "lengths") for column in columns])


def _whole(values: ArrayLike, count: int, name: str) -> Float:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim > 1 or array.size not in (1, count):
        raise UsageError(f"{name}: expected one number or {count}, got {array.shape}")
    return np.ascontiguousarray(np.broadcast_to(array.reshape(-1), (count,)))


def _rates(values: ArrayLike, count: int) -> Float:
    rate = _whole(values, count, "requests_per_second")
    if not (np.isfinite(rate) & (rate >= 0.0)).all():
        raise UsageError("requests_per_second: expected finite numbers >= 0")
    return rate


def _parts(percentile: ArrayLike, count: int) -> Float:
    part = _whole(percentile, count, "percentile") / 100.0
    if ((part <= 0.0) | (part >= 1.0)).any():
        raise UsageError("percentile: expected numbers in (0, 100), or NaN")
    return part


def _blocks(work: Callable[[int, int], None], count: int) -> None:
    """Threads take stations a block at a time; each station is by itself, in any order."""
    for _ in over_blocks(work, [(i, min(i + BLOCK, count)) for i in range(0, count, BLOCK)]):
        pass

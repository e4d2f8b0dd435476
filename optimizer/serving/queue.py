"""The queue of a replica: what its requests see, and the largest rate that keeps a promise.

A station is one replica under one stream of requests. What the engine does and where the formulas
come from stands in ``docs/serving-queue.md`` and in the kernels. Stations are arrays, K of them;
single numbers hold for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.errors import UsageError
from optimizer.kernels.blocks import over_blocks
from optimizer.serving.mixture import mixed
from optimizer.serving.stations import Stations, chosen, rates, table_of, whole
from optimizer.serving.trusted import trusted

Float = NDArray[np.float64]

__all__ = [
    "Largest",
    "Predicted",
    "Stations",
    "attainment",
    "chosen",
    "largest_rate",
    "mixed",
    "predict",
    "predict_classes",
]

HIGHEST_UTILISATION = 0.98
"""Part of saturation that a rate is at most when no promise holds it down: beyond, the queue is
long whatever the promise, and small errors of the profile decide over it."""

BLOCK = 1024
"""Stations that a thread takes at a time."""

BINDING = ("ttft", "tpot", "throughput", "none possible")
"""What holds a rate down, as the kernel numbers it."""


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
    rate = rates(group_requests_per_second, len(groups))
    part = _parts(percentile, count)
    own = _own(count, input_tokens, input_cv, output_tokens, output_cv)
    ttft, tpot = whole(ttft_ms, count, "ttft_ms"), whole(tpot_ms, count, "tpot_ms")
    table, answer = table_of(groups), np.empty((count, 10))
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
    from optimizer.kernels.batch_inversion import largest_rates

    if not 0.0 < highest_utilisation < 1.0:
        raise UsageError(f"highest_utilisation: expected 0 ... 1, got {highest_utilisation}")
    count = len(stations)
    ttft, tpot = whole(ttft_ms, count, "ttft_ms"), whole(tpot_ms, count, "tpot_ms")
    part, table, own = _parts(percentile, count), table_of(stations), _lengths(stations)
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


def _lengths(stations: Stations) -> Float:
    return _own(
        len(stations), stations.input_tokens, stations.input_cv, stations.output_tokens,
        stations.output_cv,
    )  # fmt: skip


def _own(count: int, *columns: ArrayLike) -> Float:
    return np.column_stack([whole(column, count, "lengths") for column in columns])


def _parts(percentile: ArrayLike, count: int) -> Float:
    part = whole(percentile, count, "percentile") / 100.0
    if ((part <= 0.0) | (part >= 1.0)).any():
        raise UsageError("percentile: expected numbers in (0, 100), or NaN")
    return part


def _blocks(work: Callable[[int, int], None], count: int) -> None:
    """Threads take stations a block at a time; each station is by itself, in any order."""
    for _ in over_blocks(work, [(i, min(i + BLOCK, count)) for i in range(0, count, BLOCK)]):
        pass

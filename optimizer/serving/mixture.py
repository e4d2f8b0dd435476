"""Several streams on one replica as one stream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.errors import UsageError
from optimizer.serving.stations import Stations, chosen, rates

Float = NDArray[np.float64]

_REPLICA = ("decode_base_ms", "decode_per_seq_ms", "prefill_base_ms", "prefill_per_token_ms")


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
    rate, groups = rates(requests_per_second, count), np.asarray(group, dtype=np.int64)
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
    # Weights add up to 1 but for rounding, and the queue takes what is above 1 for bursts.
    least, most = np.full(len(sizes), np.inf), np.zeros(len(sizes))
    np.minimum.at(least, groups, stations.burstiness)
    np.maximum.at(most, groups, stations.burstiness)
    burstiness = np.clip(summed(weight * stations.burstiness), least, most)
    held = weight * stations.output_tokens
    places = summed(held) / summed(held / stations.max_batch)
    return replace(
        chosen(stations, first),
        max_batch=np.maximum(np.floor(places * (1.0 + 1e-12)), 1.0),
        input_tokens=inputs,
        output_tokens=outputs,
        input_cv=input_cv,
        output_cv=output_cv,
        burstiness=burstiness,
    )

"""How much more or less than planned a route may deliver, by the range of its profile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.serving import flags as flag
from optimizer.serving.derivation import Delivery
from optimizer.serving.efficiency import Level
from optimizer.serving.profiles import ways
from optimizer.serving.queue import largest_rate
from optimizer.serving.rates import first_token_ms

Float = NDArray[np.float64]
Int = NDArray[np.int64]
LEVELS: tuple[Level, Level] = ("low", "high")


def throughput_range(instance: Instance, delivery: Delivery, rows: Int) -> tuple[Float, Float]:
    """Least and most throughput thought possible of some derived routes.

    A profile's own range, times what the range of efficiencies makes of an estimate: its rate is
    searched again at the low and at the high end, under the same promise. At a low end that does
    not reach the promise it is 0.

    Parameters
    ----------
    instance : with the derived routes.
    rows : (n,) rows of the route table.

    Returns
    -------
    low, high : (n,) as a part of the planned throughput.
    """
    profiles, people = instance.profiles, instance.workloads
    profile = delivery.profile[rows].astype(np.int64)
    low, high = profiles.throughput_low[profile].copy(), profiles.throughput_high[profile].copy()
    guessed = np.flatnonzero(delivery.flags[rows] & flag.ESTIMATED)
    if len(guessed) == 0:
        return low, high
    at = rows[guessed]
    workload = instance.routes.workload[at].astype(np.int64)
    ttft = first_token_ms(instance, workload, delivery.round_trip_ms[at])
    for end, level in zip((low, high), LEVELS, strict=True):
        way = ways(instance, profile[guessed], workload, level)
        rate = largest_rate(
            way.stations(np.arange(len(at))),
            ttft,
            people.tpot_ms[workload],
            people.slo_percentile[workload],
        ).served_per_second
        end[guessed] *= rate / delivery.requests_per_second[at]
    return np.minimum(low, 1.0), np.maximum(high, 1.0)

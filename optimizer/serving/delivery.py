"""What replicas deliver on the routes that were chosen: predicted times and the range of rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.serving import flags as flag
from optimizer.serving.answers import Answers, first_token_ms
from optimizer.serving.asks import Trials
from optimizer.serving.derivation import Delivery
from optimizer.serving.efficiency import Level
from optimizer.serving.profiles import ways
from optimizer.serving.queue import largest_rate, predict

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def delivery(
    instance: Instance, round_trip_ms: Float, trial: Int, tried: Trials, answered: Answers
) -> Delivery:
    """Predict times and ranges, once per trial that is used.

    Parameters
    ----------
    round_trip_ms, trial : (R,) of the routes.
    """
    used, back = np.unique(trial, return_inverse=True)
    back = back.reshape(-1)
    people, profiles = instance.workloads, instance.profiles
    workload, profile = tried.workload[used], tried.profile[used]
    rate, by_table = answered.requests_per_second[used], answered.by_table[used]
    percentile = people.slo_percentile[workload]
    ttft, tpot = answered.table.ttft_ms[used], answered.table.tpot_ms[used]
    ttft_tail, tpot_tail, utilisation = (np.full(len(used), np.nan) for _ in range(3))
    flags = answered.flags[used]
    at = np.flatnonzero(~by_table)
    arrivals = answered.arrivals_per_second[used[at]]
    told = predict(answered.ways.stations(used[at]), arrivals, percentile[at])
    ttft[at], tpot[at], utilisation[at] = told.ttft_ms, told.tpot_ms, told.utilisation
    tailed = ~np.isnan(percentile[at])
    ttft_tail[at] = np.where(tailed, told.ttft_percentile_ms, np.nan)
    tpot_tail[at] = np.where(tailed, told.tpot_percentile_ms, np.nan)
    flags[at[~told.trusted]] |= flag.UNTRUSTED
    low, high = _range(instance, used, tried, answered)
    return Delivery(
        profile=profile[back].astype(np.int32),
        requests_per_second=rate[back],
        throughput_low=(low * profiles.throughput_low[profile])[back],
        throughput_high=(high * profiles.throughput_high[profile])[back],
        ttft_ms=ttft[back] + round_trip_ms,
        ttft_percentile_ms=ttft_tail[back] + round_trip_ms,
        tpot_ms=tpot[back],
        tpot_percentile_ms=tpot_tail[back],
        round_trip_ms=round_trip_ms,
        utilisation=utilisation[back],
        binding=tuple(answered.binding[used][back].tolist()),
        flags=flags[back],
    )


def _range(instance: Instance, used: Int, tried: Trials, answered: Answers) -> tuple[Float, Float]:
    """(n,) least and most rate by the range of efficiencies, as a part of the one planned for.

    Given times have no such range; a low end at which the promise is out of reach is 0.
    """
    people = instance.workloads
    ends = [np.ones(len(used)), np.ones(len(used))]
    where = np.flatnonzero(answered.ways.estimated[used] & ~answered.by_table[used])
    if len(where) == 0:
        return ends[0], ends[1]
    rows = used[where]
    workload = tried.workload[rows]
    ttft = first_token_ms(instance, tried, rows)
    everything = np.arange(len(rows))
    levels: tuple[Level, Level] = ("low", "high")
    for end, level in zip(ends, levels, strict=True):
        way = ways(instance, tried.profile[rows], workload, level)
        rate = largest_rate(
            way.stations(everything),
            ttft,
            people.tpot_ms[workload],
            people.slo_percentile[workload],
        ).served_per_second
        end[where] = rate / answered.requests_per_second[rows]
    return np.minimum(ends[0], 1.0), np.maximum(ends[1], 1.0)

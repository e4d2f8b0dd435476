"""What replicas deliver on the routes that were chosen: the times that are predicted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.serving import flags as flag
from optimizer.serving.answers import Answers
from optimizer.serving.asks import Trials
from optimizer.serving.derivation import Delivery
from optimizer.serving.queue import predict

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def delivery(
    instance: Instance, round_trip_ms: Float, trial: Int, tried: Trials, answered: Answers
) -> Delivery:
    """Predict times, once for all routes whose replicas and rates are alike.

    Parameters
    ----------
    round_trip_ms, trial : (R,) of the routes.
    """
    used, back = _alike(trial, tried, answered)
    people = instance.workloads
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
    return Delivery(
        profile=profile[back].astype(np.int32),
        requests_per_second=rate[back],
        ttft_ms=ttft[back] + round_trip_ms,
        ttft_percentile_ms=ttft_tail[back] + round_trip_ms,
        tpot_ms=tpot[back],
        tpot_percentile_ms=tpot_tail[back],
        round_trip_ms=round_trip_ms,
        utilisation=utilisation[back],
        binding=tuple(answered.binding[used][back].tolist()),
        flags=flags[back],
    )


def _alike(trial: Int, tried: Trials, answered: Answers) -> tuple[Int, Int]:
    """Trials that stand for those that differ in the round trip alone, and which one for each."""
    rates, rate = np.unique(answered.arrivals_per_second[trial], return_inverse=True)
    profiles = int(tried.profile.max(initial=0)) + 1
    key = (tried.kind[trial] * profiles + tried.profile[trial]) * max(len(rates), 1)
    _, first, back = np.unique(key + rate.reshape(-1), return_index=True, return_inverse=True)
    return trial[first], back.reshape(-1)

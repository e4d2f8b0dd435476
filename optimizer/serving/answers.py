"""What each way to run a model answers: the rate of a replica, or what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.instance.serving_rules import TIMES
from optimizer.serving import flags as flag
from optimizer.serving.asks import Trials
from optimizer.serving.derivation import Reason
from optimizer.serving.measured import Measured, measured
from optimizer.serving.profiles import Ways, ways
from optimizer.serving.queue import predict
from optimizer.serving.rates import best_rates

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

QUIET = 1e-9
"""Part of the rate of an empty server at which a queue shows the best times there are."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """(N,) one per trial.

    Attributes
    ----------
    reason : ROUTE, or what stands in the way.
    requests_per_second : largest rate that one replica serves, 0 where there is none.
    arrivals_per_second : what comes to it then; more than it serves where some are turned away.
    chip_hours_per_mtok : at that rate, infinite where there is none.
    best, limit : the best value that could be had and the one promised, NaN where none was missed.
    binding : promise that holds the rate down.
    flags, basis : what to know of it, and the weakest number that it rests on.
    table : measured rates, and which trials go by them.
    by_table : trials that go by measured rates.
    ways : times and lengths.
    """

    reason: NDArray[np.int8]
    requests_per_second: Float
    arrivals_per_second: Float
    chip_hours_per_mtok: Float
    best: Float
    limit: Float
    binding: NDArray[np.object_]
    flags: Int
    basis: Int
    table: Measured
    by_table: Bool
    ways: Ways


def answers(instance: Instance, found: Trials) -> Answers:
    """Find the rate of every trial."""
    people, profiles = instance.workloads, instance.profiles
    way = ways(instance, found.profile, found.workload)
    table = measured(instance, found.profile, found.workload)
    timed = ~np.logical_or.reduce([np.isnan(getattr(profiles, name)) for name in TIMES])
    outside = table.there & ~table.inside
    by_table = table.there & table.inside
    size = len(found.profile)
    reason = np.zeros(size, np.int8)
    reason[outside & ~timed[found.profile]] = Reason.BEYOND_TABLE
    reason[(reason == 0) & ~by_table & ~way.fits] = Reason.NO_MEMORY
    rate, best, limit = np.zeros(size), np.full(size, np.nan), np.full(size, np.nan)
    binding = np.full(size, "measured", object)
    flags = np.where(by_table, way.flags & flag.OF_THE_PROFILE, way.flags)
    flags |= np.where(outside, flag.BEYOND_TABLE, 0)
    _by_table(instance, found, table, by_table, (reason, rate, best, limit, flags))
    tokens = people.input_tokens[found.workload] + people.output_tokens[found.workload]
    chip_hours = profiles.chips_per_replica[found.profile] * (1e6 / tokens) / 3600
    with np.errstate(divide="ignore"):
        known = np.where(by_table & (reason == 0), chip_hours / rate, np.inf)
    asked = np.flatnonzero((reason == 0) & ~by_table)
    told = best_rates(instance, found, way, asked, chip_hours[asked], known)
    # Those that are turned away are not served.
    rate[asked], arrivals = told.served, rate.copy()
    arrivals[asked], binding[asked] = told.arrivals, told.binding
    reason[asked[~told.looked_at]] = Reason.DEARER
    failed = asked[told.looked_at & ~(told.served > 0)]
    if len(failed):
        reason[failed], best[failed], limit[failed] = _missed(instance, found, way, failed)
    with np.errstate(divide="ignore"):
        hours = chip_hours / rate
    return Answers(
        reason=reason,
        requests_per_second=rate,
        arrivals_per_second=arrivals,
        chip_hours_per_mtok=np.where(reason == Reason.ROUTE, hours, np.inf),
        best=best,
        limit=limit,
        binding=binding,
        flags=flags,
        basis=np.where(by_table, table.basis, way.basis),
        table=table,
        by_table=by_table,
        ways=way,
    )


def _by_table(
    instance: Instance,
    found: Trials,
    table: Measured,
    rows: Bool,
    out: tuple[NDArray[np.int8], Float, Float, Float, Int],
) -> None:
    """Fill in the trials that go by measured rates: these hold as they are, or not at all."""
    reason, rate, best, limit, flags = out
    people = instance.workloads
    rate[rows] = table.requests_per_second[rows]
    reason[rows & (rate == 0)] = Reason.NO_RATE
    checked = (
        (Reason.TTFT, people.ttft_ms, table.ttft_ms + found.round_trip_ms),
        (Reason.TPOT, people.tpot_ms, table.tpot_ms),
    )
    for code, promised, value in checked:
        promise = promised[found.workload]
        missed = rows & (value > promise) & (reason == 0)
        reason[missed], best[missed], limit[missed] = code, value[missed], promise[missed]
        flags |= np.where(rows & ~np.isnan(promise) & np.isnan(value), flag.UNCHECKED, 0)
        percentile = ~np.isnan(people.slo_percentile[found.workload])
        only_mean = rows & percentile & ~np.isnan(promise) & ~np.isnan(value)
        flags |= np.where(only_mean, flag.MEANS_ONLY, 0)
    rate[rows & (reason != 0)] = 0.0


def _missed(
    instance: Instance, found: Trials, way: Ways, rows: Int
) -> tuple[NDArray[np.int8], Float, Float]:
    """Which promise not even an empty replica keeps, the best it could do, and the promise."""
    people = instance.workloads
    workload = found.workload[rows]
    percentile = people.slo_percentile[workload]
    stations = way.stations(rows)
    alone_ms = stations.prefill_base_ms + stations.prefill_per_token_ms * stations.input_tokens
    alone_ms += stations.output_tokens * (stations.decode_base_ms + stations.decode_per_seq_ms)
    quiet = predict(stations, QUIET * 1e3 / np.maximum(alone_ms, 1e-9), percentile)
    mean = np.isnan(percentile)
    ttft = np.where(mean, quiet.ttft_ms, quiet.ttft_percentile_ms) + found.round_trip_ms[rows]
    tpot = np.where(mean, quiet.tpot_ms, quiet.tpot_percentile_ms)
    reason = np.full(len(rows), Reason.NO_RATE, np.int8)
    best, limit = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for code, promised, value in (
        (Reason.TTFT, people.ttft_ms[workload], ttft),
        (Reason.TPOT, people.tpot_ms[workload], tpot),
    ):
        missed = (reason == Reason.NO_RATE) & (value > promised)
        reason[missed], best[missed], limit[missed] = code, value[missed], promised[missed]
    return reason, best, limit


def nearest(count: int, found: Trials, answer: Answers) -> Int:
    """(count,) trial that each question is decided by, -1 where it was put to none.

    That with the fewest chip-hours; where none can, the one that came nearest: a promise missed
    by least before lengths that were not measured before memory.
    """
    with np.errstate(invalid="ignore"):
        shortfall = np.nan_to_num(answer.best / answer.limit, nan=np.inf)
    can = answer.reason == Reason.ROUTE
    rank = np.where(answer.reason == Reason.NO_MEMORY, 3, 2)
    rank[answer.reason >= Reason.TTFT] = 1
    order = np.lexsort(
        (
            found.profile,
            np.where(can, answer.chip_hours_per_mtok, shortfall),
            np.where(can, 0, rank),
            found.ask,
        )
    )
    first = np.full(count, -1, np.int64)
    asked, at = np.unique(found.ask[order], return_index=True)
    first[asked] = order[at]
    return first

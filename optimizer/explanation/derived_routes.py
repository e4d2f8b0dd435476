"""Derived routes of a workload: why a pool has none, and every way to run it where there is one.

Deriving keeps the best way of each pair and need not look at the others to the end. Here every
way is a question of its own, so that one can see what the others would have taken.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance, route_starts
from optimizer.instance.select import select
from optimizer.serving import flags as flag
from optimizer.serving.answers import Answers, answers
from optimizer.serving.asks import asks, trials
from optimizer.serving.delivery import delivery
from optimizer.serving.derivation import Delivery, Reason, Refusals, sentence
from optimizer.serving.pairs import pairs
from optimizer.serving.routes import derive

Int = NDArray[np.int64]

SAME = 1e-6
"""Part by which chip-hours may differ and count as the same."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to run a workload on a pool: a profile of its model on the chip.

    Attributes
    ----------
    pool : position of the pool.
    configuration, chips_per_replica : of the profile.
    chosen : whether the route is this one.
    chip_hours_per_mtok : at the largest rate that keeps the promise; NaN where there is none.
    slower : times as many chip-hours the route takes, above 1 where it was tightened; 1 for ways
        that were not chosen.
    requests_per_second : that rate, of one replica; NaN where there is none.
    ttft_ms, tpot_ms : predicted at that rate, with the round trip: the mean, or the percentile
        where one is promised; NaN where they are not known.
    bound_by : what holds the rate down: ``ttft``, ``tpot``, ``throughput``, ``measured``; empty
        where there is no rate.
    flags : what to know of it, in words.
    why_not : what stands in its way; empty where nothing does.
    """

    pool: int
    configuration: str
    chips_per_replica: float
    chosen: bool
    chip_hours_per_mtok: float
    slower: float
    requests_per_second: float
    ttft_ms: float
    tpot_ms: float
    bound_by: str
    flags: tuple[str, ...]
    why_not: str


def routes_derived(instance: Instance) -> bool:
    """Whether the routes follow from profiles; given ones come from a table."""
    return len(instance.profiles.model) > 0 and "routes" not in instance.origin


def refused_pairs(instance: Instance, workloads: Int) -> dict[tuple[int, int], str]:
    """Why pairs of some workloads are no routes, by workload and pool; empty for given routes.

    Parameters
    ----------
    workloads : (n,) positions, each once.
    """
    if len(workloads) == 0 or not routes_derived(instance):
        return {}
    part = select(instance, workloads=workloads)
    stopped = derive(part)[1].refusals
    return {
        (int(workloads[workload]), pool): sentence(part, stopped, row)
        for row, (workload, pool) in enumerate(
            zip(stopped.workload.tolist(), stopped.pool.tolist(), strict=True)
        )
    }


def ways_of(instance: Instance, workload: int) -> tuple[Way, ...]:
    """Every way to run a workload, by pool, those that take the fewest chip-hours first.

    Pools that policy, network or lengths of requests close have none, nor have given routes.
    """
    if not routes_derived(instance):
        return ()
    part = select(instance, workloads=[workload])
    found = pairs(part)
    questions = asks(part, found)
    tried = trials(part, questions)
    # As if each were the only one: none is passed over because another is better.
    answered = answers(part, dataclasses.replace(tried, ask=np.arange(len(tried.ask))))
    begin = np.searchsorted(tried.ask, questions.ask)
    count = np.searchsorted(tried.ask, questions.ask, side="right") - begin
    pair = np.repeat(questions.pair, count)
    step = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    trial = np.repeat(begin, count) + step
    can = answered.reason[trial] == Reason.ROUTE
    times = delivery(part, found.round_trip_ms[pair][can], trial[can], tried, answered)
    pool = found.pool[pair].astype(np.int64)
    why = _why_not(part, pool, trial, answered)
    planned = _planned(instance, workload)
    profile = tried.profile[trial]
    place = np.cumsum(can) - 1
    ways = []
    for row, there in enumerate(can.tolist()):
        configuration = part.profiles.configuration[int(profile[row])]
        hours = float(answered.chip_hours_per_mtok[trial[row]])
        name, taken = planned.get(int(pool[row]), ("", hours))
        chosen = there and name == configuration and int(pool[row]) in planned
        ways.append(
            Way(
                pool=int(pool[row]),
                configuration=configuration,
                chips_per_replica=float(part.profiles.chips_per_replica[profile[row]]),
                chosen=chosen,
                slower=taken / hours if chosen and abs(taken / hours - 1.0) > SAME else 1.0,
                why_not=why[row],
                **(_delivered(times, int(place[row]), hours) if there else NOTHING),
            )
        )
    ways.sort(key=lambda way: (way.pool, not way.chosen, way.why_not != "", _hours(way)))
    return tuple(ways)


NOTHING: dict[str, Any] = {
    "chip_hours_per_mtok": math.nan,
    "requests_per_second": math.nan,
    "ttft_ms": math.nan,
    "tpot_ms": math.nan,
    "bound_by": "",
    "flags": (),
}
"""What a way delivers that cannot keep the promise."""


def _delivered(times: Delivery, place: int, chip_hours_per_mtok: float) -> dict[str, Any]:
    """What a way delivers; times at the percentile where one is promised and known."""
    told = {}
    for name in ("ttft_ms", "tpot_ms"):
        tail = float(getattr(times, name.replace("_ms", "_percentile_ms"))[place])
        told[name] = float(getattr(times, name)[place]) if math.isnan(tail) else tail
    return {
        "chip_hours_per_mtok": chip_hours_per_mtok,
        "requests_per_second": float(times.requests_per_second[place]),
        "bound_by": times.binding[place],
        "flags": tuple(flag.words(int(times.flags[place]))),
        **told,
    }


def _planned(instance: Instance, workload: int) -> dict[int, tuple[str, float]]:
    """Configuration and chip-hours of the workload's routes, by pool."""
    routes, starts = instance.routes, route_starts(instance)
    return {
        int(routes.pool[row]): (routes.configuration[row], float(routes.chip_hours_per_mtok[row]))
        for row in range(int(starts[workload]), int(starts[workload + 1]))
    }


def _why_not(part: Instance, pool: Int, trial: Int, answered: Answers) -> list[str]:
    """What stands in the way of each trial, empty where nothing does."""
    size = len(trial)
    told = Refusals(
        workload=np.zeros(size, np.int32),
        pool=pool.astype(np.int32),
        reason=answered.reason[trial],
        row=np.full(size, -1, np.int32),  # the way is told beside it
        best=answered.best[trial],
        limit=answered.limit[trial],
    )
    fine = answered.reason[trial] == Reason.ROUTE
    return ["" if fine[row] else sentence(part, told, row) for row in range(size)]


def _hours(way: Way) -> float:
    hours = way.chip_hours_per_mtok
    return math.inf if math.isnan(hours) else hours

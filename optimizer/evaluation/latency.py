"""The latency that a plan gives, by the queue: what its linear model took for granted.

Chip-hours per Mtok are those of a replica that serves one workload alone, as fast as its promise
allows. A plan puts several workloads on the replicas of a model; here the queue tells what their
requests see together.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.replica_groups import ReplicaGroups, replica_groups
from optimizer.instance.instance import Instance
from optimizer.instance.table import Table
from optimizer.plan import Plan
from optimizer.serving.distinct import predict_distinct
from optimizer.serving.queue import (
    Predicted,
    Stations,
    chosen,
)
from optimizer.serving.route_stations import route_stations, shared

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

PERCENTILE = 95.0
"""Percentile that is told of workloads whose promises hold on average."""
TOLERANCE = 2e-3
"""Part of a promise by which a prediction may lie over it: routes are made to just keep theirs."""


@dataclass(frozen=True, eq=False)
class Requests:
    """Who is on the replicas: classes of requests, each at a station that it shares.

    Axes N (classes: a workload on a pool in a period), G (groups, of one replica each).

    Attributes
    ----------
    stations : (G,) the replica of each group under all that comes to it.
    requests_per_second : (G,) all that comes.
    group : (N,) group of each class, ascending.
    own : (N,) lengths of each class, as a station of its own.
    round_trip_ms : (N,) network.
    ttft_ms, tpot_ms : (N,) promises, NaN where there is none.
    percentile : (N,) of requests for which they hold, NaN for the mean.
    """

    stations: Stations
    requests_per_second: Float
    group: Int
    own: Stations
    round_trip_ms: Float
    ttft_ms: Float
    tpot_ms: Float
    percentile: Float

    def some(self, groups: Bool) -> Requests:
        """Those of some groups."""
        kept = groups[self.group]
        place = np.cumsum(groups) - 1
        rows = np.flatnonzero(kept)
        return Requests(
            stations=chosen(self.stations, np.flatnonzero(groups)),
            requests_per_second=self.requests_per_second[groups],
            group=place[self.group[rows]],
            own=chosen(self.own, rows),
            round_trip_ms=self.round_trip_ms[rows],
            ttft_ms=self.ttft_ms[rows],
            tpot_ms=self.tpot_ms[rows],
            percentile=self.percentile[rows],
        )

    def seen(self, load: Float | float = 1.0) -> Predicted:
        """What they see, without the round trip, when (G,) so much of all comes."""
        told = np.where(np.isnan(self.percentile), PERCENTILE, self.percentile)
        return self._asked(load, told)

    def attained(self, load: Float | float = 1.0) -> Float:
        """(N,) part of the requests that keep both promises when so much comes."""
        return self._asked(load, np.nan).within

    def _asked(self, load: Float | float, percentile: Float | float) -> Predicted:
        return predict_distinct(
            self.stations,
            self.requests_per_second * load,
            self.group,
            self.own,
            percentile,
            np.maximum(self.ttft_ms - self.round_trip_ms, 0.0),
            self.tpot_ms,
        )

    def kept(self, seen: Predicted) -> Bool:
        """(N,) whether both promises are kept, on average or at their percentile."""
        mean = np.isnan(self.percentile)
        ttft = np.where(mean, seen.ttft_ms, seen.ttft_percentile_ms) + self.round_trip_ms
        tpot = np.where(mean, seen.tpot_ms, seen.tpot_percentile_ms)
        late = (ttft > self.ttft_ms * (1 + TOLERANCE)) | (tpot > self.tpot_ms * (1 + TOLERANCE))
        return np.asarray(~late)


@dataclass(frozen=True, eq=False)
class Latency:
    """What requests see under a plan. Axes N and G as in :class:`Requests`.

    Attributes
    ----------
    groups : where the classes are, and on how many replicas.
    requests : the classes and their stations.
    ttft_ms, ttft_percentile_ms : (N,) time to the first token, with the round trip.
    tpot_ms, tpot_percentile_ms : (N,) time per output token.
    utilisation : (G,) part of the most that replicas could do.
    attainment : (N,) part of the requests that keep both promises; 1 where nothing is promised.
    kept : (N,) whether promises are kept, on average or at the percentile promised.
    trusted : (N,) whether the queue's formulas were found to hold there.
    """

    groups: ReplicaGroups
    requests: Requests
    ttft_ms: Float
    ttft_percentile_ms: Float
    tpot_ms: Float
    tpot_percentile_ms: Float
    utilisation: Float
    attainment: Float
    kept: Bool
    trusted: Bool

    @property
    def broken(self) -> int:
        """Classes whose promise is broken."""
        return int((~self.kept).sum())

    @cached_property
    def weight(self) -> Float:
        """(N,) requests per second of each class, all replicas together."""
        return self.groups.requests_per_second * self.groups.replicas[self.groups.group]

    @property
    def attainment_of_all(self) -> float:
        """Part of all requests with a promise that keep it; 1 when there are none."""
        asked = ~(np.isnan(self.requests.ttft_ms) & np.isnan(self.requests.tpot_ms))
        total = float(self.weight[asked].sum())
        return float((self.weight * self.attainment)[asked].sum() / total) if total > 0 else 1.0

    def table(self, instance: Instance, plan: Plan) -> Table:
        """Every class: workload, pool, period, replicas and what its requests see."""
        at, groups = self.groups.placement, self.groups
        return Table.of(
            workload=Table.names(instance.workloads.workload, plan.workload[at]),
            pool=Table.names(instance.pools.pool, plan.pool[at]),
            period=plan.period[at],
            configuration=Table.names(
                instance.routes.configuration.names,
                instance.routes.configuration.codes[groups.route],
            ),
            requests_per_second=self.weight,
            replica_group=groups.number[groups.group],
            replicas=groups.replicas[groups.group],
            utilisation=self.utilisation[groups.group],
            ttft_ms=self.ttft_ms,
            ttft_percentile_ms=self.ttft_percentile_ms,
            tpot_ms=self.tpot_ms,
            tpot_percentile_ms=self.tpot_percentile_ms,
            percentile=np.where(
                np.isnan(self.requests.percentile), PERCENTILE, self.requests.percentile
            ),
            attainment=self.attainment,
            kept=self.kept,
            trusted=self.trusted,
        )


def predicted_latency(instance: Instance, plan: Plan) -> Latency | None:
    """What the queue predicts for a plan; None where no profile says anything about its routes.

    Parameters
    ----------
    instance : the one that the plan is for: replicas are those that its chip-hours fill.
    """
    if len(instance.profiles.chips_per_replica) == 0:
        return None
    served = route_stations(instance)
    if served.stations is None:
        return None
    groups = replica_groups(instance, plan, served)
    if len(groups.placement) == 0:
        return None
    order = np.argsort(groups.group, kind="stable")
    groups = dataclasses.replace(
        groups,
        placement=groups.placement[order],
        route=groups.route[order],
        group=groups.group[order],
        requests_per_second=groups.requests_per_second[order],
        filled=groups.filled[order],
    )
    route, rate = groups.route, groups.requests_per_second
    own = chosen(served.stations, served.place[route])
    people, workload = instance.workloads, instance.routes.workload[route]
    requests = Requests(
        stations=shared(own, rate, groups.group),
        requests_per_second=np.bincount(groups.group, rate).astype(np.float64),
        group=groups.group,
        own=own,
        round_trip_ms=instance.routes.latency_ms[route],
        ttft_ms=people.ttft_ms[workload],
        tpot_ms=people.tpot_ms[workload],
        percentile=people.slo_percentile[workload],
    )
    seen = requests.seen()
    first = np.unique(groups.group, return_index=True)[1]
    return Latency(
        groups=groups,
        requests=requests,
        ttft_ms=seen.ttft_ms + requests.round_trip_ms,
        ttft_percentile_ms=seen.ttft_percentile_ms + requests.round_trip_ms,
        tpot_ms=seen.tpot_ms,
        tpot_percentile_ms=seen.tpot_percentile_ms,
        utilisation=seen.utilisation[first],
        attainment=seen.within,
        kept=requests.kept(seen),
        trusted=seen.trusted,
    )

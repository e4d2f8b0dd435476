"""Who shares replicas in a plan: groups of workloads, their replicas, and what each one gets.

Workloads of a model that run in the same configuration on a pool may share its replicas, all of
them or those of a traffic class (``Instance.replicas_shared_by``), and what they see depends on
each other. Those without a promise run apart from those with one: an operator gives them replicas
of their own, or lets them yield. A plan may split those who may share into groups
(``Plan.replica_groups``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.whole_groups import separable, whole_numbers
from optimizer.instance.instance import Instance, route_starts
from optimizer.plan import Plan
from optimizer.serving.route_stations import RouteStations

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, eq=False)
class ReplicaGroups:
    """Groups of workloads that share replicas, by period.

    Axes N (placements that can be predicted), G (groups in a period), L (lanes: those who may
    share, in all periods), R (routes).

    Attributes
    ----------
    placement : (N,) position in the plan.
    route : (N,) its route.
    group : (N,) its group.
    requests_per_second : (N,) requests of it that one replica of the group gets.
    filled : (N,) replicas that its chip-hours fill.
    lane, period : (G,) where and when a group is.
    number : (G,) the group's number in the plan; 0 of those who share as policy has it.
    replicas : (G,) replicas that serve it; a part of one where the plan holds chips by the part.
    lane_of_route : (R,) lane of each route, -1 of those that cannot be predicted.
    number_of_route : (R,) group of each route in the plan, 0 where it names none.
    lane_model, lane_pool : (L,) model and pool.
    chips_per_replica : (L,) chips of one replica.
    promised : (L,) whether its workloads were promised anything.
    unpredicted : placements of routes about whose speed nothing is known.
    """

    placement: Int
    route: Int
    group: Int
    requests_per_second: Float
    filled: Float
    lane: Int
    period: Int
    number: Int
    replicas: Float
    lane_of_route: Int
    number_of_route: Int
    lane_model: Int
    lane_pool: Int
    chips_per_replica: Float
    promised: Bool
    unpredicted: int


def replica_groups(instance: Instance, plan: Plan, served: RouteStations) -> ReplicaGroups:
    """Group the placements of a plan.

    Replicas of a group are those that its chip-hours fill (docs/serving.md, "What a plan's
    latency is"): ``chip-hours / (chips_per_replica * period_hours)``. Where a plan has whole
    replicas, those who share as policy has it have their part of them by chip-hours, and groups
    that the plan splits off have whole ones; in a period with fewer than groups they share.
    """
    from optimizer.kernels.placements import find_routes

    lane_of_route, model, pool, promised = _lanes(instance, served)
    start, to = route_starts(instance), instance.routes.pool
    number_of_route = np.zeros(instance.num_routes, np.int64)
    split = find_routes(start, to, *plan.replica_groups.axes)
    number_of_route[split[split >= 0]] = plan.replica_groups.value[split >= 0].astype(np.int64)
    route = find_routes(start, to, plan.workload, plan.pool)
    lane = np.where(route >= 0, lane_of_route[np.maximum(route, 0)], -1)
    placement = np.flatnonzero(lane >= 0)
    route, lane = route[placement], lane[placement]
    period, mtok = plan.period[placement].astype(np.int64), plan.placed_mtok[placement]
    chips = np.zeros(len(model))
    chips[lane] = served.chips_per_replica[route]
    taken = mtok * instance.routes.chip_hours_per_mtok[route]
    filled = taken / (chips[lane] * instance.period_hours)
    number = number_of_route[route]
    shape = (len(instance.model_names), instance.num_pools, instance.num_periods)
    where = np.ravel_multi_index((model[lane], pool[lane], period), shape)
    running = _running(instance, plan, shape)
    number = np.where(separable(lane, number, where, running), number, 0)
    names, code = np.unique(number, return_inverse=True)
    key = (lane * max(len(names), 1) + code) * instance.num_periods + period
    cell, first, group = np.unique(key, return_index=True, return_inverse=True)
    replicas = np.bincount(group, filled, minlength=len(cell)).astype(np.float64)
    replicas = whole_numbers(number[first], where[first], replicas, running)
    table = instance.workloads
    tokens = (table.input_tokens + table.output_tokens)[instance.routes.workload[route]]
    requests = mtok * 1e6 / tokens / (SECONDS_PER_HOUR * instance.period_hours)
    return ReplicaGroups(
        placement=placement,
        route=route,
        group=group,
        requests_per_second=requests / replicas[group],
        filled=filled,
        lane=lane[first],
        period=period[first],
        number=number[first],
        replicas=replicas,
        lane_of_route=lane_of_route,
        number_of_route=number_of_route,
        lane_model=model,
        lane_pool=pool,
        chips_per_replica=chips,
        promised=promised,
        unpredicted=len(plan.workload) - len(placement),
    )


def _lanes(instance: Instance, served: RouteStations) -> tuple[Int, Int, Int, Bool]:
    """(R,) lane of each route; (L,) model, pool and whether anything is promised."""
    routes, workloads = instance.routes, instance.workloads
    promised = ~(np.isnan(workloads.ttft_ms) & np.isnan(workloads.tpot_ms))
    names = len(routes.configuration.names)
    key = workloads.model.codes[routes.workload].astype(np.int64)
    key = key * instance.num_pools + routes.pool
    key = key * names + routes.configuration.codes
    party, parties = _parties(instance)
    key = (key * parties + party[routes.workload]) * 2 + promised[routes.workload]
    known = served.place >= 0
    lanes, of_known = np.unique(key[known], return_inverse=True)
    lane_of_route = np.full(instance.num_routes, -1, np.int64)
    lane_of_route[known] = of_known
    pair = lanes // (2 * parties * names)
    return (
        lane_of_route,
        pair // instance.num_pools,
        pair % instance.num_pools,
        np.asarray(lanes % 2 == 1),
    )


def _parties(instance: Instance) -> tuple[Int, int]:
    """(W,) which of the parties that have replicas of their own each is in, and their number."""
    kind = instance.workloads.traffic_class
    if instance.replicas_shared_by == "model":
        return np.zeros(instance.num_workloads, np.int64), 1
    if instance.replicas_shared_by == "workload":
        return np.arange(instance.num_workloads), max(instance.num_workloads, 1)
    return kind.codes.astype(np.int64), max(len(kind.names), 1)


def _running(instance: Instance, plan: Plan, shape: tuple[int, int, int]) -> Float:
    """(cells,) whole replicas that run, by model, pool and period; 0 where chips go by the part."""
    running = np.zeros(shape)
    if len(instance.replicas.model):
        running[plan.replicas.axes] = plan.replicas.value
        running[instance.replica_rows < 0] = 0.0
    return running.reshape(-1)

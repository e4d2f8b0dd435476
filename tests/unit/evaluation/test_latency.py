"""The latency of a plan: who shares replicas, what they see, and whether promises are kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import optimizer
from optimizer.evaluation.attained import attainment_by_queue
from optimizer.evaluation.latency import Latency, predicted_latency
from optimizer.evaluation.relief import relief
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.plan import Plan
from optimizer.promises import slowed
from optimizer.serving.queue import predict
from optimizer.serving.route_stations import profile_of_routes, route_stations
from optimizer.solving import solve
from tests.unit.evaluation.shared_replicas import derived, underived


def planned(instance: Instance) -> tuple[Plan, Latency]:
    plan = solve(instance).plan
    assert plan is not None
    latency = predicted_latency(instance, plan)
    assert latency is not None
    return plan, latency


def test_a_workload_alone_sees_what_its_route_was_derived_from() -> None:
    instance = derived(shared_by="workload")
    _, latency = planned(instance)
    stations = route_stations(instance)
    assert stations.stations is not None
    rate = 1e6 / 3600 / (instance.workloads.input_tokens + 200) * 4
    rate = rate / instance.routes.chip_hours_per_mtok
    alone = predict(stations.stations, rate[np.argsort(stations.place)], 95.0)
    for column in ("ttft_ms", "tpot_ms", "ttft_percentile_ms", "tpot_percentile_ms"):
        seen = getattr(latency, column)
        expected = getattr(alone, column)[stations.place[latency.groups.route]]
        np.testing.assert_allclose(seen, expected, rtol=1e-6)
    assert latency.broken == 0
    # One of the two promises of each holds its rate down: it is kept, and barely.
    near = np.maximum(
        latency.ttft_ms / latency.requests.ttft_ms, latency.tpot_ms / latency.requests.tpot_ms
    )
    np.testing.assert_allclose(near, 1.0, atol=2e-3)


def test_requests_and_replicas_add_up_to_the_plan() -> None:
    instance = derived()
    plan, latency = planned(instance)
    tokens = instance.workloads.input_tokens[plan.workload] + 200
    requests = plan.placed_mtok * 1e6 / tokens / 3600
    placed = latency.groups.placement
    assert sorted(placed.tolist()) == list(range(len(plan.placed_mtok)))
    np.testing.assert_allclose(latency.weight, requests[placed], rtol=1e-12)
    chip_hours = plan.placed_mtok * instance.routes.chip_hours_per_mtok[plan.workload]
    by_period = np.bincount(plan.period, chip_hours)
    np.testing.assert_allclose(np.sort(latency.groups.replicas), np.sort(by_period / 4))


@pytest.mark.parametrize(
    ("shared_by", "groups", "broken"),
    [("model", 2, True), ("traffic_class", 4, False), ("workload", 4, False)],
)
def test_who_shares_replicas_is_a_policy(shared_by: str, groups: int, broken: bool) -> None:
    # Prompts of 8,000 tokens hold the answers of the chat up; apart, each is as it was derived.
    _, latency = planned(derived(shared_by=shared_by))
    assert len(latency.groups.lane) == groups
    assert (latency.broken > 0) == broken


def test_those_without_a_promise_have_replicas_of_their_own() -> None:
    nan = float("nan")
    instance = derived(ttft_ms=(400.0, nan), tpot_ms=(18.0, nan))
    _, latency = planned(instance)
    assert len(latency.groups.lane) == 4
    assert latency.groups.promised.tolist() == [False, True]
    assert latency.kept.all()
    free = np.isnan(latency.requests.ttft_ms)
    assert (latency.attainment[free] == 1).all()
    assert latency.attainment_of_all < 1


def test_relief_is_the_least_that_keeps_every_promise() -> None:
    instance = derived()
    plan, latency = planned(instance)
    assert latency.broken > 0
    factor = relief(instance, latency)
    assert factor[0] == factor[1] > 1
    slower = predicted_latency(slowed(instance, factor), plan)
    assert slower is not None
    assert slower.broken == 0
    # One part in fifty less, and one is broken again.
    hasty = predicted_latency(slowed(instance, 1 + (factor - 1) * 0.98), plan)
    assert hasty is not None
    assert hasty.broken > 0


def test_factors_that_are_more_than_needed_go_half_of_the_way_back() -> None:
    instance = derived()
    plan, latency = planned(instance)
    least = relief(instance, latency)
    given = least * 1.5
    slow = slowed(instance, given)
    seen = predicted_latency(slow, dataclasses.replace(plan, instance_digest=slow.digest))
    assert seen is not None
    assert seen.broken == 0
    again = relief(slow, seen, given)
    np.testing.assert_allclose(again, given * (1 / 1.5) ** 0.5, rtol=5e-3)
    # Where routes as they were derived would do, it comes to rest at 1.
    alone = derived(shared_by="workload")
    for times in (1.2, 1.001):
        easy = slowed(alone, np.full(2, times))
        plan, seen = planned(easy)
        assert (relief(easy, seen, np.full(2, times)) < times).all()
    assert (relief(easy, seen, np.full(2, times)) == 1.0).all()


def test_a_promise_out_of_reach_asks_for_nothing() -> None:
    instance = derived(shared_by="workload")
    plan, _ = planned(instance)
    # 20 ms to the first token cannot be: the prefill alone takes longer.
    hard = dataclasses.replace(
        instance,
        workloads=dataclasses.replace(instance.workloads, ttft_ms=np.array([20.0, 3000.0])),
    )
    latency = predicted_latency(hard, plan)
    assert latency is not None
    assert latency.broken == 2
    assert (relief(hard, latency) == 1).all()


def test_the_round_trip_counts_against_the_first_token() -> None:
    instance = derived(shared_by="workload")
    plan, near = planned(instance)
    far = dataclasses.replace(
        instance, routes=dataclasses.replace(instance.routes, latency_ms=np.array([50.0, 50.0]))
    )
    seen = predicted_latency(far, plan)
    assert seen is not None
    np.testing.assert_allclose(seen.ttft_ms, near.ttft_ms + 50)
    np.testing.assert_allclose(seen.tpot_ms, near.tpot_ms)


def test_routes_that_name_no_configuration_run_in_the_only_one() -> None:
    instance = derived()
    typed = dataclasses.replace(
        instance,
        routes=dataclasses.replace(instance.routes, configuration=Labels.of(["", ""])),
    )
    assert profile_of_routes(typed).tolist() == [0, 0]
    unknown = dataclasses.replace(
        instance,
        routes=dataclasses.replace(instance.routes, configuration=Labels.of(["", "other"])),
    )
    assert profile_of_routes(unknown).tolist() == [0, -1]
    plan, _ = planned(instance)
    latency = predicted_latency(unknown, plan)
    assert latency is not None
    assert latency.groups.unpredicted == 2


def test_without_profiles_nothing_is_predicted() -> None:
    instance = optimizer.generate(workloads=5, pools=3, periods=2, seed=1)
    plan = solve(instance).plan
    assert plan is not None
    assert predicted_latency(instance, plan) is None
    assert attainment_by_queue(instance, plan) is None
    nowhere = underived()
    assert nowhere.num_routes == 0
    assert predicted_latency(nowhere, Plan.nothing_served(nowhere)) is None


def test_attainment_falls_with_the_load_and_is_the_plan_s_at_one() -> None:
    instance = derived(shared_by="workload")
    plan, latency = planned(instance)
    table = attainment_by_queue(instance, plan)
    assert table is not None
    assert (np.diff(table.attained, axis=1) <= 1e-9).all()
    at_one = table.attained[:, np.flatnonzero(table.ratio == 1.0)[0]]
    np.testing.assert_allclose(np.sort(at_one), np.sort(latency.attainment), rtol=1e-6)
    chip_hours = plan.placed_mtok * instance.routes.chip_hours_per_mtok[plan.workload]
    np.testing.assert_allclose(table.held_chip_hours[table.group], chip_hours, rtol=1e-9)

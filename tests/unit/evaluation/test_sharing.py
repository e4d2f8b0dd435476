"""Who of those that may share replicas does: nobody breaks a promise, and few are alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from optimizer.evaluation import sharing
from optimizer.evaluation.attained import attainment_by_queue
from optimizer.evaluation.latency import Latency, predicted_latency
from optimizer.evaluation.sharing import groups_that_keep, split
from optimizer.instance.instance import Instance
from optimizer.plan import Cells, Plan
from optimizer.solving import solve
from tests.unit.evaluation.shared_replicas import derived, three_of_a_class

Partition = list[list[int]]


def planned(instance: Instance) -> tuple[Plan, Latency]:
    plan = solve(instance).plan
    assert plan is not None
    return plan, seen_by(instance, plan)


def seen_by(instance: Instance, plan: Plan) -> Latency:
    latency = predicted_latency(instance, plan)
    assert latency is not None
    return latency


def crowd(seed: int, count: int, periods: int = 3, **given: Any) -> Instance:
    """Workloads of one model with lengths, promises and demand of their own."""
    rng = np.random.default_rng(seed)
    return derived(
        input_tokens=tuple(rng.uniform(100, 6000, count).round()),
        ttft_ms=tuple(rng.choice([1500.0, 3000.0], count)),
        tpot_ms=tuple(rng.choice([18.0, 25.0, 60.0], count)),
        traffic_class=("chat",) * count,
        demand_mtok=tuple(map(tuple, rng.uniform(1, 100, (count, periods)))),
        **given,
    )


def named(instance: Instance, plan: Plan, partition: Partition) -> Latency:
    """What requests see when the groups of a partition of the workloads are apart."""
    workload = np.array([member for group in partition for member in group], np.int32)
    number = np.concatenate([np.full(len(group), i + 1.0) for i, group in enumerate(partition)])
    cells = Cells.of((workload, np.zeros_like(workload)), number)
    return seen_by(instance, dataclasses.replace(plan, replica_groups=cells))


def first_fit(instance: Instance, plan: Plan) -> Partition:
    """The same rule, a workload at a time, by the judge's own prediction of a whole plan."""
    hours = plan.placed_mtok * instance.routes.chip_hours_per_mtok[plan.workload]
    size = np.bincount(plan.workload, hours)
    groups: Partition = []
    for workload in np.argsort(-size, kind="stable").tolist():
        for group in groups:
            latency = named(instance, plan, [[*group, workload]])
            inside = latency.groups.number[latency.groups.group] > 0
            if latency.kept[inside].all():
                group.append(workload)
                break
        else:
            groups.append([workload])
    return groups


def partition_of(cells: Cells) -> Partition:
    workload, number = cells.axes[0], cells.value
    return sorted(sorted(workload[number == one].tolist()) for one in np.unique(number))


def test_those_apart_see_what_each_sees_alone() -> None:
    instance = derived()
    plan, latency = planned(instance)
    assert latency.broken > 0
    apart, seen = split(instance, plan, latency)
    assert seen.broken == 0
    assert apart.replica_groups.value.tolist() == [1, 2]
    alone = seen_by(dataclasses.replace(instance, replicas_shared_by="workload"), plan)
    for column in ("ttft_ms", "ttft_percentile_ms", "tpot_ms", "tpot_percentile_ms", "attainment"):
        order, other = (np.lexsort((x.groups.placement,)) for x in (seen, alone))
        np.testing.assert_allclose(getattr(seen, column)[order], getattr(alone, column)[other])
    for name in ("workload", "pool", "period", "placed_mtok", "instance_digest"):
        assert getattr(apart, name) is getattr(plan, name)


def test_those_that_go_together_stay_together() -> None:
    """Two of a kind share; the one with long prompts, which holds both up, is apart."""
    instance = three_of_a_class()
    plan, latency = planned(instance)
    assert latency.broken > 0
    apart, seen = split(instance, plan, latency)
    assert seen.broken == 0
    assert partition_of(apart.replica_groups) == [[0, 2], [1]]


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_those_of_first_fit(seed: int) -> None:
    instance = crowd(seed, 7)
    plan, latency = planned(instance)
    assert latency.broken > 0
    cells = groups_that_keep(instance, latency)
    expected = first_fit(instance, plan)
    assert partition_of(cells) == sorted(map(sorted, expected))
    assert 1 < len(expected) < 7
    assert named(instance, plan, expected).broken == 0
    again = groups_that_keep(instance, latency)
    assert again.value.tolist() == cells.value.tolist()


def test_groups_hold_for_all_periods() -> None:
    """Long prompts come in the second period only; who is apart there is so in the first too."""
    instance = derived(demand_mtok=((40.0, 80.0, 60.0), (0.0, 50.0, 0.0)))
    plan, latency = planned(instance)
    assert {int(latency.groups.period[g]) for g in latency.groups.group[~latency.kept]} == {1}
    apart, seen = split(instance, plan, latency)
    assert seen.broken == 0
    assert len(apart.replica_groups) == 2
    number = seen.groups.number[seen.groups.group]
    route = seen.groups.route
    assert {(int(r), int(n)) for r, n in zip(route, number, strict=True)} == {(0, 1), (1, 2)}


def test_groups_that_keep_their_promises_are_left_as_they_are() -> None:
    instance = derived(shared_by="traffic_class")
    plan, latency = planned(instance)
    assert latency.broken == 0
    apart, seen = split(instance, plan, latency)
    assert apart is plan
    assert seen is latency


def test_large_crowds_are_parted_before(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = crowd(0, 9)
    plan, latency = planned(instance)
    whole = groups_that_keep(instance, latency)
    monkeypatch.setattr(sharing, "MOST", 3)
    parts = groups_that_keep(instance, latency)
    assert named(instance, plan, partition_of(parts)).broken == 0
    assert max(map(len, partition_of(parts))) <= 3
    assert len(partition_of(parts)) >= len(partition_of(whole))


def test_a_workload_too_fast_for_its_promise_is_alone_and_stays_broken() -> None:
    """A route that is typed in and no rate keeps: apart it breaks its promise as well."""
    instance = derived()
    hours = instance.routes.chip_hours_per_mtok * np.array([0.8, 1.0])
    typed = dataclasses.replace(
        instance, routes=dataclasses.replace(instance.routes, chip_hours_per_mtok=hours)
    )
    plan, latency = planned(typed)
    apart, seen = split(typed, plan, latency)
    assert partition_of(apart.replica_groups) == [[0], [1]]
    assert seen.groups.route[~seen.kept].tolist() == [0, 0]


def test_promises_by_load_are_those_of_the_groups() -> None:
    instance = derived()
    plan, latency = planned(instance)
    apart, _ = split(instance, plan, latency)
    alone = dataclasses.replace(instance, replicas_shared_by="workload")
    found, expected = attainment_by_queue(instance, apart), attainment_by_queue(alone, plan)
    together = attainment_by_queue(instance, plan)
    assert found is not None
    assert expected is not None
    assert together is not None
    assert len(found.held_chip_hours) == 4 > len(together.held_chip_hours)
    np.testing.assert_allclose(found.attained, expected.attained)

"""How plans are parted into those that serve pinned workloads whole and all others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import optimizer
from optimizer.instance.instance import Instance
from optimizer.methods import whole_first
from optimizer.model.formulation import Formulation
from optimizer.model.whole_service import WholeService, whole_service
from optimizer.solvers.glop import Glop
from tests.pipeline.oracle import least_of_all_choices
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow

TWO = Sketch(
    (
        WorkloadRow("big", 30.0, (6.0,), single_pool=True),
        WorkloadRow("small", 30.0, (4.0,), single_pool=True),
    ),
    (PoolRow("left", (1.0,), (9.0,)), PoolRow("right", (2.0,), (9.0,))),
    tuple(RouteRow(w, p) for w in ("big", "small") for p in ("left", "right")),
)
"""10 Mtok on pools of 9: loads are multiples of 2, so that 10 exceeds by 1, not by 2."""


def parted(sketch: Sketch) -> WholeService | None:
    instance = sketch.build()
    return whole_service(instance, Formulation().build(instance))


def others_usd(instance: Instance) -> float:
    """Least cost that the linear program of all other plans allows."""
    model = Formulation().build(instance)
    service = whole_service(instance, model)
    assert service is not None
    program = dataclasses.replace(service.others(model.program), integer=None)
    outcome = Glop().solve(program)
    assert outcome.values is not None
    return float(program.cost @ outcome.values)


def test_least_excess_counts_units() -> None:
    """Both on one pool lack 1 of 10 Mtok or more: weight 1 per Mtok missing."""
    service = parted(TWO)
    assert service is not None
    assert sorted(set(np.abs(service.missing[service.missing != 0]).tolist())) == [1.0, 4.0, 6.0]
    assert service.links.sum() == 4


def test_all_other_plans_give_up_a_mtok() -> None:
    """The cheapest of them serves 9 of 10 Mtok on the left: 9 + 30 USD; served whole 14 USD."""
    assert others_usd(TWO.build()) == pytest.approx(39.0, rel=1e-9)
    result = optimizer.solve(TWO.build())
    assert result.objective_usd == pytest.approx(14.0, rel=1e-9)
    assert "every other plan is dearer" in result.why


def test_cheap_penalty_makes_service_in_part_the_best() -> None:
    """9 x 1 USD and one Mtok given up at 2.25, less than 4 x 1 + 6 x 2 or 6 x 1 + 4 x 2."""
    cheap = tuple(dataclasses.replace(row, unserved_usd_per_mtok=2.25) for row in TWO.workloads)
    sketch = dataclasses.replace(TWO, workloads=cheap)
    result = optimizer.solve(sketch.build())
    assert result.objective_usd == pytest.approx(9 + 2.25, rel=1e-9)
    assert result.objective_usd == pytest.approx(
        least_of_all_choices(sketch.build()).objective_usd, rel=1e-9
    )
    assert "then all other plans" in result.why


def changed_workload(**changes: object) -> Sketch:
    first = dataclasses.replace(TWO.workloads[0], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(TWO, workloads=(first, TWO.workloads[1]))


@pytest.mark.parametrize(
    "sketch",
    [
        pytest.param(changed_workload(single_pool=False), id="somebody may be split"),
        pytest.param(changed_workload(unserved_usd_per_mtok=1.5), id="giving up is cheaper"),
        pytest.param(changed_workload(demand_mtok=(2.0**0.5,)), id="loads without a unit"),
        pytest.param(
            dataclasses.replace(
                TWO, shares=(ShareRow("most", "pool", "left", "tokens", max=0.75),)
            ),
            id="a share limit",
        ),
    ],
)
def test_plans_are_not_parted_where_service_in_part_may_pay(sketch: Sketch) -> None:
    """Every pool is used by both workloads, so that one of them is enough."""
    service = parted(sketch)
    if service is not None:  # the dearer pool only is barred
        assert sketch.workloads[0].unserved_usd_per_mtok == 1.5
        assert service.links.sum() == 2
    result = optimizer.solve(sketch.build())
    oracle = least_of_all_choices(sketch.build())
    assert result.objective_usd == pytest.approx(oracle.objective_usd, rel=1e-9)


def test_room_for_everyone_leaves_no_other_plan() -> None:
    pools = tuple(dataclasses.replace(pool, capacity_chips=(10.5,)) for pool in TWO.pools)
    service = parted(dataclasses.replace(TWO, pools=pools))
    assert service is not None
    assert service.links.sum() == 4
    assert not service.missing.any()


def test_false_bound_on_the_others_is_a_lie_the_choices_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bound carries the proof: raised without reason, a dearer plan passes for optimal."""
    cheap = tuple(dataclasses.replace(row, unserved_usd_per_mtok=2.25) for row in TWO.workloads)
    sketch = dataclasses.replace(TWO, workloads=cheap)
    monkeypatch.setattr(whole_first, "safe_bound", lambda program, duals: 100.0)
    monkeypatch.setattr(whole_first, "LEAST_GAIN", 0.0)
    result = optimizer.solve(sketch.build())
    assert result.objective_usd is not None
    assert result.objective_usd > least_of_all_choices(sketch.build()).objective_usd + 0.5

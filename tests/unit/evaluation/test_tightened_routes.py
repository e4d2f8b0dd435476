"""Plans made with tightened routes under draws: margins are paid for, and used up before cuts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import optimizer
from optimizer.errors import InputError
from optimizer.evaluation.draws import Factors
from optimizer.evaluation.recourse import Recourse
from optimizer.evaluation.risk import risk
from optimizer.evaluation.uncertainty import Uncertainty
from optimizer.instance.instance import Instance
from optimizer.promises import slowed
from tests.unit.evaluation.one_pool import all_of_it, one_pool
from tests.unit.evaluation.shared_replicas import derived, in_whole_replicas, underived
from tests.unit.evaluation.tightened import at_percentile

BOTH = Uncertainty(demand=(0.7, 1.4), throughput=(0.8, 1.2))


def outcome(instance: Instance, demand: float, slowness: float = 1.0) -> tuple[float, float, float]:
    """Cost, unserved Mtok and tokens where room is short, of a plan made 1.2 times slower."""
    own = slowed(instance, np.full(instance.num_routes, 1.2))
    served = instance.routes.chip_hours_per_mtok
    made = Recourse.of(own, all_of_it(own), np.zeros(1, np.int64), None, served)
    found = made.outcomes(
        Factors(np.full((1, 1), demand), np.full((1, 1), slowness), np.ones((1, 1)))
    )
    return float(found.cost_usd[0]), float(found.unserved_mtok[0]), float(found.crowded_mtok[0])


def test_the_margin_is_held_while_there_is_room_and_used_up_when_there_is_not() -> None:
    """10 Mtok at 1 chip-hour and 2 USD on 12 chips, planned at 1.2: all chips, with 2 to spare."""
    instance = one_pool()
    assert outcome(instance, 1.0) == pytest.approx((24.0, 0.0, 0.0))
    assert outcome(instance, 0.5) == pytest.approx((12.0, 0.0, 0.0))
    # 14.4 chip-hours would be held if they were there; the 12 that are serve all of it.
    assert outcome(instance, 1.2) == pytest.approx((24.0, 0.0, 0.0))
    assert outcome(instance, 1.0, slowness=1.2) == pytest.approx((24.0, 0.0, 0.0))
    assert outcome(instance, 1.5) == pytest.approx((24.0 + 3 * 9.0, 3.0, 15.0))
    # Reserved chips are paid for whatever is held.
    assert outcome(one_pool(purchase="reserved"), 0.5)[0] == pytest.approx(24.0)


def test_a_plan_meets_draws_as_it_would_on_its_own_routes_while_room_abounds() -> None:
    """What is held is what was planned, so that nothing but room can tell the two apart."""
    instance = one_pool(capacity_chips=(99.0,))
    own = slowed(instance, np.full(1, 1.2))
    plan = all_of_it(own)
    as_planned = risk(own, plan, draws=500, uncertainty=BOTH)
    in_fact = risk(instance, plan, planned_on=own, draws=500, uncertainty=BOTH)
    np.testing.assert_allclose(in_fact.sample.cost_usd, as_planned.sample.cost_usd)
    assert in_fact.planned.total == as_planned.planned.total == pytest.approx(24.0)
    assert in_fact.instance is instance
    assert as_planned.notes == ()
    (note,) = in_fact.notes
    assert note == (
        "the plan was made with 1 of 1 routes tightened, up to 1.2 x the chip-hours; that margin "
        "is used up before tokens are cut"
    )


def test_the_same_placements_are_cut_alike_whatever_was_planned_with() -> None:
    instance = one_pool()
    own = slowed(instance, np.full(1, 1.1))
    loose, tight = all_of_it(instance), all_of_it(own)
    found = risk(instance, tight, planned_on=own, against=loose, draws=2000, uncertainty=BOTH)
    assert found.against is not None
    assert found.chance_unserved > 0.05
    assert found.against.unserved_difference.least == found.against.unserved_difference.most == 0.0
    # Dearer by the chips that it holds beyond those needed, and by no more than a tenth.
    assert found.against.difference.most <= 0.1 * 24.0
    assert found.against.difference.mean > 1.0
    back = risk(
        instance, loose, against=tight, against_planned_on=own, draws=2000, uncertainty=BOTH
    )
    assert back.against is not None
    np.testing.assert_array_equal(back.sample.cost_usd, found.against.sample.cost_usd)
    assert back.against.difference.mean == pytest.approx(-found.against.difference.mean)
    assert back.notes[0].startswith("the other plan was made with 1 of 1 routes tightened")


def test_promises_of_both_are_told() -> None:
    """On twice the replicas requests see less of each other."""
    instance = at_percentile(underived())
    own = slowed(instance, np.full(instance.num_routes, 2.0))
    loose = optimizer.solve(instance, keep_promises=False)
    tight = optimizer.solve(own, keep_promises=False)
    assert loose.plan is not None
    assert tight.plan is not None
    found = risk(
        instance, tight.plan, planned_on=own, against=loose.plan, draws=200, uncertainty=BOTH
    )
    alone = risk(instance, loose.plan, draws=200, uncertainty=BOTH)
    as_planned = risk(own, tight.plan, draws=200, uncertainty=BOTH)
    assert found.attainment is not None
    assert alone.attainment is not None
    assert as_planned.attainment is not None
    assert found.against is not None
    assert found.against.attainment is not None
    assert found.against.attainment_difference is not None
    assert found.against.attainment.mean == pytest.approx(alone.attainment.mean)
    # A load is a part of the one planned, whatever that is counted in.
    assert found.attainment.mean == pytest.approx(as_planned.attainment.mean)
    gain = found.attainment.mean - alone.attainment.mean
    assert found.against.attainment_difference.mean == pytest.approx(gain)
    assert gain > 0.05


def test_with_nothing_drawn_promises_are_kept_as_predicted_whole_replicas_or_not() -> None:
    """Whole replicas hold more chip-hours than requests take: that is in the prediction."""
    for instance in (derived(), at_percentile(in_whole_replicas(chips=16.0))):
        solved = optimizer.solve(instance)
        assert solved.plan is not None
        assert solved.latency is not None
        mtok = solved.plan.placed_mtok[solved.latency.groups.placement]
        expected = float((solved.latency.attainment * mtok).sum() / mtok.sum())
        found = risk(instance, solved.plan, planned_on=solved.instance, draws=1)
        assert found.attainment is not None
        assert found.attainment.mean == pytest.approx(expected, rel=1e-9)


def test_an_instance_that_differs_otherwise_is_refused() -> None:
    instance = one_pool()
    plan = all_of_it(instance)
    with pytest.raises(InputError, match="that of the draws but for chip-hours of routes"):
        risk(instance, plan, planned_on=instance.with_prices({"p": 3.0}), draws=1)
    other = one_pool(capacity_chips=(13.0,))
    with pytest.raises(InputError, match="other plan, instance it was planned on: expected that"):
        risk(instance, plan, against=all_of_it(other), against_planned_on=other, draws=1)
    # The same data, read again: no object is shared.
    again = one_pool()
    own = slowed(again, np.full(1, 1.2))
    assert risk(instance, all_of_it(own), planned_on=own, draws=1).cost.mean == pytest.approx(24.0)


def test_routes_faster_than_serving_are_refused() -> None:
    instance = one_pool()
    fast = slowed(instance, np.full(1, 0.5))
    with pytest.raises(InputError) as caught:
        risk(instance, all_of_it(fast), planned_on=fast, draws=1)
    assert str(caught.value) == (
        "plan, instance it was planned on: expected no fewer chip-hours than serving takes, got "
        "fewer on 1 routes (was it made with other profiles? then solve again)"
    )


def test_a_plan_of_other_routes_needs_the_instance_it_was_planned_on() -> None:
    instance = one_pool()
    own = slowed(instance, np.full(1, 1.2))
    with pytest.raises(InputError, match="made for other data"):
        risk(instance, all_of_it(own), draws=1)
    with pytest.raises(InputError, match="made for other data"):
        risk(instance, replace(all_of_it(instance)), planned_on=own, draws=1)

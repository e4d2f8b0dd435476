"""Explanations against instances whose causes are known, each checked by doing what it says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import optimizer
from optimizer.explanation.change import WHOLE, Change, relaxed
from optimizer.explanation.explain import Explanation, explain
from optimizer.explanation.infeasible import Infeasible
from optimizer.explanation.rule_words import rule_name
from optimizer.explanation.rules import Rule
from optimizer.instance.instance import Instance
from tests.pipeline.clashes import CLASHES, Clash
from tests.pipeline.fleet_draws import drawn
from tests.pipeline.fleet_rows import FleetRows, OutageRow, PowerRow, QualificationRow, ReplicaRow
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow

EVERY_CLASH = pytest.mark.parametrize("clash", CLASHES.values(), ids=CLASHES)


def named(instance: Instance, rule: Rule) -> tuple[str, str]:
    return rule.family, rule_name(instance, rule)


def why_none(instance: Instance) -> Infeasible:
    found = explain(instance)
    assert found.plan is None
    assert found.infeasible is not None
    return found.infeasible


def has_plan(instance: Instance) -> bool:
    return optimizer.solve(instance).verified


@EVERY_CLASH
def test_solve_calls_it_infeasible_too(clash: Clash) -> None:
    """Also where a solver breaks down over the program instead of saying so."""
    result = optimizer.solve(clash.sketch.build())
    assert result.status == "infeasible", result.reason
    assert result.exit_code == 4
    assert any("cannot be kept" in note for note in result.notes)


def a_bit_less(change: Change) -> Change:
    """One whole step less, or 1 %."""
    part = (change.amount - 1) / change.amount if change.rule.family in WHOLE else 0.99
    return change.scaled(part)


@EVERY_CLASH
def test_the_true_cause_is_named(clash: Clash) -> None:
    instance = clash.build()
    assert not has_plan(instance)
    found = why_none(instance)
    assert {named(instance, rule) for rule in found.conflict.rules} == clash.rules
    assert found.conflict.irreducible
    assert found.conflict.whole == clash.whole


@EVERY_CLASH
def test_each_way_out_is_the_one_derived_by_hand(clash: Clash) -> None:
    instance = clash.build()
    found = why_none(instance)
    ways = {}
    for way in found.alternatives:
        (change,) = way.relaxed.changes
        amount = change.after if change.chips is None else float(change.chips.sum())
        ways[named(instance, change.rule)] = amount
    assert ways == pytest.approx(clash.ways, rel=1e-5)
    assert found.hopeless == ()


@EVERY_CLASH
def test_a_way_out_suffices_and_a_bit_less_does_not(clash: Clash) -> None:
    instance = clash.build()
    for way in why_none(instance).alternatives:
        (change,) = way.relaxed.changes
        assert has_plan(relaxed(instance, change)), change.rule
        assert not has_plan(relaxed(instance, a_bit_less(change), hair=0.0)), change.rule


@EVERY_CLASH
def test_ways_are_ranked_by_the_cost_of_their_best_plan(clash: Clash) -> None:
    instance = clash.build()
    ways = why_none(instance).alternatives
    costs = [way.cost_usd for way in ways]
    assert None not in costs
    assert costs == sorted(costs)
    for way in ways:
        best = optimizer.solve(relaxed(instance, way.relaxed.changes)).objective_usd
        assert way.cost_usd == pytest.approx(best, rel=1e-6)
        assert way.optimal


def two_clashes() -> Instance:
    """A budget that is too small and two groups of reserved pools that are both too dear."""
    pools = (
        PoolRow("one", (2.0,), (10.0,), "reserved", "AWS"),
        PoolRow("two", (2.0,), (10.0,), "reserved", "Google"),
    )
    shares = (ShareRow("most", "provider", "AWS", "spend", max=0.4),)
    routes = (RouteRow("chat", "one"), RouteRow("chat", "two"))
    chat = WorkloadRow("chat", 20.0, (10.0,))
    return Sketch((chat,), pools, routes, shares, budget_usd=30.0).build()


def test_two_conflicts_are_solved_together() -> None:
    """No rule can end both; the share needs 0.5 or 20 USD more of Google, the budget 40 USD."""
    instance = two_clashes()
    found = why_none(instance)
    assert len(found.hopeless) == len(found.conflict.rules)
    assert found.alternatives == ()
    assert found.together is not None
    changes = found.together.relaxed.changes
    assert Rule("budget", 0) in {change.rule for change in changes}
    assert len(changes) == 2
    assert has_plan(relaxed(instance, changes))
    for left_out in range(len(changes)):
        rest = [change for at, change in enumerate(changes) if at != left_out]
        assert not has_plan(relaxed(instance, rest))


def test_a_period_in_which_nothing_is_held_does_not_hide_a_smaller_change() -> None:
    """In period 1 neither pool has chips or costs anything, so any share is kept.

    In period 0 the reserved pool costs 20 USD, the other 5 at most: 0.2 of all.
    """
    chat = WorkloadRow("chat", 20.0, (10.0, 10.0))
    pools = (
        PoolRow("own", (2.0, 2.0), (10.0, 0.0), "reserved"),
        PoolRow("rented", (1.0, 1.0), (5.0, 0.0)),
    )
    shares = (ShareRow("least", "pool", "rented", "spend", min=0.5, per="period"),)
    routes = (RouteRow("chat", "own"), RouteRow("chat", "rented"))
    instance = Sketch((chat,), pools, routes, shares).build()
    ways = why_none(instance).alternatives
    limits = [way.relaxed.changes[0] for way in ways]
    (share,) = (change for change in limits if change.rule.family == "share_min")
    assert share.after == pytest.approx(0.2, rel=1e-3)
    assert has_plan(relaxed(instance, share))
    assert not has_plan(relaxed(instance, a_bit_less(share), hair=0.0))


def test_smallest_draw_with_such_a_period() -> None:
    """A drawn problem on which ratios alone stopped at 0; 1 % less than what is said must fail."""
    instance = drawn("shares_period", 502).build()
    (way,) = why_none(instance).alternatives
    (change,) = way.relaxed.changes
    assert has_plan(relaxed(instance, change))
    assert not has_plan(relaxed(instance, a_bit_less(change), hair=0.0))


# Tokens given up.

CHAT = WorkloadRow("chat", 50.0, (10.0, 14.0))
OWN = PoolRow("own", (2.0, 2.0), (10.0, 10.0), watts_per_chip=1e6)
OTHER = PoolRow("other", (3.0, 3.0), (10.0, 10.0), "on_demand", "south", "beta", "west")
BOTH = (RouteRow("chat", "own"), RouteRow("chat", "other"))


def limited(**rest: object) -> Sketch:
    base = {"workloads": (CHAT,), "pools": (OWN,), "routes": BOTH[:1]}
    return Sketch(**(base | rest))  # type: ignore[arg-type]


PROTECTED = dataclasses.replace(CHAT, protected=True)
LIMITED = {
    "chips": (limited(), {"chips of pool own"}),
    "power": (
        limited(
            pools=(dataclasses.replace(OWN, capacity_chips=(20.0, 20.0)),),
            fleet=FleetRows(power=(PowerRow("site", "region", "east", 10.0),)),
        ),
        {"power limit site"},
    ),
    "share": (
        limited(
            pools=(dataclasses.replace(OWN, capacity_chips=(20.0, 20.0)), OTHER),
            routes=BOTH[:1],
            shares=(ShareRow("most", "pool", "own", "tokens", max=0.5),),
        ),
        {"share most"},
    ),
    "budget": (
        limited(pools=(dataclasses.replace(OWN, capacity_chips=(20.0, 20.0)),), budget_usd=40.0),
        {"budget"},
    ),
    "outage": (
        limited(
            workloads=(PROTECTED,),
            pools=(
                dataclasses.replace(OWN, capacity_chips=(20.0, 20.0)),
                dataclasses.replace(OTHER, capacity_chips=(9.0, 9.0)),
            ),
            routes=BOTH,
            fleet=FleetRows(outages=(OutageRow("loss", "pool", "own"),)),
        ),
        {"outage loss"},
    ),
    "replicas, whole ones": (
        limited(fleet=FleetRows(replicas=(ReplicaRow("model", "alpha", 4.0),))),
        {"chips of pool own"},
    ),
    "waiting": (
        limited(workloads=(dataclasses.replace(CHAT, deadline_periods=1),)),
        {"chips of pool own"},
    ),
}


@pytest.mark.parametrize(("sketch", "names"), LIMITED.values(), ids=LIMITED)
def test_limits_that_stand_against_serving_give_way_and_it_is_served(
    sketch: Sketch, names: set[str]
) -> None:
    instance = sketch.build()
    found = explain(instance)
    assert found.unserved is not None
    (row,) = found.unserved.rows
    assert row.cause == "limits"
    assert row.mtok > 1
    needed = found.unserved.needed
    assert needed is not None
    assert needed.verdict.verified
    if names == {"outage loss"}:  # or the chips that would take over: whichever is less
        assert needed.changes
    else:
        assert {rule_name(instance, change.rule) for change in needed.changes} == names
    served = optimizer.solve(relaxed(instance, needed.changes))
    assert served.verified
    assert served.unserved_mtok == pytest.approx(0.0, abs=1e-3)
    if all(change.rule.family != "share_max" for change in needed.changes):
        less = [a_bit_less(change) for change in needed.changes]
        lacking = optimizer.solve(relaxed(instance, less, hair=0.0)).unserved_mtok
        assert lacking is not None
        assert lacking > 1e-3


def test_chips_that_lack_are_counted_by_period() -> None:
    """14 Mtok on 10 chips in period 1."""
    found = explain(limited().build())
    assert found.unserved is not None
    (row,) = found.unserved.rows
    assert row.spans == ((1, 1),)
    assert row.mtok == pytest.approx(4.0)
    assert row.penalty_usd == pytest.approx(200.0)
    assert found.unserved.needed is not None
    (change,) = found.unserved.needed.changes
    assert change.chips == pytest.approx([0.0, 4.0])


def given_up(sketch: Sketch) -> Explanation:
    found = explain(sketch.build())
    assert found.unserved is not None
    assert found.unserved.needed is None
    return found


def test_giving_up_is_said_to_be_cheaper() -> None:
    cheap = dataclasses.replace(CHAT, unserved_usd_per_mtok=1.5)
    found = given_up(limited(workloads=(cheap,)))
    assert found.unserved is not None
    (row,) = found.unserved.rows
    assert row.cause == "cheaper"
    assert row.least_usd_per_mtok == pytest.approx(2.0)


def test_a_whole_replica_that_does_not_pay_is_cost_and_no_limit() -> None:
    """1 Mtok saves 5 USD; the replica it needs holds 8 chips at 2 USD."""
    small = WorkloadRow("chat", 5.0, (1.0, 1.0))
    fleet = FleetRows(replicas=(ReplicaRow("model", "alpha", 8.0),))
    found = given_up(limited(workloads=(small,), fleet=fleet))
    assert found.unserved is not None
    (row,) = found.unserved.rows
    assert row.cause == "cheaper"
    assert row.least_usd_per_mtok < 5.0


CLOSED = {
    "residency": (
        limited(workloads=(dataclasses.replace(CHAT, regions=("west",)),), pools=(OWN, OTHER)),
        {"own": "residency: east is not allowed", "other": "no row in routes"},
    ),
    "no route": (limited(routes=()), {"own": "no row in routes"}),
    "price": (
        limited(pools=(dataclasses.replace(OWN, usd_per_chip_hour=(None, 2.0)),)),
        {"own": "price unknown"},
    ),
    "qualification": (
        limited(
            fleet=FleetRows(qualification=(QualificationRow("model", "alpha", from_hours=1.0),))
        ),
        {
            "own": "qualification: model is not qualified for alpha before period 1 "
            "(2026-05-04 01:00)"
        },
    ),
}


@pytest.mark.parametrize(("sketch", "reasons"), CLOSED.values(), ids=CLOSED)
def test_the_rule_that_closes_every_pool_is_named(sketch: Sketch, reasons: dict[str, str]) -> None:
    found = explain(sketch.build())
    assert found.unserved is not None
    row = next(row for row in found.unserved.rows if row.cause == "closed")
    assert dict(row.closed) == reasons
    assert row.spans[0][0] == 0


def test_rules_without_an_amount_are_no_limits() -> None:
    """A replica that starts in period 0 loads for all of it: nothing is served then."""
    slow = ReplicaRow("model", "alpha", 2.0, startup_hours=1.0)
    roomy = dataclasses.replace(OWN, capacity_chips=(40.0, 40.0))
    fleet = FleetRows(replicas=(slow,), in_force=(("model", "own", 0),))
    found = given_up(limited(pools=(roomy,), fleet=fleet))
    assert found.unserved is not None
    (row,) = found.unserved.rows
    assert (row.cause, row.spans) == ("fixed", ((0, 0),))


def test_what_limits_could_serve_is_told_beside_what_they_could_not() -> None:
    """As above, and two chips only: in period 1 it is chips that lack."""
    slow = ReplicaRow("model", "alpha", 2.0, startup_hours=1.0)
    chat = dataclasses.replace(CHAT, demand_mtok=(10.0, 0.0))
    other = dataclasses.replace(CHAT, name="other", demand_mtok=(0.0, 14.0))
    small = dataclasses.replace(OWN, capacity_chips=(2.0, 2.0))
    fleet = FleetRows(replicas=(slow,), in_force=(("model", "own", 0),))
    routes = (*BOTH[:1], RouteRow("other", "own"))
    found = explain(
        limited(workloads=(chat, other), pools=(small,), routes=routes, fleet=fleet).build()
    )
    assert found.unserved is not None
    assert {(row.workload, row.cause) for row in found.unserved.rows} == {
        (0, "fixed"),
        (1, "limits"),
    }
    assert found.unserved.needed is not None
    (change,) = found.unserved.needed.changes
    assert change.chips == pytest.approx([12.0, 12.0])  # replicas start in period 0 to serve in 1


# Candidates.


def test_candidates_of_a_cell_have_the_prices_derived_by_hand() -> None:
    """own is full in period 1: the margin is other's 3 USD, so a chip of own is worth 1 USD."""
    found = explain(limited(pools=(OWN, OTHER), routes=BOTH).build(), workload="chat", period=1)
    assert found.candidates is not None
    assert found.candidates.marginal_usd_per_mtok == pytest.approx(3.0)
    own, other = sorted(found.candidates.rows, key=lambda row: row.pool)
    assert own.placed_mtok == pytest.approx(10.0)
    assert other.placed_mtok == pytest.approx(4.0)
    assert (own.list_usd_per_mtok, other.list_usd_per_mtok) == pytest.approx((2.0, 3.0))
    assert (own.marginal_usd_per_mtok, other.marginal_usd_per_mtok) == pytest.approx((3.0, 3.0))
    assert own.reduced_usd_per_mtok == pytest.approx(0.0, abs=1e-9)


def test_a_dearer_pool_has_its_reduced_cost() -> None:
    found = explain(limited(pools=(OWN, OTHER), routes=BOTH).build(), workload="chat", period=0)
    assert found.candidates is not None
    own, other = sorted(found.candidates.rows, key=lambda row: row.pool)
    assert own.placed_mtok == pytest.approx(10.0)
    # own is just full: what a chip is worth there may be anything from 0 to 1 USD.
    assert 2.0 - 1e-9 <= found.candidates.marginal_usd_per_mtok <= 3.0 + 1e-9
    assert other.placed_mtok == 0
    if found.candidates.marginal_usd_per_mtok < 3.0 - 1e-6:
        assert other.obstacle == "costs more"


def obstacle(sketch: Sketch, workload: str = "chat", pool: int = 0, period: int = 1) -> str:
    found = explain(sketch.build(), workload=workload, period=period)
    assert found.candidates is not None
    return next(row for row in found.candidates.rows if row.pool == pool).obstacle


TRAIN = WorkloadRow("train", 30.0, (10.0, 10.0), priority=2)
OBSTACLES = {
    "residency": (CLOSED["residency"][0], "residency: east is not allowed"),
    "price": (CLOSED["price"][0], "price unknown"),
    "qualification": (
        limited(
            fleet=FleetRows(qualification=(QualificationRow("model", "alpha", from_hours=2.0),))
        ),
        "qualification: model is not qualified for alpha within the horizon",
    ),
    "no chips": (
        limited(pools=(dataclasses.replace(OWN, capacity_chips=(10.0, 0.0)),)),
        "no chips",
    ),
    "a fee": (
        limited(
            pools=(dataclasses.replace(OWN, activation_usd=900.0), OTHER),
            routes=BOTH,
        ),
        "fee of 900.00 USD is not paid",
    ),
    "a pinned workload": (
        limited(
            workloads=(dataclasses.replace(CHAT, single_pool=True),),
            pools=(dataclasses.replace(OWN, capacity_chips=(1.0, 1.0)), OTHER),
            routes=BOTH,
        ),
        "single_pool: other was chosen",
    ),
    "no replica": (
        limited(
            pools=(dataclasses.replace(OWN, capacity_chips=(3.0, 3.0)), OTHER),
            routes=BOTH,
            fleet=FleetRows(replicas=(ReplicaRow("model", "alpha", 4.0),)),
        ),
        "no replica of model runs there",
    ),
}


@pytest.mark.parametrize(("sketch", "words"), OBSTACLES.values(), ids=OBSTACLES)
def test_what_closes_a_pool_is_named(sketch: Sketch, words: str) -> None:
    assert obstacle(sketch) == words


def test_a_full_pool_says_what_a_chip_is_worth() -> None:
    """idle would save 2 USD on own, whose chips serve chat, which saves 50 - 2."""
    idle = WorkloadRow("idle", 4.0, (1.0, 1.0))
    sketch = limited(workloads=(CHAT, idle), routes=(*BOTH[:1], RouteRow("idle", "own")))
    assert obstacle(sketch, "idle") == "pool full (worth 48 USD/chip-hour more)"


def test_a_share_at_its_limit_is_named() -> None:
    """Of two workloads the one that saves less finds the share of own used up."""
    idle = WorkloadRow("idle", 4.0, (1.0, 1.0))
    roomy = dataclasses.replace(OWN, capacity_chips=(90.0, 90.0))
    sketch = limited(
        workloads=(dataclasses.replace(CHAT, demand_mtok=(20.0, 20.0)), idle),
        pools=(roomy, OTHER),
        routes=(*BOTH, RouteRow("idle", "own")),
        shares=(ShareRow("most", "pool", "own", "tokens", max=0.5),),
    )
    assert "share most is at its max" in obstacle(sketch, "idle")


def test_a_lower_priority_waits_behind_a_higher() -> None:
    """chat is given up in part, so train may not use own at all, though it fits better."""
    urgent = dataclasses.replace(CHAT, demand_mtok=(30.0, 30.0))
    sketch = limited(workloads=(urgent, TRAIN), routes=(*BOTH[:1], RouteRow("train", "own", 0.1)))
    assert obstacle(sketch, "train") == "behind a workload of higher priority that is given up"


def test_a_workload_that_waits_is_told_the_best_period_of_each_pool() -> None:
    """Tokens of period 0 may wait until 2, when own costs 1 USD."""
    batch = WorkloadRow("batch", 9.0, (5.0, 0.0, 0.0, 0.0), deadline_periods=2)
    own = PoolRow("own", (4.0, 3.0, 1.0, 0.5), (10.0,) * 4)
    other = PoolRow("other", (2.0, 3.0, 4.0, 0.5), (10.0,) * 4)
    routes = (RouteRow("batch", "own"), RouteRow("batch", "other"))
    found = explain(Sketch((batch,), (own, other), routes).build(), workload="batch", period=0)
    assert found.candidates is not None
    assert found.candidates.last_period == 2
    first, second = found.candidates.rows
    assert (first.pool, first.period, first.placed_mtok) == (0, 2, pytest.approx(5.0))
    assert (second.pool, second.period, second.placed_mtok) == (1, 0, 0.0)
    assert second.reduced_usd_per_mtok == pytest.approx(1.0)


def test_reduced_costs_of_open_pools_are_never_below_zero() -> None:
    """At an optimum of a linear program nothing is cheaper than where the tokens are."""
    instance = optimizer.generate(workloads=12, pools=5, periods=4, seed=3, shares=True)
    for workload in instance.workloads.workload[:6]:
        found = explain(instance, workload=workload, period=2)
        assert found.candidates is not None
        cells = [row for row in found.candidates.rows if row.open]
        reduced = np.array([row.reduced_usd_per_mtok for row in cells])
        placed = np.array([row.placed_mtok for row in cells]) > 1e-6
        assert (reduced >= -1e-6).all()
        assert np.abs(reduced[placed]).max(initial=0.0) <= 1e-6

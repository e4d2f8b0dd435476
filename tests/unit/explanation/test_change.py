"""Changes of rules: what an instance is with them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer.errors import InternalError
from optimizer.explanation.change import Change, change_of, relaxed
from optimizer.explanation.rules import Rule, limit_of, relative_size, rules_of
from optimizer.instance.instance import Instance
from tests.pipeline.fleet_rows import FleetRows, OutageRow, PowerRow, ReplicaRow
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow


def everything() -> Instance:
    """One rule of each family."""
    pools = (
        PoolRow("own", (2.0, 2.0), (10.0, 8.0), "reserved", watts_per_chip=1000.0),
        PoolRow("other", (3.0, 3.0), (0.0, 0.0), "on_demand", "south"),
        PoolRow("dark", (None, 3.0), (5.0, 5.0), "on_demand", "west"),
    )
    fleet = FleetRows(
        min_replicas=(("model", 3),),
        replicas=(ReplicaRow("model", "alpha", 2.0, max_changes_per_period=2.0),),
        outages=(OutageRow("loss", "pool", "own", 0.5), OutageRow("south", "provider", "south")),
        power=(PowerRow("site", "pool", "own", 0.01),),
    )
    shares = (
        ShareRow("both", "provider", "north", "compute", min=0.25, max=0.5),
        ShareRow("none", "provider", "south", "tokens", min=0.0, max=1.0),
    )
    chat = WorkloadRow("chat", 20.0, (1.0, 1.0), protected=True)
    return Sketch(
        (chat,), pools, (RouteRow("chat", "own"),), shares, fleet=fleet, budget_usd=100.0
    ).build()


def test_every_rule_that_says_something_is_listed_once() -> None:
    assert [(rule.family, rule.row) for rule in rules_of(everything())] == [
        ("share_max", 0),
        ("share_min", 0),
        ("budget", 0),
        ("min_replicas", 0),
        ("max_changes", 0),
        ("outage", 0),
        ("outage", 1),
        ("power", 0),
        ("capacity", 0),
        ("capacity", 1),
    ]


def test_sizes_are_never_zero() -> None:
    instance = everything()
    assert all(relative_size(instance, rule) > 0 for rule in rules_of(instance))
    assert relative_size(instance, Rule("capacity", 1)) == pytest.approx(5.0)  # mean of 10 and 0
    poor = dataclasses.replace(instance, budget_usd=1.0)
    assert relative_size(poor, Rule("budget", 0)) == pytest.approx(36.0)  # (10 + 8) x 2 USD


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        (Rule("share_max", 0), 0.6, 0.6),
        (Rule("share_max", 0), 2.0, 1.0),
        (Rule("share_min", 0), 0.125, 0.125),
        (Rule("budget", 0), 120.0, 120.0),
        (Rule("min_replicas", 0), 2.0, 2),
        (Rule("max_changes", 0), 4.0, 4),
        (Rule("outage", 0), 0.25, 0.25),
        (Rule("power", 0), 0.02, 0.02),
    ],
)
def test_a_limit_becomes_what_it_must_and_a_hair_more(
    rule: Rule, after: float, expected: float
) -> None:
    instance = everything()
    change = change_of(instance, rule, after)
    exact = limit_of(relaxed(instance, change, hair=0.0), rule)
    assert exact == expected
    wider = limit_of(relaxed(instance, change), rule)
    assert wider == pytest.approx(expected, rel=1e-5)
    if rule.family in ("share_min", "outage"):
        assert wider < exact
    elif expected not in (1.0, 2, 4):
        assert wider > exact


def test_chips_are_added_where_they_lack_and_nowhere_else() -> None:
    instance = everything()
    rule = Rule("capacity", 0)
    change = change_of(instance, rule, 0.0, np.array([0.0, 3.0]))
    assert change.amount == 3.0
    assert change.part_of(10.0) == pytest.approx(0.15)
    chips = relaxed(instance, change).capacity_chips
    assert chips[0, 0] == 10.0
    assert 11.0 < chips[0, 1] < 11.001
    assert (chips[1:] == instance.capacity_chips[1:]).all()
    assert instance.capacity_chips[0, 1] == 8.0


def test_an_outage_that_protects_nothing_goes() -> None:
    changed = relaxed(everything(), Change(Rule("outage", 0), 0.5, 0.0))
    assert changed.outages.outage == ("south",)


def test_a_min_is_not_raised_above_its_max() -> None:
    """A lower max stops at the min of its own row: a row with both crossed is refused as input."""
    changed = relaxed(everything(), Change(Rule("share_max", 0), 0.5, 0.1), hair=0.0)
    assert limit_of(changed, Rule("share_max", 0)) == 0.25


def test_scaled_changes_move_part_of_the_way() -> None:
    change = Change(Rule("capacity", 0), 0.0, 4.0, np.array([4.0, 2.0])).scaled(0.5)
    assert change.after == 2.0
    assert change.chips == pytest.approx([2.0, 1.0])
    assert Change(Rule("budget", 0), 100.0, 140.0).scaled(0.25).after == pytest.approx(110.0)


def test_a_capacity_without_chips_is_a_fault() -> None:
    with pytest.raises(InternalError, match="needs the chips of each period"):
        change_of(everything(), Rule("capacity", 0), 1.0)

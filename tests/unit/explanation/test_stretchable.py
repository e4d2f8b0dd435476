"""The stretchable program: what it costs to keep what cannot be kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer.explanation.rules import Rule, rules_of
from optimizer.explanation.search import Answer, Search
from optimizer.explanation.stretchable import stretchable
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from tests.pipeline.clashes import CLASHES
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow

BUDGET = Rule("budget", 0)


def least(instance: Instance, *rules: Rule, free: tuple[Rule, ...] = ()) -> Answer:
    return Search(Limits()).least(stretchable(instance, rules, free), whole=True)


def cost(instance: Instance, *rules: Rule, free: tuple[Rule, ...] = ()) -> float:
    stretch = stretchable(instance, rules, free)
    answer = Search(Limits()).least(stretch, whole=True)
    assert answer.values is not None
    return float(stretch.program.cost @ answer.values)


def test_amounts_are_charged_as_parts_of_their_limits() -> None:
    """A budget of 30 USD where 40 are spent: 10 of 40, since that is the greater."""
    instance = CLASHES["budget below what reserved chips cost"].build()
    assert cost(instance, BUDGET) == pytest.approx(0.25)
    assert cost(instance, free=(BUDGET,)) == pytest.approx(0.0)
    assert least(instance).feasible is False


def test_more_chips_of_a_reserved_pool_are_paid_by_the_budget() -> None:
    """5 Mtok more need 5 chips at 2 USD, of which the budget has 6 left: 3 chips."""
    chat = WorkloadRow("chat", 20.0, (15.0,))
    pool = PoolRow("own", (2.0,), (10.0,), "reserved")
    sketch = Sketch((chat,), (pool,), (RouteRow("chat", "own"),), budget_usd=26.0)
    chips = Rule("capacity", 0)
    instance = sketch.build()
    for unserved, feasible in ((2.0, True), (1.9, False)):
        stretch = stretchable(instance, (chips,), most_unserved=np.array([[unserved]]))
        answer = Search(Limits()).least(stretch, whole=False)
        assert answer.feasible is feasible
        if answer.values is not None:
            assert stretch.chips(answer.values)[0] == pytest.approx([3.0])


def test_more_chips_of_a_reserved_pool_count_as_spend() -> None:
    """own spends 20 USD, rented at most 12: at most 12 / 32 of all, and less with more of own."""
    chat = WorkloadRow("chat", 20.0, (15.0,))
    pools = (
        PoolRow("own", (2.0,), (10.0,), "reserved"),
        PoolRow("rented", (3.0,), (4.0,), provider="south"),
    )
    routes = (RouteRow("chat", "own"), RouteRow("chat", "rented"))
    shares = (ShareRow("most", "pool", "rented", "spend", max=0.3),)
    instance = Sketch((chat,), pools, routes, shares).build()
    # To serve all, own has x chips more and rented 5 - x: 3 (5 - x) <= 0.3 (20 + 2 x + 3 (5 - x)),
    # so that x >= 4.5 / 2.7.
    stretch = stretchable(instance, (Rule("capacity", 0),), most_unserved=np.zeros((1, 1)))
    answer = Search(Limits()).least(stretch, whole=False)
    assert answer.values is not None
    assert stretch.chips(answer.values)[0] == pytest.approx([4.5 / 2.7])


def test_chips_of_a_pool_with_a_fee_are_those_that_there_are() -> None:
    """10 of 15 Mtok fit, fee or not; 5 chips more serve the rest."""
    chat = WorkloadRow("chat", 20.0, (15.0,))
    pool = PoolRow("own", (2.0,), (10.0,), activation_usd=7.0)
    instance = Sketch((chat,), (pool,), (RouteRow("chat", "own"),)).build()
    other = dataclasses.replace(instance, budget_usd=1e6)
    for problem in (instance, other):
        stretch = stretchable(problem, (Rule("capacity", 0),), most_unserved=np.zeros((1, 1)))
        answer = Search(Limits()).least(stretch, whole=True)
        assert answer.values is not None
        assert stretch.chips(answer.values)[0] == pytest.approx([5.0])


def test_what_may_not_give_is_as_hard_as_it_was() -> None:
    """Each clash is one with no rule free, and none with all of them free."""
    for name, clash in CLASHES.items():
        instance = clash.build()
        assert least(instance).feasible is False, name
        assert cost(instance, free=rules_of(instance)) == pytest.approx(0.0), name


def test_no_time_means_no_answer() -> None:
    instance = CLASHES["budget below what reserved chips cost"].build()
    answer = Search(Limits(seconds=0.0)).least(stretchable(instance, (BUDGET,)), whole=True)
    assert answer.feasible is None
    assert answer.values is None

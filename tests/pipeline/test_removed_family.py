"""The judge names the rule that a model forgot, and no other.

A family is left out of the formulation; where the plan then becomes cheaper than any legal
one, the judge must refuse it. This shows at once that the judge looks at the family and that
the model needs it: two faults that cancel would pass every other test.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import optimizer
from optimizer.evaluation.bound import lower_bound
from optimizer.evaluation.evaluate import Evaluation, evaluate
from optimizer.instance.instance import Instance
from optimizer.methods.direct import Direct
from optimizer.model import formulation as formulation_module
from optimizer.model.formulation import Formulation
from optimizer.prices import Prices
from optimizer.solvers.base import Reason
from optimizer.solvers.blocks import join, split
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from tests.pipeline.dense_plan import dense
from tests.pipeline.oracle import least_of_all_choices, optimum, violations_of
from tests.pipeline.sketch import Sketch
from tests.pipeline.strategies import instances, whole_number_sketches

TINY = Path(__file__).parents[2] / "instances" / "tiny"
WITHOUT = {
    "demand": Formulation(demand=None),
    "deadline": Formulation(deadline=None),
    "capacity": Formulation(capacity=None),
    "shares": Formulation(shares=None),
    "residency": Formulation(residency=False),
    "activation": Formulation(activation=None),
    "single_pool": Formulation(single_pool=None),
    "replicas": Formulation(replicas=None),
    "startup": Formulation(startup=None),
    "contracts": Formulation(contracts=False),
    "outages": Formulation(outages=None),
    "power": Formulation(power=None),
    "budget": Formulation(budget=None),
    "priority": Formulation(priority=None),
    "qualification": Formulation(qualification=False),
}
"""The formulation without each family."""
NAMED = {"activation": ("cost",), "startup": ("cost", "replicas", "startup")}
"""What the judge calls a family that is missing, where it is not by its own name: a fee that
was forgotten is a cost, and a start that was forgotten costs money and working hours as well."""
BINDING = [
    *((family, family) for family in WITHOUT),
    ("shares", "shares_spend"),
    ("shares", "shares_period"),
]
"""Family, and the tiny instance in which it binds."""

STEADY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=30,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)

SMALL = instances(max_workloads=3, max_pools=3, max_periods=4)
DRAWN = {
    "activation": whole_number_sketches(pins=False).map(Sketch.build),
    "single_pool": whole_number_sketches(fees=False).map(Sketch.build),
}
"""Problems for the families that :data:`SMALL` has none of. Without the family nothing in them
takes whole numbers."""

RANDOM = (
    "demand",
    "deadline",
    "capacity",
    "shares",
    "residency",
    "activation",
    "single_pool",
)
"""Families that these problems have."""

Float = NDArray[np.float64]


def judged(instance: Instance, stated: Formulation) -> tuple[Evaluation, float] | None:
    """What the judge says of the model's optimum, and what the model thinks it costs."""
    model = stated.build(instance)
    parts = split(model.program)
    solver = Glop() if model.program.integer is None else Highs()
    whole = join(model.program, parts, [solver.solve(part.program) for part in parts])
    if whole.reason is Reason.INFEASIBLE:
        return None
    assert whole.reason is Reason.OPTIMAL, whole.detail
    assert whole.values is not None
    prices = None
    if whole.duals is not None and len(whole.duals):
        prices = model.prices(whole.duals)
    claimed = model.program.offset + float(model.program.cost @ whole.values)
    plan = model.decode(instance, whole.values)
    return evaluate(instance, plan, prices, claimed), claimed


def test_every_family_is_left_out_once() -> None:
    """A new family of the formulation needs a line above."""
    assert set(WITHOUT) == set(Formulation.families())


@pytest.mark.parametrize(("family", "folder"), BINDING)
def test_judge_names_the_family_that_the_model_forgot(family: str, folder: str) -> None:
    instance = optimizer.read(TINY / folder)
    found = judged(instance, WITHOUT[family])
    assert found is not None
    assert set(found[0].violation_counts) == named(family)
    whole = judged(instance, Formulation())
    assert whole is not None
    assert whole[0].verified


@pytest.mark.parametrize("family", WITHOUT)
def test_result_without_a_family_is_no_plan(family: str) -> None:
    """The whole way: two solvers are tried, both are refused, the exit code is the judge's."""
    instance = optimizer.read(TINY / family)
    result = optimizer.solve(instance, method=Direct(formulation=WITHOUT[family]))
    assert (result.status, result.failure, result.exit_code) == ("no_plan", "judge", 8)
    assert not result.verified
    assert result.reason.startswith("the judge refused the plan: ")
    assert all(f"{name} (" in result.reason for name in named(family))
    assert any("the judge refused its plan (" in note for note in result.notes)


def named(family: str) -> set[str]:
    """What the judge calls a family that the model forgot."""
    return set(NAMED.get(family, (family,)))


def uses(instance: Instance, family: str) -> bool:
    """Whether an instance has anything that the family could say no to."""
    if family == "activation":
        return bool((instance.pools.activation_usd > 0).any())
    if family == "single_pool":
        return bool(instance.workloads.single_pool.any())
    if family == "residency":
        return not instance.route_allowed.all()
    if family == "shares":
        return len(instance.shares.share) > 0
    later = instance.workloads.deadline_periods > 0
    return bool(later.any()) if family == "deadline" else True


@pytest.mark.parametrize("family", RANDOM)
def test_judge_names_the_family_on_random_problems(family: str) -> None:
    """Thirty problems in which a plan without the family is cheaper than any legal one."""
    seen = []

    @STEADY
    @given(DRAWN.get(family, SMALL))
    def check(instance: Instance) -> None:
        assume(uses(instance, family))
        found = judged(instance, WITHOUT[family])
        assume(found is not None)
        assert found is not None
        evaluation, claimed = found
        oracle = least_of_all_choices(instance)
        infeasible = oracle.status == "infeasible"
        assume(infeasible or claimed < oracle.objective_usd - 1e-3)
        seen.append(instance)
        assert set(evaluation.violation_counts) == named(family)

    check()
    assert len(seen) >= 30


@pytest.mark.parametrize("family", RANDOM)
def test_family_that_does_not_bind_changes_nothing(family: str) -> None:
    """Where the plan without it is as dear, it may only be refused for that family."""

    @STEADY
    @given(DRAWN.get(family, SMALL))
    def check(instance: Instance) -> None:
        found = judged(instance, WITHOUT[family])
        if found is not None:
            assert set(found[0].violation_counts) <= named(family)

    check()


@pytest.fixture
def reserved_is_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model pay for reserved chips as they are used."""

    def as_used(instance: Instance, routes: NDArray[np.int32]) -> Float:
        table = instance.routes
        price = instance.price_usd_per_chip_hour[table.pool[routes]]
        hours = table.chip_hours_per_mtok[routes][:, None]
        return np.asarray(hours * price + table.usd_per_mtok[routes][:, None])

    monkeypatch.setattr(formulation_module, "placement_usd_per_mtok", as_used)
    monkeypatch.setattr(formulation_module, "constant_usd", lambda instance: 0.0)


@pytest.mark.usefixtures("reserved_is_on_demand")
def test_wrong_cost_is_refused_as_cost() -> None:
    """A plan that keeps every rule and is not the price it claims."""
    instance = optimizer.read(TINY / "purchase")
    found = judged(instance, Formulation())
    assert found is not None
    assert set(found[0].violation_counts) == {"cost"}
    result = optimizer.solve(instance)
    assert (result.status, result.exit_code) == ("no_plan", 8)
    assert "cost (1)" in result.reason


# --- the bound -----------------------------------------------------------------------------


@st.composite
def prices(draw: st.DrawFn, instance: Instance) -> Prices:
    """Any prices >= 0 on limits that exist, some 0, some absurd."""
    usd = st.one_of(
        st.just(0.0), st.integers(0, 40).map(lambda n: n / 4), st.sampled_from((1e-6, 1e4))
    )

    def several(count: int) -> Float:
        return np.array(draw(st.lists(usd, min_size=count, max_size=count)), float)

    shares = instance.shares
    capacity = several(instance.num_pools * instance.num_periods)
    top, low = several(len(shares.share)), several(len(shares.share))
    return Prices.of(
        instance,
        capacity_usd_per_chip_hour=capacity.reshape(instance.num_pools, instance.num_periods),
        share_max_usd=np.where(np.isnan(shares.max), 0.0, top)[:, None],
        share_min_usd=np.where(np.isnan(shares.min), 0.0, low)[:, None],
    )


@settings(STEADY, max_examples=200)
@given(st.data(), SMALL)
def test_bound_is_one_at_any_prices(data: st.DataObject, instance: Instance) -> None:
    """No prices, however wrong, prove more than the least cost there is."""
    oracle = optimum(instance)
    assume(oracle.status == "optimal")
    bound = lower_bound(instance, data.draw(prices(instance)))
    assert bound.usd <= oracle.objective_usd + 1e-7 * max(1.0, abs(oracle.objective_usd))
    assert bound.rounding_usd >= 0


@settings(STEADY, max_examples=100)
@given(SMALL)
def test_bound_is_tight_at_the_prices_of_the_optimum(instance: Instance) -> None:
    found = judged(instance, Formulation())
    assume(found is not None)
    assert found is not None
    cost = found[0].objective_usd
    assert found[0].verified
    assert cost - found[0].bound.usd <= 1e-6 * cost + 1e-7


# --- plans edited by hand ------------------------------------------------------------------


def edited(plan: optimizer.Plan, how: str, which: int, pool: int) -> optimizer.Plan:
    """Change one placement of a plan."""
    mtok, pools = plan.placed_mtok.copy(), plan.pool.copy()
    if how == "move":
        pools[which] = pool
    elif how == "add":
        mtok[which] *= 1.01
    elif how == "drop":
        mtok[which] = 0.0
    return dataclasses.replace(plan, placed_mtok=mtok, pool=pools)


@settings(STEADY, max_examples=150)
@given(SMALL, st.sampled_from(("move", "add", "drop")), st.data())
def test_edited_plan_is_judged_as_the_dense_rules_say(
    instance: Instance, how: str, data: st.DataObject
) -> None:
    """The judge and the rules written out densely find the same families broken."""
    model = Formulation().build(instance)
    parts = split(model.program)
    whole = join(model.program, parts, [Glop().solve(part.program) for part in parts])
    assume(whole.reason is Reason.OPTIMAL)
    assert whole.values is not None
    plan = model.decode(instance, whole.values)
    assume(len(plan.pool) > 0)
    which = data.draw(st.integers(0, len(plan.pool) - 1))
    changed = edited(plan, how, which, data.draw(st.integers(0, instance.num_pools - 1)))
    evaluation = evaluate(instance, changed)
    broken = set(violations_of(instance, *dense(instance, changed)))
    judged_broken = set(evaluation.violation_counts)
    if broken & {"left_out", "routes"}:
        # What such a placement adds to a load or a share is not defined.
        unclear = {"capacity", "shares"}
        broken, judged_broken = broken - unclear, judged_broken - unclear
    assert judged_broken == broken
    if how in ("add", "drop"):
        family = "demand"
        if instance.workloads.deadline_periods[plan.workload[which]] > 0:
            family = "deadline"
        assert family in evaluation.violation_counts


@pytest.mark.parametrize(
    ("how", "families"),
    [("move", {"cost", "capacity"}), ("add", {"cost", "capacity", "demand"}),
     ("drop", {"cost", "demand"})],
)  # fmt: skip
def test_edited_plan_does_not_cost_what_it_claims(how: str, families: set[str]) -> None:
    """The largest placement of a full cheap pool, moved, enlarged or dropped."""
    result = optimizer.solve(optimizer.read(TINY / "capacity"))
    assert result.plan is not None
    assert result.evaluation is not None
    full = np.flatnonzero((result.plan.pool == 0) & (result.plan.period == 2))
    changed = edited(result.plan, how, int(full[0]), 1)
    verdict = evaluate(result.instance, changed, None, result.objective_usd)
    assert set(verdict.violation_counts) == families


def test_price_on_a_limit_that_is_not_there_proves_nothing() -> None:
    """The tiny share has no min; a price on it must not lift the bound above the optimum."""
    result = optimizer.solve(optimizer.read(TINY / "shares"))
    assert result.plan is not None
    prices_on_nothing = Prices.of(result.instance, share_min_usd=np.ones((1, 1)))
    verdict = evaluate(result.instance, result.plan, prices_on_nothing)
    assert not verdict.bound.usd > 64

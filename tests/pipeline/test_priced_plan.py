"""What prices settle becomes a plan that keeps every limit, whatever was settled."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.evaluation.evaluate import evaluate
from optimizer.instance.generate import generate
from optimizer.instance.instance import Instance
from optimizer.kernels import blocks
from optimizer.methods import priced_plan
from optimizer.methods.market import Market
from optimizer.methods.overflow import Placements
from optimizer.methods.priced_plan import Settled, plan_of
from optimizer.plan import Plan, from_cells


@pytest.fixture(scope="module")
def instance() -> Instance:
    return generate(workloads=60, pools=6, periods=9, seed=5)


def drawn(market: Market) -> tuple[Settled, Placements]:
    """Everyone on any route, in all but the last period; some cells split beside."""
    random = np.random.default_rng(2)
    count = np.diff(market.first)
    shape = market.demand.shape
    only = market.first[:-1, None] + (random.random(shape) * count[:, None]).astype(np.int64)
    only = np.where((count[:, None] > 0) & (random.random(shape) < 0.9), only, -2).astype(np.int32)
    done = np.arange(shape[1]) < shape[1] - 1
    workload, period = np.nonzero((only < 0) & (count[:, None] > 1) & done)
    route = np.concatenate([market.first[workload], market.first[workload] + 1])
    mtok = np.tile(0.4 * market.demand[workload, period], 2)
    turned = random.permutation(len(route))
    workload, period = np.tile(workload, 2), np.tile(period, 2)
    others = Placements(route[turned], workload[turned], period[turned], mtok[turned])
    return Settled(only, done), others


def made(instance: Instance) -> Plan:
    market = Market.of(instance)
    return plan_of(instance, market, *drawn(market))


def test_the_judge_accepts_it(instance: Instance) -> None:
    """Overloaded pools serve a part of what was settled there; the rest is given up."""
    market = Market.of(instance)
    settled, others = drawn(market)
    plan = made(instance)
    found = evaluate(instance, plan)
    assert found.verified, found.violations
    asked = np.where((settled.only >= 0) & settled.done, market.demand, 0.0).sum()
    assert plan.placed_mtok.sum() < 0.999 * (asked + others.mtok.sum())
    full = found.load_chip_hours > 0.999 * market.capacity
    assert full.any()
    assert not full.all()
    last = plan.unserved_period == instance.num_periods - 1
    assert plan.unserved_mtok[last].sum() == pytest.approx(instance.demand_mtok[:, -1].sum())


def test_it_is_what_sorting_would_give(instance: Instance) -> None:
    market = Market.of(instance)
    settled, others = drawn(market)
    workload, period = np.nonzero((settled.only >= 0) & settled.done & (market.demand > 0))
    route = np.concatenate([settled.only[workload, period], others.route])
    mtok = np.concatenate([market.demand[workload, period], others.mtok])
    workload = np.concatenate([workload, others.workload])
    period = np.concatenate([period, others.period])
    plan = made(instance)
    load = np.zeros(market.capacity.shape)
    np.add.at(load, (market.pool[route], period), market.hours[route] * mtok)
    part = np.minimum(1.0, market.capacity / np.maximum(load, 1e-300))
    mtok = mtok * part[market.pool[route], period]
    expected = from_cells(
        instance, workload.astype(np.int32), market.pool[route], period.astype(np.int32),
        mtok, np.zeros(market.demand.shape),
    )  # fmt: skip
    for axis in ("workload", "pool", "period"):
        assert np.array_equal(getattr(plan, axis), getattr(expected, axis))
    np.testing.assert_allclose(plan.placed_mtok, expected.placed_mtok, rtol=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_it_does_not_depend_on_threads(
    instance: Instance, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priced_plan, "BLOCK_CELLS", 1)
    alone = made(instance)
    monkeypatch.setattr(blocks, "usable_cpus", lambda: threads)
    shared = made(instance)
    assert np.array_equal(alone.placed_mtok, shared.placed_mtok)
    assert np.array_equal(alone.unserved_mtok, shared.unserved_mtok)


def test_nothing_settled_is_nothing_served(instance: Instance) -> None:
    market = Market.of(instance)
    plan = plan_of(instance, market, Settled.nothing(market), Placements.joined([]))
    assert len(plan.placed_mtok) == 0
    assert plan.unserved_mtok.sum() == pytest.approx(instance.demand_mtok.sum())
    assert evaluate(instance, plan).verified

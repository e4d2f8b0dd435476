"""The same draws for the same names: plans side by side, threads, early ends."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from optimizer.evaluation.risk import Risk, risk
from optimizer.evaluation.uncertainty import Uncertainty
from optimizer.instance.instance import Instance
from optimizer.kernels import blocks
from optimizer.methods.greedy import greedy_plan
from optimizer.plan import Plan
from optimizer.progress import Silent
from tests.pipeline.fleet_draws import drawn
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow
from tests.unit.evaluation.one_pool import (
    plan_of,
    ranged,
)

ALL = Uncertainty(demand=(0.6, 1.9), throughput=(0.7, 1.2))


def mixed(seed: int = 4) -> tuple[Instance, Plan]:
    instance = ranged(drawn("mixed", seed).build())
    return instance, greedy_plan(instance)


def test_a_plan_against_itself_differs_nowhere() -> None:
    instance, plan = mixed()
    found = risk(instance, plan, against=plan, draws=500, uncertainty=ALL).against
    assert found is not None
    assert (found.difference.least, found.difference.most) == (0.0, 0.0)
    assert (found.unserved_difference.least, found.unserved_difference.most) == (0.0, 0.0)
    assert found.chance_cheaper == 0.0


def test_two_plans_meet_the_same_draws() -> None:
    """Their difference is what each by itself says, and is known better than from draws apart."""
    instance, plan = mixed()
    other = Plan.nothing_served(instance)
    pair = risk(instance, plan, against=other, draws=500, uncertainty=ALL)
    alone = risk(instance, other, draws=500, uncertainty=ALL)
    assert pair.against is not None
    assert np.array_equal(pair.against.sample.cost_usd, alone.sample.cost_usd)
    assert pair.against.difference.mean == pytest.approx(pair.cost.mean - alone.cost.mean)
    assert pair.against.difference.standard_error < pair.against.independent_standard_error


def test_a_pool_more_changes_no_draw_of_the_others() -> None:
    rows = (PoolRow("p", (2.0,), (12.0,)), PoolRow("q", (3.0,), (5.0,), provider="south"))
    more = PoolRow("extra", (1.0,), (5.0,), provider="other", chip="beta")
    workloads = (WorkloadRow("a", 9.0, (10.0,)),)
    routes = (RouteRow("a", "p"), RouteRow("a", "q"))
    few = ranged(Sketch(workloads, rows, routes).build())
    many = ranged(Sketch(workloads, (more, *rows), (*routes, RouteRow("a", "extra"))).build())
    found = risk(few, plan_of(few, (0, 0, 0, 8.0), (0, 1, 0, 2.0)), draws=200, uncertainty=ALL)
    other = risk(many, plan_of(many, (0, 1, 0, 8.0), (0, 2, 0, 2.0)), draws=200, uncertainty=ALL)
    assert found.cost.standard_deviation > 1
    assert np.array_equal(found.sample.cost_usd, other.sample.cost_usd)


def same(one: Risk, other: Risk, count: int) -> bool:
    """Whether the first draws of two samples are the same to the last digit."""
    names = ("cost_usd", "spent_usd", "unserved_mtok", "arriving_mtok", "crowded_mtok")
    return all(
        np.array_equal(getattr(one.sample, name)[:count], getattr(other.sample, name)[:count])
        for name in names
    )


def test_same_seed_same_answer_with_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    instance, plan = mixed()
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(blocks, "usable_cpus", lambda threads=threads: threads)
        found.append(risk(instance, plan, draws=3000, uncertainty=ALL, seed=7))
    for one in found[1:]:
        assert same(found[0], one, 3000)
        for entry in fields(Risk):
            if entry.name not in ("sample", "seconds", "ranges", "instance"):
                assert getattr(one, entry.name) == getattr(found[0], entry.name), entry.name


def test_more_draws_begin_with_the_same_ones() -> None:
    instance, plan = mixed()
    few = risk(instance, plan, draws=700, uncertainty=ALL)
    assert same(few, risk(instance, plan, draws=1201, uncertainty=ALL), 700)
    assert not same(few, risk(instance, plan, draws=700, uncertainty=ALL, seed=1), 700)


class Interrupted(Silent):
    """Ctrl-C after some steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, count: int = 1) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


def test_ctrl_c_gives_what_was_drawn() -> None:
    instance, plan = mixed()
    stop = Interrupted(1)
    found = risk(instance, plan, draws=100_000, uncertainty=ALL, progress=stop)
    assert found.limit == "interrupt"
    assert 0 < found.draws < found.asked == 100_000
    whole = risk(instance, plan, draws=found.draws, uncertainty=ALL)
    assert same(found, whole, found.draws)
    assert len(whole.sample) == found.draws == len(found.sample)


def test_time_limit_gives_at_least_a_block() -> None:
    instance, plan = mixed()
    found = risk(instance, plan, draws=1_000_000, uncertainty=ALL, seconds=0.0)
    assert found.limit == "time"
    assert 0 < found.draws < 1_000_000
    assert risk(instance, plan, draws=10, uncertainty=ALL, seconds=0.0).limit == ""


def test_sources_alone() -> None:
    """What each does by itself is what a run with the others certain says."""
    instance, plan = mixed()
    found = {row.name: row for row in risk(instance, plan, draws=400, uncertainty=ALL).sources}
    assert set(found) == {"demand", "throughput", "price"}
    for name, settings in (
        ("demand", Uncertainty(demand=ALL.demand)),
        ("throughput", Uncertainty(throughput=ALL.throughput)),
        ("price", Uncertainty()),
    ):
        of = instance if name == "price" else drawn("mixed", 4).build()
        own = plan if name == "price" else greedy_plan(of)
        alone = risk(of, own, draws=400, uncertainty=settings).cost
        assert found[name].mean_usd == pytest.approx(alone.mean)
        assert found[name].standard_deviation_usd == pytest.approx(alone.standard_deviation)

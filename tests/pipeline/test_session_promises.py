"""Sessions keep promises of latency as solving from nothing does, and start at the last prices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optimizer
from optimizer.cli.main import call
from optimizer.instance.select import select
from optimizer.methods.base import Found, Limits, Method
from optimizer.methods.direct import Direct
from optimizer.methods.price import Price
from optimizer.reports.plan_folder import write_plan_folder
from optimizer.result import Result
from optimizer.serving.routes import derive
from optimizer.session import Session
from tests.unit.evaluation.shared_replicas import in_whole_replicas
from tests.unit.evaluation.tightened import folder_of, too_fast

EXACT = Limits(relative_gap=1e-9, threads=2)


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[Method]:
    """The methods of all searches, as they come."""
    seen: list[Method] = []

    def heard(self: Price | Direct, *given: Any) -> Found:
        seen.append(self)
        return (ask_price if isinstance(self, Price) else ask_direct)(self, *given)  # type: ignore[arg-type]

    ask_price, ask_direct = Price.__call__, Direct.__call__
    monkeypatch.setattr(Price, "__call__", heard)
    monkeypatch.setattr(Direct, "__call__", heard)
    return seen


def same(session: Session, method: str) -> Result:
    """The session's answer is the one from nothing, factors and all."""
    limits = EXACT if method == "price" else Limits(threads=2)
    warm = session.solve(method=method, limits=limits)
    cold = optimizer.solve(session.instance, method="direct", limits=limits)
    assert warm.status == "optimal"
    assert warm.latency is not None
    assert cold.latency is not None
    assert warm.latency.broken == cold.latency.broken
    assert warm.objective_usd == pytest.approx(cold.objective_usd, rel=1e-8)
    assert warm.tightening_rounds == cold.tightening_rounds
    assert warm.slower is not None
    assert warm.slower == pytest.approx(cold.slower)
    return warm


@pytest.mark.parametrize("method", ["price", "direct"])
def test_answers_are_those_from_nothing_whatever_was_tightened_before(method: str) -> None:
    """Factors of before would often do, and cost far more."""
    instance = too_fast(chips=12.0)
    if method == "direct":
        instance = derive(in_whole_replicas(chips=40.0))[0]
    session, demand = optimizer.open(instance), instance.demand_mtok
    first = same(session, method)
    assert first.tightening_rounds >= 1
    session.change(demand_mtok=demand * [[1.0], [1.5]])
    same(session, method)
    session.change(demand_mtok=demand)
    assert same(session, method).objective_usd == pytest.approx(first.objective_usd, rel=1e-8)
    session.change(usd_per_chip_hour={"p": 3.0})
    same(session, method)
    session.change(capacity_chips=instance.capacity_chips / 2)
    same(session, method)


def test_each_search_starts_where_the_last_one_ended(searched: list[Method]) -> None:
    session = optimizer.open(too_fast(chips=12.0))
    session.solve(method="price", limits=EXACT)
    session.change(demand_mtok=session.instance.demand_mtok * 1.1)
    rounds = session.solve(method="price", limits=EXACT).tightening_rounds
    methods = [method for method in searched if isinstance(method, Price)]
    assert len(methods) == len(searched) >= rounds + 3
    assert methods[0].start is None
    assert all(method.start is not None for method in methods[1:])


def test_the_same_problem_again_begins_with_its_factors(searched: list[Method]) -> None:
    session = optimizer.open(too_fast())
    first = session.solve()
    assert first.tightening_rounds >= 1
    searched.clear()
    again = session.solve(method="direct", limits=EXACT)
    assert len(searched) == 1
    assert again.slower == pytest.approx(first.slower)
    assert again.tightening_rounds == first.tightening_rounds
    assert again.objective_usd == pytest.approx(first.objective_usd)
    # What is the same but for a change that is none, counts as changed: it is tightened anew.
    session.change(capacity_chips=session.instance.capacity_chips)
    session.solve()
    assert len(searched) >= 3


def test_promises_may_be_left_alone() -> None:
    session = optimizer.open(too_fast())
    loose = session.solve(keep_promises=False)
    assert loose.latency is not None
    assert loose.latency.broken > 0
    assert loose.tightening_rounds == 0
    tight = session.solve()
    assert tight.tightening_rounds >= 1
    assert session.result is tight
    again = session.solve(keep_promises=False)
    assert again.objective_usd == pytest.approx(loose.objective_usd)


def test_without_profiles_it_is_one_search_and_no_prediction(
    searched: list[Method], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("nothing is to be predicted")

    monkeypatch.setattr("optimizer.promises.predicted_latency", never)
    session = optimizer.open(optimizer.generate(workloads=50, pools=4, periods=2, seed=1))
    for turn in (1, 2):
        result = session.solve(method="price", limits=EXACT)
        assert result.status == "optimal"
        assert result.latency is None
        assert result.slower is None
        assert len(searched) == turn


def test_a_folder_of_a_session_is_judged_with_its_routes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = optimizer.open(optimizer.read(folder_of(in_whole_replicas(), tmp_path / "instance")))
    session.solve()
    write_plan_folder(session.solve(), tmp_path / "plan")
    assert (tmp_path / "plan" / "tightened.parquet").exists()
    assert call(["check", str(tmp_path / "instance"), str(tmp_path / "plan"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["latency"]["broken"] == 0


def test_factors_hold_also_where_a_plan_that_serves_nothing_has_no_latency() -> None:
    session = optimizer.open(too_fast())
    first = session.solve()
    assert first.slower is not None
    # No time for a plan: what is known stays known.
    assert session.solve(limits=Limits(seconds=0.0)).plan is None
    again = session.solve()
    assert again.slower == pytest.approx(first.slower)
    assert again.tightening_rounds == first.tightening_rounds
    np.testing.assert_allclose(
        again.instance.routes.chip_hours_per_mtok,
        session.instance.routes.chip_hours_per_mtok * first.slower,
    )


def test_other_shapes_start_from_nothing(searched: list[Method]) -> None:
    session = optimizer.open(too_fast(chips=12.0))
    session.solve(method="price", limits=EXACT)
    searched.clear()
    session.instance = select(session.instance, periods=range(1))
    assert session.solve(method="price", limits=EXACT).status == "optimal"
    assert isinstance(searched[0], Price)
    assert searched[0].start is None

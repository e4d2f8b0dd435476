"""The price method where limits and windows couple workloads: the direct method's optimum."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

import optimizer
from optimizer.instance.generate import generate
from optimizer.instance.instance import Instance
from optimizer.methods import coupled_search
from optimizer.methods.base import Limits
from optimizer.methods.uncoupled import PRICED, couplings
from tests.pipeline.fleet_draws import drawn
from tests.pipeline.strategies import instances
from tests.pipeline.test_agreement import MANY
from tests.pipeline.test_known_optima import FOLDERS, stated_optimum

EXACT = Limits(relative_gap=1e-10, threads=2)
COUPLED = [
    folder
    for folder in FOLDERS
    if couplings(optimizer.read(folder)) and set(couplings(optimizer.read(folder))) <= set(PRICED)
]
SEEDS = 40
KINDS = ("power", "budget", "qualification", "shares_period")


def agrees(instance: Instance) -> None:
    """Same status and cost as the direct method, and a bound that reaches it."""
    direct = optimizer.solve(instance, method="direct", limits=EXACT)
    priced = optimizer.solve(instance, method="price", limits=EXACT)
    assert priced.status == direct.status, (priced.reason, direct.reason)
    if direct.plan is None:
        return
    assert priced.verified
    assert priced.objective_usd == pytest.approx(direct.objective_usd, rel=1e-9, abs=1e-9)
    assert priced.bound_usd is not None
    assert direct.objective_usd is not None
    assert priced.bound_usd <= direct.objective_usd * (1 + 1e-9) + 1e-9
    assert priced.bound_usd == pytest.approx(direct.objective_usd, rel=1e-8, abs=1e-8)


def test_there_are_some() -> None:
    assert len(COUPLED) >= 4


@pytest.mark.parametrize("folder", COUPLED, ids=lambda path: path.name)
def test_known_optimum(folder: Path) -> None:
    result = optimizer.solve(optimizer.read(folder), method="price", limits=EXACT)
    assert result.status == "optimal"
    assert result.objective_usd == pytest.approx(stated_optimum(folder), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shares", [False, True], ids=["windows", "shares"])
def test_split_by_period(shares: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the whole program: a plan near the optimum, with a proof that says how near."""
    monkeypatch.setattr(coupled_search, "LARGEST_JOINT", 0)
    instance = generate(
        workloads=300, pools=8, periods=24, seed=3, deferrable=0.3, window=6, shares=shares
    )
    direct = optimizer.solve(instance, method="direct", limits=EXACT)
    priced = optimizer.solve(instance, method="price", limits=EXACT)
    assert priced.verified
    assert "whole program" not in priced.why
    assert direct.objective_usd is not None
    assert priced.objective_usd is not None
    assert priced.bound_usd is not None
    assert priced.bound_usd <= direct.objective_usd * (1 + 1e-12)
    assert priced.objective_usd >= direct.objective_usd * (1 - 1e-12)
    assert priced.relative_gap is not None
    assert priced.relative_gap < 5e-3
    assert priced.status == "feasible"


@MANY
@given(instances())
def test_random_instances(instance: Instance) -> None:
    agrees(instance)


@pytest.mark.parametrize("kind", KINDS)
def test_random_limits(kind: str) -> None:
    tried = 0
    for seed in range(SEEDS):
        instance = drawn(kind, seed).build()
        if set(couplings(instance)) <= set(PRICED):
            agrees(instance)
            tried += 1
    assert tried >= SEEDS // 2

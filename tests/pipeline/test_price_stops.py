"""The price method when it is stopped: a plan that keeps every limit, whenever that is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import optimizer
from optimizer.instance.generate import generate
from optimizer.instance.instance import Instance
from optimizer.methods import coupled_search
from optimizer.methods.base import Limits
from optimizer.methods.coupled_market import CoupledMarket
from optimizer.methods.coupled_stand_in import kept_part, stand_in
from optimizer.methods.coupled_sweeps import CoupledSweeps
from optimizer.methods.overflow import placed_at_prices
from optimizer.result import Result


def coupled(seed: int = 3) -> Instance:
    """Limits on shares, spend among them beside what is reserved, on power, and windows."""
    return generate(
        workloads=300,
        pools=12,
        periods=24,
        seed=seed,
        deferrable=0.3,
        window=6,
        shares=True,
        power=True,
    )


def is_stand_in(result: Result) -> None:
    """Stopped by the user, verified, made by the method, better than serving nobody."""
    assert result.limit == "interrupt"
    assert result.status == "feasible"
    assert result.verified
    assert "a plan at the prices so far" in result.why
    assert not any("stand-in" in note for note in result.notes)
    assert result.plan is not None
    assert result.plan.placed_mtok.sum() > 0.05 * result.instance.demand_mtok.sum()
    assert result.bound_usd is not None
    assert result.objective_usd is not None
    assert result.bound_usd <= result.objective_usd


@pytest.mark.parametrize("sweeps", [0, 1, 5, 30], ids=lambda number: f"after {number}")
def test_interrupted_while_prices_climb(sweeps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left, smooth = itertools.count(sweeps, -1), CoupledSweeps.smooth

    def interrupted(*args: object) -> object:
        if next(left) <= 0:
            raise KeyboardInterrupt
        return smooth(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(CoupledSweeps, "smooth", interrupted)
    is_stand_in(optimizer.solve(coupled(), method="price", limits=Limits(threads=1)))


def test_interrupted_in_the_whole_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no plan was made before it."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(coupled_search, "SMALL", 10**9)
    monkeypatch.setattr(coupled_search.CoupledSearch, "_joint", interrupted)
    is_stand_in(optimizer.solve(coupled(), method="price", limits=Limits(threads=1)))


@pytest.mark.parametrize("which", ["coupled", "plain"])
def test_next_to_no_time(which: str) -> None:
    plain = generate(workloads=2000, pools=12, periods=24, seed=3)
    instance = coupled() if which == "coupled" else plain
    limits = Limits(seconds=1e-3, threads=1)
    result = optimizer.solve(instance, method="price", limits=limits)
    assert result.limit == "time"
    assert result.status == "feasible"
    assert result.verified
    assert not any("stand-in" in note for note in result.notes)


@pytest.mark.parametrize("seed", range(6))
def test_every_limit_is_kept(seed: int) -> None:
    """Also at no prices at all, where nobody looks at limits on shares."""
    market = CoupledMarket.of(coupled(seed))
    made = stand_in(market, market.none(), 1)
    assert made.mtok.sum() > 0
    kept, short = kept_part(market, made)
    assert not short.any()
    assert kept == pytest.approx(np.ones(kept.shape), abs=1e-6)
    assert (made.load(market.market) <= market.market.capacity * (1 + 1e-9)).all()


def test_what_no_cut_mends_is_told() -> None:
    """A share of spend asks for more than the cheapest ways give."""
    found = []
    for seed in range(12):
        market = CoupledMarket.of(coupled(seed))
        periods = np.arange(market.market.num_periods)
        made = placed_at_prices(market.market, 0.0 * market.market.capacity, periods, 1)
        kept, short = kept_part(market, made)
        found.append(bool(short.any()))
        assert bool((kept == 0).all()) == found[-1]
    assert any(found)

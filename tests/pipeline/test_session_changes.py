"""Sessions that go on from the last vertex: the answers from nothing, whatever changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import optimizer
from optimizer.errors import InputError, UsageError
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from optimizer.methods.market import Market
from optimizer.session import Session, open_session

EXACT = Limits(relative_gap=1e-9, threads=2)


def plain(seed: int) -> Instance:
    """An instance in which only pools' limits couple workloads."""
    return optimizer.generate(workloads=400, pools=8, periods=5, seed=seed)


def same(session: Session) -> str:
    """The answer is the one from nothing; gives how it was found."""
    warm = session.solve(method="price", limits=EXACT)
    cold = optimizer.solve(session.instance, method="direct", limits=EXACT)
    assert warm.status == "optimal"
    assert warm.objective_usd == pytest.approx(cold.objective_usd, rel=1e-9)
    assert warm.relative_gap is not None
    assert warm.relative_gap <= 1e-9
    return warm.why


def change(session: Session, kind: str, rng: np.random.Generator) -> None:
    """One change of a kind, at random."""
    instance = session.instance
    demand, chips = instance.demand_mtok.copy(), instance.capacity_chips.copy()
    names, reserved = instance.pools.pool, instance.reserved
    some = rng.choice(len(demand), 40, replace=False)
    if kind == "demand":
        demand[some] *= rng.uniform(0.5, 1.5, (40, 1))
    elif kind == "no demand":
        demand[some] = 0.0
    elif kind == "capacity":
        chips *= rng.uniform(0.9, 1.1, chips.shape)
    elif kind == "no pool":
        chips[int(rng.integers(len(chips)))] = 0.0
    elif kind == "no chips at all":
        chips[:] = 0.0
    else:
        pool = int(rng.choice(np.flatnonzero(~reserved)))
        factor = 1e4 if kind == "priced out" else rng.uniform(0.7, 1.4)
        price = min(1e5, float(instance.price_usd_per_chip_hour[pool, 0]) * factor)
        session.change(usd_per_chip_hour={names[pool]: price})
        return
    session.change(demand_mtok=demand, capacity_chips=chips)


@pytest.mark.parametrize(
    "kinds",
    [
        ("demand", "demand", "price", "capacity"),
        ("price", "priced out", "price", "demand"),
        ("no pool", "demand", "capacity", "no demand"),
        ("no demand", "no chips at all", "demand"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_changes_at_random(seed: int, kinds: tuple[str, ...]) -> None:
    rng = np.random.default_rng(seed)
    session = open_session(plain(seed))
    same(session)
    for kind in kinds:
        change(session, kind, rng)
        same(session)


def test_pools_and_demand_come_back() -> None:
    """What was closed, or not wanted, is used again."""
    session = open_session(plain(4))
    before = session.instance
    same(session)
    chips, demand = before.capacity_chips.copy(), before.demand_mtok.copy()
    chips[:3], demand[::3] = 0.0, 0.0
    session.change(capacity_chips=chips, demand_mtok=demand)
    same(session)
    session.change(capacity_chips=before.capacity_chips, demand_mtok=before.demand_mtok)
    same(session)


def test_a_small_change_goes_on_from_the_last_solution() -> None:
    session = open_session(plain(5))
    same(session)
    demand = session.instance.demand_mtok.copy()
    demand[::100] *= 1.2
    session.change(demand_mtok=demand)
    assert "from the last solution" in same(session)


def test_what_costs_nothing_ties_a_crowd() -> None:
    """Where chips abound many ways cost exactly the same, and some pools cost next to nothing."""
    plenty = plain(7)
    many = plenty.capacity_chips * np.array([0.6, 40.0, 0.6, 40.0, 1.0])
    session = open_session(dataclasses.replace(plenty, capacity_chips=many))
    rng = np.random.default_rng(7)
    same(session)
    for kind in ("demand", "price", "capacity", "demand"):
        change(session, kind, rng)
        same(session)


@pytest.mark.parametrize("factor", [0.3, 0.8, 1.3, 3.0])
def test_large_changes(factor: float) -> None:
    """All demand at once, and every price of a pool."""
    session = open_session(plain(8))
    same(session)
    session.change(demand_mtok=session.instance.demand_mtok * factor)
    same(session)
    pool = int(np.flatnonzero(~session.instance.reserved)[0])
    prices = session.instance.price_usd_per_chip_hour[pool]
    name = session.instance.pools.pool[pool]
    session.change(usd_per_chip_hour={name: prices * factor})
    assert session.instance.price_usd_per_chip_hour[pool] == pytest.approx(prices * factor)
    same(session)


def test_prices_are_one_or_one_a_period() -> None:
    session = open_session(plain(9))
    name = session.instance.pools.pool[0]
    with pytest.raises(
        UsageError, match=f"price of {name}: expected one number or 5, one a period"
    ):
        session.change(usd_per_chip_hour={name: [1.0, 2.0]})
    with pytest.raises(InputError, match=r"USD/chip-hour.*got -3"):
        session.change(usd_per_chip_hour={name: [1.0, 2.0, -3.0, 4.0, 5.0]})


def test_the_same_changes_give_the_same_plan() -> None:
    """Whatever the number of threads."""
    plans = []
    for threads in (1, 2):
        session = open_session(plain(6))
        session.solve(method="price", limits=Limits(threads=threads))
        demand = session.instance.demand_mtok.copy()
        demand[::50] *= 1.3
        session.change(demand_mtok=demand)
        result = session.solve(method="price", limits=Limits(threads=threads))
        assert result.plan is not None
        plans.append(result.plan)
    one, other = plans
    assert np.array_equal(one.placed_mtok, other.placed_mtok)
    assert np.array_equal(one.pool, other.pool)


def test_the_market_stays_while_only_amounts_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up anew for other prices, and for pools that open or close."""
    looked_up: list[Instance] = []
    of = Market.of.__func__  # type: ignore[attr-defined]

    def counted(cls: type[Market], instance: Instance, **given: bool) -> Market:
        looked_up.append(instance)
        made: Market = of(cls, instance, **given)
        return made

    monkeypatch.setattr(Market, "of", classmethod(counted))
    session = open_session(plain(10))
    before = session.instance
    same(session)
    chips = before.capacity_chips.copy()
    chips *= 1.05
    session.change(demand_mtok=before.demand_mtok * 1.1, capacity_chips=chips)
    same(session)
    assert len(looked_up) == 1
    session.change(usd_per_chip_hour={before.pools.pool[0]: 2.0})
    same(session)
    assert len(looked_up) == 2
    chips[1, 2:] = 0.0
    session.change(capacity_chips=chips)
    same(session)
    assert len(looked_up) == 3

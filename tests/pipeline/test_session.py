"""Sessions: the same answers as from nothing, from the last prices."""

from __future__ import annotations

import numpy as np
import pytest

import optimizer
from optimizer.errors import InputError, UsageError
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from optimizer.methods.price import Price
from optimizer.session import Session

EXACT = Limits(relative_gap=1e-9, threads=2)


def made(*, coupled: bool = False) -> Instance:
    """An instance that the price method takes."""
    return optimizer.generate(
        workloads=300,
        pools=6,
        periods=6,
        seed=2,
        deferrable=0.3 if coupled else 0.0,
        window=2,
        power=coupled,
    )


def same(session: Session) -> None:
    """The session's answer is the one from nothing."""
    warm = session.solve(method="price", limits=EXACT)
    cold = optimizer.solve(session.instance, method="direct", limits=EXACT)
    assert warm.status == "optimal"
    assert warm.objective_usd == pytest.approx(cold.objective_usd, rel=1e-9)
    assert warm.bound_usd == pytest.approx(cold.objective_usd, rel=1e-8)


@pytest.mark.parametrize("coupled", [False, True], ids=["plain", "coupled"])
def test_answers_are_those_from_nothing(coupled: bool) -> None:
    session = optimizer.open(made(coupled=coupled))
    same(session)
    demand = session.instance.demand_mtok.copy()
    demand[::100] *= 1.5
    session.change(demand_mtok=demand)
    same(session)
    rented = session.instance.pools.pool[int(np.flatnonzero(~session.instance.reserved)[0])]
    session.change(usd_per_chip_hour={rented: 0.5})
    same(session)
    session.change(capacity_chips=session.instance.capacity_chips * 0.9)
    same(session)


def test_it_starts_from_what_workloads_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a pool gets dearer by less than its limit was worth, the sum stays what it was."""
    seen: list[Price] = []
    ask = Price.__call__

    def heard(self: Price, *args: object) -> object:
        seen.append(self)
        return ask(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Price, "__call__", heard)
    session = optimizer.open(made())
    session.solve(method="price", limits=EXACT)
    assert seen[0].memory is not None
    assert seen[0].memory.prices is not None
    worth = seen[0].memory.prices.capacity_usd_per_chip_hour
    # Another method in between leaves no prices, and forgets none.
    session.solve(method="greedy")
    rented = np.flatnonzero(~session.instance.reserved & (worth.min(axis=1) > 0))
    pool = int(rented[0])
    step = float(worth[pool].min()) / 2
    before = session.instance.price_usd_per_chip_hour[pool]
    session.change(usd_per_chip_hour={session.instance.pools.pool[pool]: float(before[0]) + step})
    session.solve(method="price", limits=EXACT)
    assert seen[0].start is None
    assert seen[1].start is not None
    change = session.instance.price_usd_per_chip_hour[pool] - before
    kept = seen[1].start.capacity_usd_per_chip_hour[pool]
    assert kept == pytest.approx(np.maximum(worth[pool] - change, 0.0))


def test_a_change_that_is_none_leaves_the_problem() -> None:
    session = optimizer.open(made())
    before = session.instance
    with pytest.raises(UsageError, match=r"demand_mtok: expected \(300, 6\) numbers"):
        session.change(demand_mtok=[[1.0]])
    with pytest.raises(InputError):
        session.change(capacity_chips=-session.instance.capacity_chips)
    assert session.instance is before


def test_other_methods_start_as_always() -> None:
    session = optimizer.open(made())
    assert session.solve(method="direct").status == "optimal"
    assert session.solve(method="greedy").verified
    assert session.result is not None
    assert session.result.method == "greedy"

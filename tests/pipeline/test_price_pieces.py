"""The sweeps of the price method in pieces: the same sums, and an end when told to stop."""

from __future__ import annotations

import numpy as np
import pytest

import optimizer
from optimizer.methods.market import Market
from optimizer.methods.sweeps import HaltedError, Sweeps


def market() -> Market:
    return Market.of(optimizer.generate(workloads=300, pools=6, periods=7, seed=3))


def test_pieces_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small pieces by three threads give what one gives, and each way is found once."""
    made = market()
    periods = np.array([0, 2, 3, 4, 6])
    price = np.random.default_rng(5).random((6, 5))
    width, slack = 0.05 * made.scale, np.full(5, 0.05)
    one, near = (
        Sweeps(made, 1).smooth(price, width, periods),
        Sweeps(made, 1).near(price, slack, periods),
    )
    monkeypatch.setattr("optimizer.methods.sweeps.CHUNK", 2)
    monkeypatch.setattr("optimizer.methods.sweeps.PIECE_CELLS", 400)
    parts = Sweeps(made, 3)
    many, others = parts.smooth(price, width, periods), parts.near(price, slack, periods)
    assert many.value == pytest.approx(one.value, rel=1e-12)
    assert many.load == pytest.approx(one.load, rel=1e-12)
    assert many.curvature == pytest.approx(one.curvature, rel=1e-9, abs=1e-9)
    assert others.value == pytest.approx(near.value, rel=1e-12)
    assert np.array_equal(others.only, near.only)
    assert len(near.route) > 100
    for position in range(5):
        here, there = near.position == position, others.position == position
        assert np.array_equal(near.route[here], others.route[there])
        assert np.array_equal(near.workload[here], others.workload[there])


def test_a_sweep_can_be_stopped_between_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.methods.sweeps.PIECE_CELLS", 400)
    made, asked = market(), [0]
    price, periods = np.zeros((6, 7)), np.arange(7)

    def halt() -> bool:
        asked[0] += 1
        return asked[0] > 3

    with pytest.raises(HaltedError):
        Sweeps(made, 1).smooth(price, 0.05 * made.scale, periods, halt)
    assert asked[0] == 4
    with pytest.raises(HaltedError):
        Sweeps(made, 2).near(price, np.full(7, 0.05), periods, halt)

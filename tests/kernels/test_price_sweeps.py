"""The smooth sweep and the pricing sweep against their slow twins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.kernels.near_ways import GIVE_UP, NOTHING, SEVERAL, near_ways
from optimizer.kernels.soft_minimum import soft_minimum
from tests.kernels import naive
from tests.kernels.steady import STEADY, THIRDS, TIES, indices, matrix, vector

Float = NDArray[np.float64]
PRICES = st.one_of(TIES, THIRDS.map(abs), st.just(math.inf))


@dataclass(frozen=True)
class Drawn:
    """Arguments that both sweeps share."""

    first: NDArray[np.int64]
    pool: NDArray[np.int32]
    opens: NDArray[np.int32]
    usd: Float
    hours: Float
    price: Float
    ceiling: Float
    unit: Float
    demand: Float
    period: NDArray[np.int64]

    @property
    def ways(self) -> tuple[Any, ...]:
        return self.first, self.pool, self.opens, self.usd, self.hours, self.price, self.ceiling


@st.composite
def markets(draw: st.DrawFn) -> Drawn:
    """Few workloads, pools in order within each, periods picked from more."""
    workloads, pools, periods = draw(st.integers(0, 4)), draw(st.integers(1, 4)), 5
    picked = sorted(draw(st.sets(st.integers(0, periods - 1))))
    served = [sorted(draw(st.sets(st.integers(0, pools - 1)))) for _ in range(workloads)]
    first = np.concatenate([[0], np.cumsum([len(some) for some in served])]).astype(np.int64)
    routes = int(first[-1])
    return Drawn(
        first=first,
        pool=np.array([p for some in served for p in some], np.int32),
        opens=draw(indices(routes, periods + 1)).astype(np.int32) * np.int32(draw(st.booleans())),
        usd=draw(vector(routes, TIES)),
        hours=draw(vector(routes, TIES)) + 0.25,
        price=draw(matrix(pools, len(picked), PRICES)),
        ceiling=draw(vector(workloads, TIES)) * 2,
        unit=draw(vector(workloads, TIES)) + 0.125,
        demand=draw(matrix(workloads, periods, TIES)),
        period=np.array(picked, np.int64),
    )


@STEADY
@given(markets(), st.integers(0, 4))
def test_soft_minimum(drawn: Drawn, cut: int) -> None:
    """Value, slopes and bends, added up over two runs of workloads."""
    pools, periods = drawn.price.shape
    value, load = np.zeros(periods), np.zeros((pools, periods))
    bend = np.zeros((pools, pools, periods))
    count = len(drawn.ceiling)
    for begin, end in ((0, min(cut, count)), (min(cut, count), count)):
        soft_minimum(
            *drawn.ways, drawn.unit, 60.0, drawn.demand, drawn.period, begin, end, value, load, bend
        )
    expected = naive.soft_minimum(*drawn.ways, drawn.unit, drawn.demand, drawn.period)
    assert value == pytest.approx(expected[0], rel=1e-12, abs=1e-12)
    assert load == pytest.approx(expected[1], rel=1e-12, abs=1e-12)
    by_period = bend.transpose(2, 0, 1)
    assert (np.tril(by_period, -1) == 0).all()
    assert by_period == pytest.approx(np.triu(expected[2]), rel=1e-10, abs=1e-10)


def test_slopes_and_bends_are_differences_of_the_value() -> None:
    """One workload between two pools and giving up, its price moved by hand."""
    first, pool = np.array([0, 2]), np.array([0, 1], np.int32)
    opens, usd, hours = np.zeros(2, np.int32), np.array([0.5, 0.0]), np.array([1.0, 2.0])

    def at(one: float, other: float) -> tuple[float, Float, Float]:
        value, load, bend = np.zeros(1), np.zeros((2, 1)), np.zeros((2, 2, 1))
        soft_minimum(
            first, pool, opens, usd, hours, np.array([[one], [other]]), np.array([2.2]),
            np.array([0.3]), 60.0, np.array([[5.0]]), np.array([0]), 0, 1, value, load, bend,
        )  # fmt: skip
        return float(value[0]), load[:, 0], bend[:, :, 0]

    _, slope, bend = at(1.5, 1.1)
    h = 1e-5
    assert (at(1.5 + h, 1.1)[0] - at(1.5 - h, 1.1)[0]) / (2 * h) == pytest.approx(slope[0])
    assert (at(1.5, 1.1 + h)[0] - at(1.5, 1.1 - h)[0]) / (2 * h) == pytest.approx(slope[1])
    moved = (at(1.5, 1.1 + h)[1] - at(1.5, 1.1 - h)[1]) / (2 * h)
    assert moved == pytest.approx([-bend[0, 1], -bend[1, 1]])


@STEADY
@given(markets(), st.data())
def test_near_ways(drawn: Drawn, data: st.DataObject) -> None:
    """Who has one way, who has several and which; nothing where there is no demand."""
    periods = drawn.price.shape[1]
    slack = data.draw(vector(periods, TIES))
    room = data.draw(st.integers(0, 40))
    value = np.zeros(periods)
    place = np.array(data.draw(st.permutations(range(periods))), np.int64)
    only = np.full((len(drawn.ceiling), periods), -9, np.int32)
    found = [np.full(room, -9, np.int32) for _ in range(3)]
    count = near_ways(
        *drawn.ways, drawn.unit, slack, drawn.demand, drawn.period, place, 0,
        len(drawn.ceiling), value, only, *found,
    )  # fmt: skip
    position = np.argsort(place)
    best, expected = naive.near_ways(*drawn.ways, drawn.unit, slack, drawn.demand, drawn.period)
    assert value == pytest.approx(best, rel=1e-13)
    listed = []
    for w, t in np.ndindex(*only.shape):
        if (w, t) not in expected:
            assert only[w, place[t]] == NOTHING
            continue
        give_up, routes = expected[w, t]
        if len(routes) + give_up > 1:
            assert only[w, place[t]] == SEVERAL
            listed += [(w, place[t], r) for r in routes]
        else:
            assert only[w, place[t]] == (GIVE_UP if give_up else routes[0])
    assert count == len(listed)
    kept = list(zip(*(array[:count].tolist() for array in found), strict=True))
    if count <= room:
        assert sorted(kept) == sorted(listed)
        assert kept == sorted(kept, key=lambda one: (one[0], one[2], position[one[1]]))
    else:
        assert set(kept) <= set(listed)

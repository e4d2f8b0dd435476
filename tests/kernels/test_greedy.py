"""The greedy fill."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optimizer.kernels.greedy import fill_cheapest_first
from tests.kernels import naive
from tests.kernels.steady import STEADY, THIRDS, TIES, indices, matrix, vector


@STEADY
@given(st.data(), st.integers(1, 3), st.integers(1, 3), st.integers(0, 6), st.integers(0, 4))
def test_fill_cheapest_first(
    data: st.DataObject, workloads: int, pools: int, routes: int, periods: int
) -> None:
    """The same placements and the same rest, to the last bit: ties go by the order given."""
    workload, pool = data.draw(indices(routes, workloads)), data.draw(indices(routes, pools))
    hours = data.draw(vector(routes, TIES)) + 0.25
    usd = data.draw(matrix(routes, periods, TIES))
    amounts = THIRDS.map(abs)
    remaining = data.draw(matrix(workloads, periods, amounts))
    room = data.draw(matrix(pools, periods, amounts))
    left, space = remaining.copy(), room.copy()
    found = fill_cheapest_first(workload, pool, hours, usd, remaining, room)
    expected = naive.fill_cheapest_first(workload, pool, hours, usd, left, space)
    assert found.tolist() == expected.tolist()
    assert remaining.tolist() == left.tolist()
    assert room.tolist() == space.tolist()


def test_nothing_is_negative_and_no_room_is_passed() -> None:
    generator = np.random.default_rng(3)
    workload = np.repeat(np.arange(4, dtype=np.int32), 3)
    pool = np.tile(np.arange(3, dtype=np.int32), 4)
    hours = generator.uniform(0.1, 2, 12)
    remaining, room = generator.uniform(0, 9, (4, 50)), generator.uniform(0, 5, (3, 50))
    asked, space = remaining.copy(), room.copy()
    placed = fill_cheapest_first(workload, pool, hours, generator.random((12, 50)), remaining, room)
    load, served = np.zeros_like(space), np.zeros_like(asked)
    np.add.at(load, pool, placed * hours[:, None])
    np.add.at(served, workload, placed)
    assert (placed >= 0).all()
    assert (load <= space * (1 + 1e-12)).all()
    assert (served <= asked * (1 + 1e-12)).all()
    assert (remaining >= 0).all()
    assert (room >= 0).all()

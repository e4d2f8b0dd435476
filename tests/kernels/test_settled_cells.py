"""What prices settled and what is placed beside, written down as a plan."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optimizer.kernels.settled_cells import count_cells, fill_cells, left_over, scale_cells
from tests.kernels.steady import STEADY, THIRDS, indices, matrix, vector

WORKLOADS, POOLS, PERIODS, ROUTES = 3, 3, 4, 5


@STEADY
@given(st.data(), st.integers(0, 6), st.integers(0, WORKLOADS))
def test_cells_of_a_plan(data: st.DataObject, others: int, cut: int) -> None:
    """Every cell once, in the order of a plan, and what they load; in two blocks."""
    only = data.draw(indices(WORKLOADS * PERIODS, ROUTES + 2)).reshape(WORKLOADS, PERIODS) - 2
    only = only.astype(np.int32)
    done = data.draw(indices(PERIODS, 2)).astype(np.bool_)
    demand = data.draw(matrix(WORKLOADS, PERIODS, st.sampled_from((0.0, 1.0, 2.5))))
    route_pool, chip_hours = data.draw(indices(ROUTES, POOLS)), data.draw(vector(ROUTES, THIRDS))
    triples = st.tuples(*(st.integers(0, n - 1) for n in (WORKLOADS, PERIODS, ROUTES)))
    other = sorted(data.draw(st.lists(triples, min_size=others, max_size=others)))
    who, when, way = (np.array([one[axis] for one in other], np.int64) for axis in range(3))
    mtok = data.draw(vector(others, st.sampled_from((0.5, 0.25))))
    other_first = np.searchsorted(who, np.arange(WORKLOADS + 1))

    expected = [
        (w, route_pool[only[w, t]], t, demand[w, t], only[w, t])
        for w in range(WORKLOADS)
        for t in range(PERIODS)
        if only[w, t] >= 0 and done[t] and demand[w, t] > 0
    ]
    expected += [
        (w, route_pool[r], t, m, r) for w, t, r, m in zip(who, when, way, mtok, strict=True)
    ]
    expected.sort(key=lambda cell: cell[:3])

    count = np.zeros(WORKLOADS, np.int64)
    blocks = ((0, cut), (cut, WORKLOADS))
    for begin, end in blocks:
        count_cells(only, done, demand, other_first, begin, end, count)
    first = np.concatenate([[0], np.cumsum(count)])
    assert first[-1] == len(expected)
    found = [np.empty(first[-1], np.int32) for _ in range(3)]
    amount, load = np.empty(first[-1]), np.zeros((POOLS, PERIODS))
    for begin, end in blocks:
        fill_cells(
            only, done, demand, route_pool, chip_hours, other_first, when, way, mtok,
            first, begin, end, *found, amount, load,
        )  # fmt: skip
    cells = list(zip(*(axis.tolist() for axis in found), strict=True))
    assert cells == [cell[:3] for cell in expected]
    for place in set(cells):
        mine = sorted(amount[k] for k in range(len(cells)) if cells[k] == place)
        assert mine == sorted(cell[3] for cell in expected if cell[:3] == place)
    loaded = np.zeros((POOLS, PERIODS))
    for _, p, t, m, r in expected:
        loaded[p, t] += chip_hours[r] * m
    np.testing.assert_allclose(load, loaded, atol=1e-12)


@STEADY
@given(st.data(), st.integers(0, 8))
def test_what_is_left_over(data: st.DataObject, cells: int) -> None:
    """Scaled first; a speck of the demand counts as nothing."""
    demand = data.draw(matrix(WORKLOADS, PERIODS, st.sampled_from((0.0, 1.0, 2.0))))
    workload = np.sort(data.draw(indices(cells, WORKLOADS)))
    pool, period = data.draw(indices(cells, POOLS)), data.draw(indices(cells, PERIODS))
    mtok = data.draw(vector(cells, st.sampled_from((0.5, 1.0 - 1e-9))))
    part = data.draw(matrix(POOLS, PERIODS, st.sampled_from((0.5, 1.0))))
    first = np.searchsorted(workload, np.arange(WORKLOADS + 1))
    scaled = mtok.copy()
    scale_cells(first, pool, period, part, 0, WORKLOADS, scaled)
    assert np.array_equal(scaled, mtok * part[pool, period])

    rest = demand.copy()
    np.subtract.at(rest, (workload, period), scaled)
    rest[rest <= 1e-6 * demand] = 0.0
    size = WORKLOADS * PERIODS
    who, when, what = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
    found = left_over(demand, first, period, scaled, 1e-6, 0, WORKLOADS, who, when, what)
    place = np.nonzero(rest)
    assert who[:found].tolist() == place[0].tolist()
    assert when[:found].tolist() == place[1].tolist()
    np.testing.assert_allclose(what[:found], rest[place], atol=1e-12)

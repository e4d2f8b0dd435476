"""Sparse plans: routes of placements, and what they add up to."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optimizer.kernels.placements import find_routes, totals
from tests.kernels import naive
from tests.kernels.steady import STEADY, THIRDS, indices, vector


@STEADY
@given(st.data(), st.integers(1, 4), st.integers(1, 5), st.integers(0, 8))
def test_find_routes(data: st.DataObject, workloads: int, pools: int, placements: int) -> None:
    """Workloads without routes, and pools before, between and after those of a route."""
    pools_of = st.lists(st.integers(0, pools - 1), unique=True).map(sorted)
    lists = [data.draw(pools_of) for _ in range(workloads)]
    first_route = np.concatenate([[0], np.cumsum([len(line) for line in lists])]).astype(np.int64)
    route_pool = np.array([pool for line in lists for pool in line], np.int32)
    workload = data.draw(indices(placements, workloads))
    pool = data.draw(indices(placements, pools))
    found = find_routes(first_route, route_pool, workload, pool)
    assert found.tolist() == naive.find_routes(first_route, route_pool, workload, pool)


@STEADY
@given(st.data(), st.integers(0, 3), st.integers(0, 3), st.integers(0, 12))
def test_totals(data: st.DataObject, rows: int, columns: int, placements: int) -> None:
    """The exact sum, but for its last digit, even where terms cancel."""
    placements = placements if rows and columns else 0
    row, column = data.draw(indices(placements, rows)), data.draw(indices(placements, columns))
    cells = st.builds(lambda a, b: a * b, THIRDS, st.sampled_from((1.0, 1e16, 1e-16)))
    amount = data.draw(vector(placements, cells))
    found = totals(row, column, amount, rows, columns)
    expected = naive.totals(row, column, amount, rows, columns)
    assert found.shape == (rows, columns)
    slack = 2.0**-52 * np.abs(expected) + 2.0**-100 * np.abs(amount).sum()
    assert (np.abs(found - expected) <= slack).all()


def test_totals_keep_what_a_plain_sum_loses() -> None:
    zero = np.zeros(4, np.int64)
    assert totals(zero, zero, np.array([1.0, 1e100, 1.0, -1e100]), 1, 1).tolist() == [[2.0]]

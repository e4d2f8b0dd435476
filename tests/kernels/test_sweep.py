"""The sweep: cheapest way, least of a window, compensated sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.kernels.sweep import (
    cheapest,
    cheapest_in_time,
    failover_worth,
    weighted_sums,
    window_minimum,
)
from tests.kernels import naive
from tests.kernels.steady import STEADY, THIRDS, TIES, indices, matrix, vector

PRICES = st.one_of(TIES, THIRDS.map(abs), st.just(math.inf))


@STEADY
@given(st.data(), st.integers(0, 4), st.integers(0, 3), st.integers(0, 5))
def test_cheapest(data: st.DataObject, workloads: int, pools: int, periods: int) -> None:
    """Closed routes are passed over, infinite prices lose to the ceiling, ties are ties.

    To the last bit, however many routes are looked at together.
    """
    counts = [data.draw(st.integers(0, 11)) for _ in range(workloads)]
    first_route = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    routes = int(first_route[-1])
    route_pool = data.draw(indices(routes, pools + 1)) - np.int32(1)
    usd, hours = data.draw(vector(routes, TIES)), data.draw(vector(routes, TIES)) + 0.25
    pool_usd = data.draw(matrix(pools, periods, PRICES))
    ceiling = data.draw(vector(workloads, PRICES))
    best = np.full((workloads, periods), np.nan)
    cheapest(first_route, route_pool, usd, hours, pool_usd, ceiling, best)
    expected = naive.cheapest(first_route, route_pool, usd, hours, pool_usd, ceiling)
    assert best.tolist() == expected.tolist()


@STEADY
@given(st.data(), st.integers(0, 4), st.integers(0, 3), st.integers(0, 5))
def test_cheapest_in_time(data: st.DataObject, workloads: int, rows: int, periods: int) -> None:
    """Routes that open late or never, own costs that count less than nothing, closed rows."""
    counts = [data.draw(st.integers(0, 3)) for _ in range(workloads)]
    first_route = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    routes = int(first_route[-1])
    route_row = data.draw(indices(routes, rows + 1)) - np.int32(1)
    opens = data.draw(indices(routes, periods + 2, np.int64))
    usd, hours = data.draw(vector(routes, TIES)), data.draw(vector(routes, TIES)) + 0.25
    factor, added = data.draw(matrix(rows, periods, THIRDS)), data.draw(matrix(rows, periods, TIES))
    row_usd = data.draw(matrix(rows, periods, st.one_of(THIRDS, st.just(math.inf))))
    ceiling = data.draw(matrix(workloads, periods, PRICES))
    best = ceiling.copy()
    cheapest_in_time(first_route, route_row, opens, usd, hours, factor, added, row_usd, best)
    expected = naive.cheapest_in_time(
        first_route, route_row, opens, usd, hours, factor, added, row_usd, ceiling
    )
    assert best == pytest.approx(expected, rel=1e-15, abs=1e-13)


@STEADY
@given(st.data(), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 4))
def test_failover_worth(
    data: st.DataObject, outages: int, workloads: int, pools: int, periods: int
) -> None:
    """The best use in each loss, added over the losses that leave the pool standing."""
    routes, rows = data.draw(st.integers(0, 5)), pools + 1
    workload, pool = data.draw(indices(routes, workloads)), data.draw(indices(routes, pools))
    row = data.draw(indices(routes, rows + 1)) - np.int32(1)
    opens = data.draw(indices(routes, periods + 2, np.int64))
    hours = data.draw(vector(routes, TIES)) + 0.25
    lost = data.draw(matrix(outages, pools, TIES)) > 1
    usd = data.draw(matrix(outages * workloads, periods, THIRDS.map(abs)))
    usd = usd.reshape(outages, workloads, periods)
    arguments = (usd, lost, workload, pool, row, opens, hours, rows)
    found, expected = failover_worth(*arguments), naive.failover_worth(*arguments)
    assert found == pytest.approx(expected, rel=1e-15, abs=0)


@STEADY
@given(st.data(), st.integers(0, 4), st.integers(1, 9))
def test_window_minimum(data: st.DataObject, workloads: int, periods: int) -> None:
    """No window, some window, one past the end; ties and infinities on either side."""
    cells = st.one_of(TIES, THIRDS, st.sampled_from((math.inf, -math.inf)))
    best = data.draw(matrix(workloads, periods, cells))
    deadline = data.draw(indices(workloads, periods + 3, np.int64))
    least = np.full(best.shape, np.nan)
    window_minimum(best, deadline, least)
    assert least.tolist() == naive.window_minimum(best, deadline).tolist()


def test_window_minimum_of_no_periods() -> None:
    least = np.empty((2, 0))
    window_minimum(np.empty((2, 0)), np.array([0, 3]), least)
    assert least.shape == (2, 0)


@STEADY
@given(st.data(), st.integers(0, 4), st.integers(0, 9))
def test_weighted_sums(data: st.DataObject, rows: int, columns: int) -> None:
    """As good as an exact sum of the rounded products; weight 0 silences even infinity."""
    sizes = st.sampled_from((1.0, 1e16, 1e-16, 3.0))
    cells = st.builds(lambda a, b: a * b, THIRDS, sizes)
    weights = data.draw(matrix(rows, columns, cells))
    values = data.draw(matrix(rows, columns, cells))
    values[weights == 0] = math.inf
    sums, size = weighted_sums(weights, values)
    expected, expected_size = naive.weighted_sums(weights, values)
    slack = 2.0**-52 * np.abs(expected) + 2.0**-100 * expected_size
    assert (np.abs(sums - expected) <= slack).all()
    assert size == pytest.approx(expected_size, rel=1e-14)


def test_weighted_sums_keep_what_a_plain_sum_loses() -> None:
    weights = np.ones((1, 4))
    sums, sizes = weighted_sums(weights, np.array([[1.0, 1e100, 1.0, -1e100]]))
    assert (sums.tolist(), sizes.tolist()) == ([2.0], [2e100])


def test_infinity_with_a_weight_is_infinite() -> None:
    """A sum over something that cannot be used is no number to trust."""
    with np.errstate(invalid="ignore"):
        sums, _ = weighted_sums(np.ones((1, 2)), np.array([[1.0, math.inf]]))
    assert not math.isfinite(sums[0])

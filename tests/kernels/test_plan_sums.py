"""A plan added up in one pass, and workload by workload."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.kernels.placements import pool_totals, row_totals, totals, workload_totals
from tests.kernels import naive
from tests.kernels.steady import STEADY, THIRDS, indices, matrix, vector

WORKLOADS, POOLS, PERIODS, MODELS = 3, 3, 4, 2


class Case:
    """A few routes, lanes and placements, some of which have no route."""

    def __init__(self, data: st.DataObject, lanes: int) -> None:
        some = st.lists(st.integers(0, POOLS - 1), unique=True).map(sorted)
        lists = [data.draw(some) for _ in range(WORKLOADS)]
        self.first_route = np.cumsum([0, *map(len, lists)]).astype(np.int32)
        self.route_pool = np.array([pool for line in lists for pool in line], np.int32)
        routes = len(self.route_pool)
        self.chip_hours = data.draw(vector(routes, THIRDS))
        self.route_usd = data.draw(vector(routes, THIRDS))
        self.model = data.draw(indices(WORKLOADS, MODELS))
        self.lane_of = np.full((MODELS, POOLS), -1, np.int64)
        self.lane_of.ravel()[:lanes] = np.arange(lanes)
        self.lanes = lanes
        placements = data.draw(st.integers(0, 12))
        self.workload = np.sort(data.draw(indices(placements, WORKLOADS)))
        self.pool = data.draw(indices(placements, POOLS))
        self.period = data.draw(indices(placements, PERIODS))
        self.placed = data.draw(vector(placements, THIRDS))
        self.route = np.array(
            naive.find_routes(self.first_route, self.route_pool, self.workload, self.pool), int
        )
        self.lane = self.lane_of[self.model[self.workload], self.pool]

    def of_routes(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """A column of the routes by placement, 0 where there is none."""
        return np.array([column[r] if r >= 0 else 0.0 for r in self.route], float)


@STEADY
@given(st.data(), st.integers(0, 4))
def test_pool_totals(data: st.DataObject, lanes: int) -> None:
    """The same as one sum after the other, to the last digit."""
    case = Case(data, lanes)
    free, load, mtok, usd = (np.zeros((POOLS, PERIODS)) for _ in range(4))
    lane_load = np.zeros((lanes, PERIODS))
    strays = pool_totals(
        case.first_route, case.route_pool, case.chip_hours, case.route_usd, case.model,
        case.lane_of, case.workload, case.pool, case.period, case.placed,
        free, lane_load, load, mtok, usd,
    )  # fmt: skip
    hours = case.of_routes(case.chip_hours) * case.placed
    own = case.of_routes(case.route_usd) * case.placed
    bound = case.lane >= 0
    shape = (POOLS, PERIODS)
    assert strays == (case.route < 0).sum()
    for found, expected in (
        (load, totals(case.pool, case.period, hours, *shape)),
        (mtok, totals(case.pool, case.period, case.placed, *shape)),
        (usd, totals(case.pool, case.period, own, *shape)),
        (free, totals(case.pool[~bound], case.period[~bound], hours[~bound], *shape)),
        (lane_load, totals(case.lane[bound], case.period[bound], hours[bound], lanes, PERIODS)),
    ):
        assert np.array_equal(found, expected)


@STEADY
@given(st.data(), st.integers(0, 4), st.integers(0, WORKLOADS))
def test_workload_totals(data: st.DataObject, lanes: int, cut: int) -> None:
    """In two blocks, wherever they meet."""
    case = Case(data, lanes)
    hour_usd = data.draw(matrix(POOLS, PERIODS, THIRDS))
    share = data.draw(matrix(lanes, PERIODS, THIRDS))
    first = np.searchsorted(case.workload, np.arange(WORKLOADS + 1))
    usd = np.full(WORKLOADS, np.nan)
    for begin, end in ((0, cut), (cut, WORKLOADS)):
        workload_totals(
            case.first_route, case.route_pool, case.chip_hours, case.route_usd, case.model,
            case.lane_of, hour_usd, share, case.pool, case.period, case.placed, first,
            begin, end, usd,
        )  # fmt: skip
    hours = case.of_routes(case.chip_hours) * case.placed
    paid = [
        hours[k] * share[case.lane[k], case.period[k]] if case.lane[k] >= 0 else hours[k]
        for k in range(len(hours))
    ]
    each = np.array(paid, float) * hour_usd[case.pool, case.period]
    each = each + case.of_routes(case.route_usd) * case.placed
    assert np.array_equal(usd, np.bincount(case.workload, each, WORKLOADS))


@STEADY
@given(st.data(), st.integers(0, 12), st.integers(0, WORKLOADS))
def test_row_totals(data: st.DataObject, cells: int, begin: int) -> None:
    """Some of the rows of the sums of all, with what a plain sum loses."""
    workload = np.sort(data.draw(indices(cells, WORKLOADS)))
    period = data.draw(indices(cells, PERIODS))
    wide = st.builds(lambda a, b: a * b, THIRDS, st.sampled_from((1.0, 1e16, 1e-16)))
    amount = data.draw(vector(cells, wide))
    first = np.searchsorted(workload, np.arange(WORKLOADS + 1))
    found = np.full((WORKLOADS - begin, PERIODS), np.nan)
    row_totals(first, period, amount, begin, found)
    assert np.array_equal(found, totals(workload, period, amount, WORKLOADS, PERIODS)[begin:])

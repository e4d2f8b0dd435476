"""The dual simplex of a period against the linear program it solves, and the sweep before it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from optimizer.kernels.held_ways import by_place, held_ways
from optimizer.kernels.near_ways import GIVE_UP, NOTHING, SEVERAL
from optimizer.kernels.price_vertex import BEST, FAR, price_vertex
from tests.kernels.steady import STEADY, TIES, indices, matrix, vector

Float = NDArray[np.float64]
POOLS = 3


class Period:
    """A small period: every workload has a route to every pool. Axis W: workloads."""

    def __init__(self, data: st.DataObject, workloads: int) -> None:
        routes = workloads * POOLS
        self.workloads = workloads
        self.pool = np.tile(np.arange(POOLS, dtype=np.int32), workloads)
        self.usd = data.draw(vector(routes, TIES))
        self.hours = data.draw(vector(routes, TIES)) + 0.5
        self.used = data.draw(vector(POOLS, TIES))
        self.ceiling = data.draw(vector(workloads, TIES)) * 4 + 1.0
        self.demand = data.draw(vector(workloads, TIES)) + 1.0
        self.capacity = data.draw(vector(POOLS, TIES)) + 0.25
        self.workload = np.repeat(np.arange(workloads, dtype=np.int32), POOLS)
        self.route = np.arange(routes, dtype=np.int32)

    def least_usd(self) -> float:
        """The optimum, from a dense program."""
        n = self.workloads * (POOLS + 1)
        cost = np.concatenate([self.usd + self.hours * self.used[self.pool], self.ceiling])
        owner = np.concatenate([self.workload, np.arange(self.workloads)])
        rows = (owner == np.arange(self.workloads)[:, None]).astype(float)
        limits = np.zeros((POOLS, n))
        limits[self.pool, self.route] = self.hours
        found = linprog(cost, A_ub=limits, b_ub=self.capacity, A_eq=rows, b_eq=self.demand)
        assert found.status == 0
        assert found.fun is not None
        return float(found.fun)

    def bound_usd(self, price: Float) -> float:
        """What prices prove."""
        ways = (self.usd + self.hours * (self.used + price)[self.pool]).reshape(-1, POOLS)
        best = np.minimum(ways.min(axis=1, initial=np.inf), self.ceiling)
        return float(best @ self.demand - price @ self.capacity)

    def run(
        self, price: Float, only: NDArray[np.int32], reach: float = 1e9
    ) -> tuple[int, int, Float, float, Float]:
        """Of the kernel: end, steps, prices, cost and loads of what is placed."""
        price, unit = price.copy(), np.ones(POOLS)
        load = np.zeros(POOLS)
        out = np.empty(2 * POOLS, np.int32), np.empty(2 * POOLS, np.int32), np.empty(2 * POOLS)
        ended, count, steps = price_vertex(
            self.workload, self.route, 0, self.pool, self.usd, self.hours, self.used,
            self.ceiling, self.ceiling, self.demand[:, None], self.capacity, load, unit,
            np.maximum(price - reach, 0.0), price + reach, np.arange(self.workloads).repeat(2),
            np.tile([0, 1], self.workloads), 2000, price, only, *out,
        )  # fmt: skip
        cost, used, put = 0.0, np.zeros(POOLS), np.zeros(self.workloads)
        settled = [(w, int(only[w, 0]), self.demand[w]) for w in range(self.workloads)]
        torn = [(int(w), int(r), m) for w, r, m in zip(*(a[:count] for a in out), strict=True)]
        assert all(only[w, 0] == SEVERAL for w, _, _ in torn)
        for w, r, mtok in [one for one in settled if one[1] != SEVERAL] + torn:
            assert r == GIVE_UP or self.workload[r] == w
            put[w] += mtok
            if r >= 0:
                used[self.pool[r]] += self.hours[r] * mtok
                cost += (self.usd[r] + self.hours[r] * self.used[self.pool[r]]) * mtok
            else:
                cost += self.ceiling[w] * mtok
        assert put == pytest.approx(self.demand, rel=1e-9)
        return ended, steps, price, cost, used


@STEADY
@given(st.data(), st.integers(1, 7))
def test_the_vertex_is_the_optimum(data: st.DataObject, workloads: int) -> None:
    """Cost and bound are those of the linear program, wherever prices begin."""
    period = Period(data, workloads)
    start = data.draw(vector(POOLS, TIES))
    only = data.draw(indices(workloads, 3)).astype(np.int32)[:, None] - np.int32(3)
    ended, _, price, cost, load = period.run(start, only)
    assert ended == BEST
    optimum = period.least_usd()
    assert cost == pytest.approx(optimum, rel=1e-8, abs=1e-8)
    assert period.bound_usd(price) == pytest.approx(optimum, rel=1e-8, abs=1e-8)
    assert bool((load <= period.capacity * (1 + 1e-9)).all())
    assert bool((price >= 0).all())


@STEADY
@given(st.data(), st.integers(1, 6))
def test_prices_stay_where_they_may_go(data: st.DataObject, workloads: int) -> None:
    """Within the box the bound is the greatest of the box, and ``FAR`` says that it binds."""
    period = Period(data, workloads)
    start = data.draw(vector(POOLS, TIES))
    only = np.full((workloads, 1), NOTHING, np.int32)
    ended, _, price, _, _ = period.run(start, only, reach=0.5)
    assert ended in (BEST, FAR)
    assert bool((np.abs(price - start) <= 0.5 + 1e-12).all())
    optimum = period.least_usd()
    if ended == BEST:
        assert period.bound_usd(price) == pytest.approx(optimum, rel=1e-8, abs=1e-8)
    grid = np.stack(np.meshgrid(*[np.linspace(-0.5, 0.5, 5)] * POOLS), axis=-1).reshape(-1, POOLS)
    around = max(period.bound_usd(np.maximum(start + step, 0.0)) for step in grid)
    assert period.bound_usd(price) >= around - 1e-8 * (1 + abs(around))


@STEADY
@given(st.data(), st.integers(0, 4), st.integers(1, 4))
def test_held_ways(data: st.DataObject, workloads: int, periods: int) -> None:
    """Who stays and who is found, against plain loops."""
    routes, pools, slack, floor = workloads * POOLS, POOLS, 0.3, 0.1
    pool = np.tile(np.arange(POOLS, dtype=np.int32), workloads)
    first = np.arange(workloads + 1) * POOLS
    opens = data.draw(indices(routes, 2))
    usd, hours = data.draw(vector(routes, TIES)), data.draw(vector(routes, TIES)) + 0.5
    pool_usd = data.draw(matrix(pools, periods, TIES))
    ceiling, scale = (
        data.draw(vector(workloads, TIES)) + 1.0,
        data.draw(vector(workloads, TIES)) + 0.5,
    )
    demand = data.draw(matrix(workloads, periods, TIES))
    rank = np.arange(workloads)
    among = data.draw(indices(periods, workloads + 1, np.int64))
    held = data.draw(indices(workloads * periods, POOLS + 3)).reshape(workloads, periods) - 3
    offset = np.where(held >= 0, first[:-1, None], 0)
    only = (held + offset).astype(np.int32)
    room = routes * periods + workloads * periods
    value, settled = np.zeros(periods), np.zeros(periods)
    load, found = np.zeros((pools, periods)), [np.empty(room, np.int32) for _ in range(3)]
    place = np.arange(periods)
    changed = only.copy()
    count = held_ways(
        first, pool, opens, usd, hours, pool_usd, ceiling, scale, np.full(periods, slack),
        np.full(periods, floor), demand, place, place, 0, workloads, rank, among, changed, value,
        load, settled, *found,
    )  # fmt: skip
    expected, loads, stay = set(), np.zeros((pools, periods)), np.zeros(periods)
    for w, t in np.ndindex(workloads, periods):
        cost = {r: usd[r] + hours[r] * pool_usd[pool[r], t] for r in range(first[w], first[w + 1])}
        cost = {r: c for r, c in cost.items() if opens[r] <= t} | {GIVE_UP: ceiling[w]}
        best = min(cost.values())
        edge = best + slack * min(best, scale[w]) + floor * scale[w]
        near = [r for r, c in cost.items() if c <= edge]
        now = int(only[w, t])
        if demand[w, t] == 0:
            assert changed[w, t] == NOTHING
            continue
        assert changed[w, t] == now
        equal = now in cost and cost[now] <= best + 1e-12 * scale[w]
        if near == [now] or (rank[w] >= among[t] and equal):
            stay[t] += demand[w, t] * best
            if now >= 0:
                loads[pool[now], t] += hours[now] * demand[w, t]
        else:
            ways = [r for r in near if r >= 0] or [GIVE_UP]
            expected |= {(w, t, r) for r in ways}
    assert {tuple(int(a[j]) for a in found) for j in range(count)} == expected
    assert count == len(expected)
    assert load == pytest.approx(loads)
    assert settled == pytest.approx(stay)


def test_by_place() -> None:
    """Columns come together by place, in the order in which they were."""
    position = np.array([1, 0, 1, 2, 0], np.int32)
    one, other = np.arange(5, dtype=np.int32), np.arange(5, dtype=np.int32) * 10
    to_one, to_other = np.empty(5, np.int32), np.empty(5, np.int32)
    by_place(position, one, other, np.array([0, 2, 4]), to_one, to_other)
    assert to_one.tolist() == [1, 4, 0, 2, 3]
    assert to_other.tolist() == [10, 40, 0, 20, 30]

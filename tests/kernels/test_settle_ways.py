"""The settling sweep against the same written out for every workload and period."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.kernels.near_ways import GIVE_UP, NOTHING, SEVERAL
from optimizer.methods import split_by_period
from tests.kernels.test_soft_windows import drawn


@pytest.mark.parametrize("seed", range(20))
def test_settled_and_open(seed: int) -> None:
    coupled, price, width = drawn(seed)
    market, extra = coupled.market, coupled.coupling.extra
    pools, periods = market.capacity.shape
    handled = market.demand.copy()
    handled[::3, 0] = 0.0
    coupled = coupled.by_period(handled, np.zeros((coupled.rows.shape[1], periods)))
    found = split_by_period.SplitByPeriod(coupled, price, width, threads=2, halt=lambda: False)
    load = np.zeros((coupled.size, periods))
    torn: list[tuple[int, int, int]] = []
    for w in range(market.num_workloads):
        routes = np.arange(market.first[w], market.first[w + 1])
        cost = market.usd[routes, None] + market.hours[routes, None] * price[market.pool[routes]]
        cost = cost + extra[:, routes].T @ price[pools:]
        for t in range(periods):
            edge = min(cost[:, t].min(initial=np.inf), market.ceiling[w])
            edge += split_by_period.WIDTHS * width[w]
            near = routes[cost[:, t] <= edge]
            ways = len(near) + int(market.ceiling[w] <= edge)
            if handled[w, t] == 0.0:
                assert found.only[w, t] == NOTHING
            elif ways > 1:
                assert found.only[w, t] == SEVERAL
                torn.extend((t, w, int(route)) for route in near)
            elif len(near) == 0:
                assert found.only[w, t] == GIVE_UP
            else:
                assert found.only[w, t] == near[0]
                load[market.pool[near[0]], t] += handled[w, t] * market.hours[near[0]]
                load[pools:, t] += handled[w, t] * extra[:, near[0]]
    open_ways = [
        (rest.period, int(w), int(route))
        for rest in found.remainders
        for w, route in zip(rest.workload, rest.route, strict=True)
    ]
    assert sorted(open_ways) == sorted(torn)
    expected = np.einsum("tnd,dt->nt", coupled.rows, load)
    assert found._settled == pytest.approx(expected)

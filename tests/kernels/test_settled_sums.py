"""Walks over settled workloads against slow twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.kernels.near_ways import GIVE_UP, NOTHING, SEVERAL
from optimizer.kernels.settled_sums import moved, settled_sums
from tests.kernels.steady import STEADY, THIRDS, TIES, indices, matrix, vector


@STEADY
@given(st.data(), st.integers(0, 4), st.integers(1, 5), st.integers(1, 4))
def test_settled_sums(data: st.DataObject, workloads: int, routes: int, periods: int) -> None:
    """Loads and costs of whom the wanted periods settle; what stood there before stays."""
    pools = 3
    only = data.draw(indices(workloads * periods, routes + 3)).reshape(workloads, periods)
    only = only.astype(np.int32) + np.int32(NOTHING)
    wanted = data.draw(indices(periods, 2)).astype(np.bool_)
    demand = data.draw(matrix(workloads, periods, TIES))
    pool = data.draw(indices(routes, pools))
    usd, hours = data.draw(vector(routes, THIRDS)), data.draw(vector(routes, TIES)) + 0.25
    used = data.draw(matrix(pools, periods, TIES))
    ceiling = data.draw(vector(workloads, TIES))
    load, cost = np.ones((pools, periods)), np.ones(periods)
    settled_sums(only, wanted, demand, pool, usd, hours, used, ceiling, load, cost)
    expected_load, expected_cost = np.ones((pools, periods)), np.ones(periods)
    for w, t in np.ndindex(workloads, periods):
        r, mtok = int(only[w, t]), float(demand[w, t])
        if wanted[t] and r >= 0:
            need = mtok * float(hours[r])
            expected_load[pool[r], t] += need
            expected_cost[t] += mtok * float(usd[r]) + need * float(used[pool[r], t])
        if wanted[t] and r == GIVE_UP:
            expected_cost[t] += mtok * float(ceiling[w])
    assert load == pytest.approx(expected_load, rel=1e-12)
    assert cost == pytest.approx(expected_cost, rel=1e-12, abs=1e-12)


@STEADY
@given(st.data(), st.integers(0, 5), st.integers(0, 12))
def test_moved(data: st.DataObject, workloads: int, room: int) -> None:
    """Settled workloads whose way is not the only one, open ones that have one way now."""
    periods = 4
    picked = np.array(sorted(data.draw(st.sets(st.integers(0, periods - 1)))), np.int64)
    only = data.draw(indices(workloads * periods, 5)).reshape(workloads, periods) + NOTHING
    now = data.draw(indices(workloads * len(picked), 5)).reshape(workloads, len(picked)) + NOTHING
    found = [np.full(room, -9, np.int32) for _ in range(2)]
    count = moved(only.astype(np.int32), now.astype(np.int32), picked, *found)
    expected = []
    for w, place in np.ndindex(*now.shape):
        before, after = only[w, picked[place]], now[w, place]
        leaves = before >= GIVE_UP and after != before
        settles = before == SEVERAL and after >= 0
        if leaves or settles:
            expected.append((w, place))
    assert count == len(expected)
    kept = list(zip(*(array.tolist() for array in found), strict=True))
    assert kept[:count] == expected[:room]
    assert all(one == (-9, -9) for one in kept[count:])

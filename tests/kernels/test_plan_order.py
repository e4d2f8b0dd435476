"""Cells of a plan in the order of a plan."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optimizer.kernels.plan_order import in_order, order_of
from tests.kernels.steady import STEADY, indices, vector

AMOUNTS = st.sampled_from((1.0, 2.5, 0.0, -1.0, float("nan")))


@STEADY
@given(st.data(), st.integers(1, 4), st.integers(0, 12))
def test_cells_come_in_the_order_of_a_plan(data: st.DataObject, workloads: int, cells: int) -> None:
    """What is not above zero is dropped; cells at one place keep their order."""
    workload = data.draw(indices(cells, workloads))
    pool, period = data.draw(indices(cells, 3)), data.draw(indices(cells, 3))
    amount = data.draw(vector(cells, AMOUNTS))
    first, order = order_of(workload, pool, period, amount, workloads)
    kept = [k for k in range(cells) if amount[k] > 0]
    kept.sort(key=lambda k: (workload[k], pool[k], period[k]))
    assert order.tolist() == kept
    assert first.tolist() == [sum(workload[k] < w for k in kept) for w in range(workloads + 1)]
    assert in_order(workload[order], pool[order], period[order], amount[order])


@STEADY
@given(st.data(), st.integers(0, 4))
def test_order_is_seen(data: st.DataObject, cells: int) -> None:
    """In order is what sorting would leave as it is."""
    axes = [data.draw(indices(cells, 2)) for _ in range(3)]
    amount = data.draw(vector(cells, AMOUNTS))
    keys = list(zip(*(axis.tolist() for axis in axes), strict=True))
    expected = keys == sorted(keys) and bool((amount > 0).all())
    assert in_order(*axes, amount) == expected


def test_order_does_not_depend_on_blocks() -> None:
    """Many workloads, which several blocks share."""
    random = np.random.default_rng(1)
    workloads, cells = 1000, 600_000
    workload = random.integers(0, workloads, cells, dtype=np.int32)
    pool = random.integers(0, 50, cells, dtype=np.int32)
    period = random.integers(0, 50, cells, dtype=np.int32)
    _, order = order_of(workload, pool, period, np.ones(cells), workloads)
    assert np.array_equal(order, np.lexsort((period, pool, workload)))

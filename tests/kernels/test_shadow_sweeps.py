"""What chips and routes that are not there would save."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optimizer.kernels.shadow_sweeps import first_chip, saved_elsewhere
from tests.kernels.steady import STEADY, THIRDS, TIES, indices, matrix, vector

WORKLOADS, POOLS, PERIODS, MODELS, ROWS = 3, 2, 3, 2, 4


def routes(data: st.DataObject) -> dict[str, np.ndarray]:
    """Columns of a few routes, sorted by workload."""
    workload = np.sort(data.draw(indices(5, WORKLOADS)))
    return {
        "workload": workload,
        "first": np.searchsorted(workload, np.arange(WORKLOADS + 1)).astype(np.int32),
        "pool": data.draw(indices(5, POOLS)),
        "row": (data.draw(indices(5, ROWS + 1)) - 1).astype(np.int32),
        "usd": data.draw(vector(5, THIRDS)),
        "hours": data.draw(vector(5, st.sampled_from((0.5, 1.0, 3.0)))),
    }


@STEADY
@given(st.data(), st.integers(0, WORKLOADS))
def test_first_chip(data: st.DataObject, begin: int) -> None:
    """The best that any open route of a workload without replicas could save."""
    found = routes(data)
    opens = data.draw(indices(5, PERIODS + 1))
    model = data.draw(indices(WORKLOADS, MODELS))
    lane_of = data.draw(indices(MODELS * POOLS, 2, np.int64)).reshape(MODELS, POOLS) - 1
    factor, per_mtok, hour_usd = (data.draw(matrix(ROWS, PERIODS, THIRDS)) for _ in range(3))
    size = WORKLOADS - begin
    added, reach = (data.draw(matrix(size, PERIODS, THIRDS)) for _ in range(2))
    empty = data.draw(indices(POOLS * PERIODS, 2)).reshape(POOLS, PERIODS).astype(np.bool_)
    expected = np.zeros((POOLS, PERIODS))
    for r in range(5):
        w, p, line = found["workload"][r], found["pool"][r], found["row"][r]
        if w < begin or line < 0 or lane_of[model[w], p] >= 0:
            continue
        usd = factor[line] * found["usd"][r] + per_mtok[line] + added[w - begin]
        saved = (reach[w - begin] - usd) / found["hours"][r] - hour_usd[line]
        usable = (np.arange(PERIODS) >= opens[r]) & empty[p]
        expected[p] = np.maximum(expected[p], np.where(usable, saved, 0.0))
    worth = np.zeros((POOLS, PERIODS))
    first_chip(
        found["first"], found["pool"], found["row"], opens, found["usd"], found["hours"],
        model, lane_of, factor, per_mtok, hour_usd, added, reach, empty, begin, worth,
    )  # fmt: skip
    assert np.array_equal(worth, expected)


@STEADY
@given(st.data(), st.booleans(), st.integers(0, 2))
def test_saved_elsewhere(data: st.DataObject, some_added: bool, cut: int) -> None:
    """In the periods in which the rule stands, where there is demand; in two blocks."""
    found = routes(data)
    since, until = data.draw(indices(5, PERIODS + 1)), data.draw(indices(5, PERIODS + 1))
    factor, per_mtok = (data.draw(matrix(ROWS, PERIODS, THIRDS)) for _ in range(2))
    paid = data.draw(matrix(ROWS, PERIODS, st.sampled_from((0.0, 1.0, float("inf")))))
    added = data.draw(matrix(WORKLOADS if some_added else 0, PERIODS, THIRDS))
    marginal, demand = (data.draw(matrix(WORKLOADS, PERIODS, TIES)) for _ in range(2))
    rows = np.array([0, 2])
    expected = np.zeros((WORKLOADS, PERIODS))
    for r in range(5):
        w, line = found["workload"][r], found["row"][r]
        if line < 0:
            continue
        usd = factor[line] * found["usd"][r] + per_mtok[line] + found["hours"][r] * paid[line]
        usd = usd + (added[w] if some_added else 0.0)
        stands = (np.arange(PERIODS) >= since[r]) & (np.arange(PERIODS) < until[r])
        expected[w] = np.maximum(expected[w], np.where(stands, marginal[w] - usd, 0.0))
    expected[demand <= 0] = 0.0
    value = np.full((2, PERIODS), np.nan)
    for begin, end in ((0, cut), (cut, 2)):
        saved_elsewhere(
            found["first"], found["row"], since, until, found["usd"], found["hours"],
            factor, per_mtok, paid, added, marginal, demand, rows, begin, end, value,
        )  # fmt: skip
    assert np.array_equal(value, expected[rows])

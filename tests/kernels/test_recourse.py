"""A fixed plan under draws against slow twins, one draw and one placement at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.kernels.recourse import AT_A_TIME, attained, fit_to_room, weighted
from tests.kernels.steady import STEADY, TIES, indices, matrix, vector

Float = NDArray[np.float64]

MARGINS = st.sampled_from([1.0, 1.25, 2.0])
QUARTERS = st.integers(1, 8).map(lambda count: count / 4)


def drawn_plan(data: st.DataObject, resources: int, cells: int, margin: bool) -> dict[str, Any]:
    """Routes, placements sorted by resource, resources; two workloads, classes and pools."""
    routes = 4
    resource = np.sort(data.draw(indices(cells, resources))).astype(np.int64)
    return {
        "first": np.searchsorted(resource, np.arange(resources + 1)).astype(np.int64),
        "cell_route": data.draw(indices(cells, routes)),
        "cell_mtok": data.draw(vector(cells, QUARTERS)),
        "route_workload": data.draw(indices(routes, 2)),
        "route_class": data.draw(indices(routes, 2)),
        "route_hours": (hours := data.draw(vector(routes, QUARTERS))),
        "planned_hours": hours * data.draw(vector(routes, MARGINS)) if margin else hours,
        "margin": margin,
        "route_usd": data.draw(vector(routes, TIES)),
        "penalty_usd": data.draw(vector(2, TIES)),
        "pool": data.draw(indices(resources, 2)),
        "room": data.draw(vector(resources, TIES)),
        "fixed": data.draw(vector(resources, TIES)) - 1.0,
        "price": data.draw(vector(resources, TIES)),
    }


def by_hand(plan: dict[str, Any], tolerance: float, demand: Float, slow: Float) -> list[Float]:
    """The answers of ``fit_to_room``, from its words."""
    draws, pools, resources = demand.shape[1], 2, len(plan["room"])
    usage, overloads, cut = (np.zeros((pools, draws)) for _ in range(3))
    crowded, lost_route, lost_penalty = (np.zeros(draws) for _ in range(3))
    fit = np.ones((resources, draws))
    for d in range(draws):
        for i in range(resources):
            cells = []
            for k in range(plan["first"][i], plan["first"][i + 1]):
                r = plan["cell_route"][k]
                w, c = plan["route_workload"][r], plan["route_class"][r]
                mtok = plan["cell_mtok"][k] * demand[w, d]
                cells.append((mtok, mtok * plan["route_hours"][r] * slow[c, d], r, w))
            need, p = sum(cell[1] for cell in cells), plan["pool"][i]
            more = [plan["planned_hours"][r] / plan["route_hours"][r] for *_, r, _ in cells]
            wanted = sum(cell[1] * ratio for cell, ratio in zip(cells, more, strict=True))
            if need > plan["room"][i] * (1 + tolerance):
                fit[i, d] = plan["room"][i] / need
                overloads[p, d] += 1
                for mtok, _, r, w in cells:
                    lost = mtok * (1 - fit[i, d])
                    crowded[d] += mtok
                    cut[p, d] += lost
                    lost_route[d] += lost * plan["route_usd"][r]
                    lost_penalty[d] += lost * plan["penalty_usd"][w]
            # What the plan would hold, as far as there is room, and never less than serving takes.
            held = plan["fixed"][i] + max(need * fit[i, d], min(wanted, plan["room"][i]))
            usage[p, d] += plan["price"][i] * max(held, 0.0)
    return [usage, overloads, cut, crowded, lost_route, lost_penalty, fit]


def answers(
    plan: dict[str, Any], tolerance: float, demand: Float, slow: Float, keep: bool = True
) -> list[Float]:
    draws, pools = demand.shape[1], 2
    made = [np.zeros((pools, draws)) for _ in range(3)] + [np.zeros(draws) for _ in range(3)]
    made.append(np.full((len(plan["room"]) if keep else 0, draws), np.nan))
    fit_to_room(*plan.values(), tolerance, demand, slow, *made)
    return made


@STEADY
@given(st.data(), st.integers(1, 4), st.integers(0, 8), st.integers(1, 5), st.booleans())
def test_fit_to_room(
    data: st.DataObject, resources: int, cells: int, draws: int, margin: bool
) -> None:
    """Room of nothing, resources without placements, blocks larger than what is held."""
    plan = drawn_plan(data, resources, cells, margin)
    demand, slow = data.draw(matrix(2, draws, TIES)), data.draw(matrix(2, draws, QUARTERS))
    found, expected = answers(plan, 1e-9, demand, slow), by_hand(plan, 1e-9, demand, slow)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-12)
    for one, other in zip(answers(plan, 1e-9, demand, slow, keep=False), found, strict=True):
        assert one.shape[0] == 0 or np.array_equal(one, other)


def test_draws_do_not_know_of_each_other() -> None:
    """More draws than are gone through at a time: each as if it were alone, to the last digit."""
    rng = np.random.default_rng(3)
    cells, resources = 40, 6
    resource = np.sort(rng.integers(0, resources, cells))
    plan: dict[str, Any] = {
        "first": np.searchsorted(resource, np.arange(resources + 1)).astype(np.int64),
        "cell_route": rng.integers(0, 4, cells).astype(np.int32),
        "cell_mtok": rng.random(cells),
        "route_workload": np.array([0, 0, 1, 1], np.int32),
        "route_class": np.array([0, 1, 0, 1]),
        "route_hours": (hours := rng.random(4)),
        "planned_hours": hours * 1.25,
        "margin": True,
        "route_usd": rng.random(4),
        "penalty_usd": rng.random(2),
        "pool": rng.integers(0, 2, resources),
        "room": rng.random(resources) * 3,
        "fixed": rng.random(resources) - 0.5,
        "price": rng.random(resources),
    }
    draws = 2 * AT_A_TIME + 7
    demand, slow = rng.random((2, draws)) * 2, 0.5 + rng.random((2, draws))
    found = answers(plan, 0.0, demand, slow)
    assert found[1].sum() > draws / 2
    assert found[1].sum() < draws * resources / 2
    for d in range(draws):
        alone = answers(plan, 0.0, demand[:, d : d + 1].copy(), slow[:, d : d + 1].copy())
        for one, other in zip(found, alone, strict=True):
            assert np.array_equal(one[..., d], other[..., 0])


def test_weighted() -> None:
    rng = np.random.default_rng(0)
    weight, factor = rng.random((3, 5)), rng.random((5, 4))
    assert weighted(weight, factor) == pytest.approx(weight @ factor, rel=1e-14)
    assert weighted(weight[:, :0], factor[:0]).tolist() == np.zeros((3, 4)).tolist()


@STEADY
@given(st.data(), st.integers(1, 3), st.integers(0, 6), st.integers(1, 4), st.integers(1, 3))
def test_attained(data: st.DataObject, groups: int, cells: int, draws: int, points: int) -> None:
    """Groups without placements, that hold nothing, and loads beyond both ends of the grid."""
    group = np.sort(data.draw(indices(cells, groups)))
    first = np.searchsorted(group, np.arange(groups + 1)).astype(np.int64)
    route, resource = data.draw(indices(cells, 3)), data.draw(indices(cells, 2))
    mtok = data.draw(vector(cells, QUARTERS))
    workload, of_class = data.draw(indices(3, 2)), data.draw(indices(3, 2))
    hours = data.draw(vector(3, QUARTERS))
    held = data.draw(vector(groups, TIES))
    grid = np.cumsum(data.draw(vector(points, QUARTERS)))
    part = data.draw(matrix(groups, points, QUARTERS)) / 2
    demand, slow = data.draw(matrix(2, draws, TIES)), data.draw(matrix(2, draws, QUARTERS))
    fit = data.draw(matrix(2, draws, QUARTERS)) / 2
    sent, kept = np.zeros(draws), np.zeros(draws)
    attained(
        first, route, mtok, resource, workload, of_class, hours, held, grid, part, demand, slow,
        fit, sent, kept,
    )  # fmt: skip
    for d in range(draws):
        all_sent = all_kept = 0.0
        for g in range(groups):
            members = range(first[g], first[g + 1])
            amount = [mtok[k] * demand[workload[route[k]], d] for k in members]
            need = sum(
                amount[n] * hours[route[k]] * slow[of_class[route[k]], d]
                for n, k in enumerate(members)
            )
            if sum(amount) == 0:
                continue
            ratio = need / held[g] if held[g] > 0 else np.inf
            share = float(np.interp(ratio, grid, part[g]))
            all_sent += sum(amount)
            all_kept += share * sum(amount[n] * fit[resource[k], d] for n, k in enumerate(members))
        assert sent[d] == pytest.approx(all_sent, rel=1e-12)
        assert kept[d] == pytest.approx(all_kept, rel=1e-9, abs=1e-12)

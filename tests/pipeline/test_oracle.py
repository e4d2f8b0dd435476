"""The oracle itself: against arithmetic by hand, brute force, and a second program."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.instance.instance import Instance
from tests.pipeline.assignment import assigned_optimum
from tests.pipeline.oracle import cost_of, optimum, violations_of
from tests.pipeline.sketch import PoolRow, RouteRow, ShareRow, Sketch, WorkloadRow
from tests.pipeline.strategies import instances, sketches
from tests.pipeline.transformations import halved, reordered, scaled, with_more_chips

STEADY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FIFTY = settings(STEADY, max_examples=50)


def cost(sketch: Sketch) -> float:
    """Cost of the optimum, checked against its own placement."""
    instance = sketch.build()
    oracle = optimum(instance)
    assert oracle.status == "optimal"
    assert violations_of(instance, oracle.x, oracle.u) == []
    again = cost_of(instance, oracle.x, oracle.u)
    assert again == pytest.approx(oracle.objective_usd, rel=1e-12, abs=1e-12)
    return oracle.objective_usd


def two_pools(**chat: object) -> Sketch:
    """Make a sketch of 10 Mtok at 100 USD unserved, over a cheap and a dear pool of 8 chips."""
    workload = WorkloadRow("chat", 100.0, (10.0,))
    cheap = PoolRow("cheap", (1.0,), (8.0,), provider="north", region="east")
    dear = PoolRow("dear", (3.0,), (8.0,), provider="south", region="west")
    routes = (RouteRow("chat", "cheap"), RouteRow("chat", "dear"))
    return Sketch((workload,), (cheap, dear), routes, **chat)  # type: ignore[arg-type]


# --- arithmetic by hand ---------------------------------------------------------------


def test_cheapest_pool_is_filled_first() -> None:
    assert cost(two_pools()) == pytest.approx(8 * 1 + 2 * 3)


def test_hours_of_a_period_multiply_capacity_and_not_demand() -> None:
    # 8 chips for half an hour are 4 chip-hours per pool: 4 + 4 placed, 2 given up.
    assert cost(two_pools(period_hours=0.5)) == pytest.approx(4 * 1 + 4 * 3 + 2 * 100)


def test_reserved_pool_is_paid_once_for_all_its_chips_and_hours() -> None:
    pools = (
        PoolRow("own", (2.0, 3.0), (4.0, 6.0), purchase="reserved"),
        PoolRow("rented", (1.0, 1.0), (9.0, 9.0)),
    )
    workload = WorkloadRow("chat", 50.0, (6.0, 6.0))
    routes = (RouteRow("chat", "own", 2.0, 0.25), RouteRow("chat", "rented", 1.0, 0.5))
    # Own: 2 h * (2 * 4 + 3 * 6) = 52 USD; it serves 4 and 6 Mtok at 0.25 USD of the route.
    # The 2 Mtok left over in period 0 take 2 chip-hours at 1 USD and 0.5 USD of the route.
    expected = 52 + 10 * 0.25 + 2 * (1 + 0.5)
    assert cost(Sketch((workload,), pools, routes, (), 2.0)) == pytest.approx(expected)


def test_tokens_wait_for_a_cheaper_period_until_their_deadline() -> None:
    pool = PoolRow("spot", (5.0, 3.0, 1.0, 4.0), (9.0, 9.0, 6.0, 9.0), purchase="spot")
    routes = (RouteRow("batch", "spot"),)

    def waiting(periods: int) -> float:
        batch = WorkloadRow("batch", 4.5, (4.0, 4.0, 0.0, 0.0), periods)
        return cost(Sketch((batch,), (pool,), routes))

    # No wait: the first 4 are given up at 4.5, the other 4 served at 3.
    assert waiting(0) == pytest.approx(4 * 4.5 + 4 * 3)
    # One period: the first 4 move to period 1 at 3, the others to period 2 at 1.
    assert waiting(1) == pytest.approx(4 * 3 + 4 * 1)
    # Two or more: period 2 has room for 6 at 1, and 2 are served at 3.
    assert waiting(2) == pytest.approx(6 * 1 + 2 * 3)
    assert waiting(9) == pytest.approx(6 * 1 + 2 * 3)


def test_nothing_is_served_before_it_arrives() -> None:
    pool = PoolRow("spot", (1.0, 5.0), (9.0, 9.0))
    batch = WorkloadRow("batch", 100.0, (0.0, 4.0), 1)
    assert cost(Sketch((batch,), (pool,), (RouteRow("batch", "spot"),))) == pytest.approx(4 * 5)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        # 10 Mtok: 7 cheap allowed, 3 dear.
        (ShareRow("s", "provider", "north", "tokens", max=0.7), 7 * 1 + 3 * 3),
        # 5 of each.
        (ShareRow("s", "pool", "dear", "tokens", min=0.5), 5 * 1 + 5 * 3),
        # Half of the spend may be dear: 3 y <= (x + 3 y) / 2, so y <= x / 3; 8 and 2 keep it.
        (ShareRow("s", "region", "west", "spend", max=0.5), 8 * 1 + 2 * 3),
        # A quarter of it: 3 y <= (x + 3 y) / 4, so y <= x / 9 = 8 / 9; the rest is given up.
        (ShareRow("s", "region", "west", "spend", max=0.25), 8 + 8 / 3 + (10 - 8 - 8 / 9) * 100),
        # Nothing on the dear pool.
        (ShareRow("s", "pool", "dear", "compute", max=0.0), 8 * 1 + 2 * 100),
        # All on the dear pool.
        (ShareRow("s", "pool", "dear", "compute", min=1.0), 8 * 3 + 2 * 100),
    ],
)
def test_share_limits_a_part_of_the_total(share: ShareRow, expected: float) -> None:
    assert cost(two_pools(shares=(share,))) == pytest.approx(expected)


def test_compute_counts_chip_hours_and_tokens_count_mtok() -> None:
    pools = two_pools().pools
    chat = WorkloadRow("chat", 100.0, (4.0,))
    # The cheap pool takes 2 chip-hours per Mtok: 2 USD against 3.
    routes = (RouteRow("chat", "cheap", 2.0), RouteRow("chat", "dear", 1.0))
    tokens = ShareRow("s", "pool", "cheap", "tokens", max=0.5)
    compute = ShareRow("s", "pool", "cheap", "compute", max=0.5)
    assert cost(Sketch((chat,), pools, routes, (tokens,))) == pytest.approx(2 * 2 + 2 * 3)
    # 2 x <= (2 x + y) / 2, so y = 2 x: 4/3 Mtok cheap, 8/3 dear.
    assert cost(Sketch((chat,), pools, routes, (compute,))) == pytest.approx(4 / 3 * 2 + 8 / 3 * 3)


def test_spend_counts_reserved_chips_used_or_not() -> None:
    own = PoolRow("own", (1.0,), (12.0,), purchase="reserved", provider="north")
    rented = PoolRow("rented", (3.0,), (8.0,), provider="south")
    chat = WorkloadRow("chat", 100.0, (4.0,))
    routes = (RouteRow("chat", "own", 1.0, 0.5), RouteRow("chat", "rented", 1.0, 0.0))
    # Own: 12 + x / 2. Rented: 3 y >= 0.4 * (12 + x / 2 + 3 y) with x + y = 4 gives
    # 1.8 y >= 4.8 + 0.2 (4 - y), so y = 2.8 and x = 1.2.
    share = ShareRow("s", "provider", "south", "spend", min=0.4)
    expected = 12 + 0.5 * 1.2 + 3 * 2.8
    assert cost(Sketch((chat,), (own, rented), routes, (share,))) == pytest.approx(expected)
    # All of it rented is 12 of 24 USD; more than half cannot be.
    tight = ShareRow("s", "provider", "south", "spend", min=0.625)
    assert optimum(Sketch((chat,), (own, rented), routes, (tight,)).build()).status == "infeasible"


def test_left_out_pool_takes_no_part_and_counts_in_no_share() -> None:
    sketch = two_pools()
    unknown = PoolRow("unknown", (None,), (50.0,), purchase="reserved", provider="west")
    routes = (*sketch.routes, RouteRow("chat", "unknown"))
    share = ShareRow("s", "provider", "north", "spend", max=0.5)
    with_it = Sketch(sketch.workloads, (*sketch.pools, unknown), routes, (share,))
    # x <= (x + 3 y) / 2, so x <= 3 y: 7.5 cheap and 2.5 dear.
    assert cost(with_it) == pytest.approx(7.5 * 1 + 2.5 * 3)


def test_residency_and_missing_routes_forbid_pools() -> None:
    sketch = two_pools()
    bound = WorkloadRow("chat", 100.0, (10.0,), regions=("west",))
    assert cost(Sketch((bound,), sketch.pools, sketch.routes)) == pytest.approx(8 * 3 + 2 * 100)
    only_cheap = Sketch(sketch.workloads, sketch.pools, sketch.routes[:1])
    assert cost(only_cheap) == pytest.approx(8 * 1 + 2 * 100)
    assert cost(Sketch(sketch.workloads, sketch.pools, ())) == pytest.approx(10 * 100)


# --- greedy and brute force -------------------------------------------------------------


@FIFTY
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=4))
def test_one_workload_fills_pools_by_price(pools: list[tuple[int, int]]) -> None:
    left, expected = 12.0, 0.0
    for usd, chips in sorted((usd, chips) for usd, chips in pools if usd < 6):
        placed = min(left, chips)
        expected, left = expected + usd * placed, left - placed
    rows = tuple(
        PoolRow(f"p{index}", (float(usd),), (float(chips),))
        for index, (usd, chips) in enumerate(pools)
    )
    routes = tuple(RouteRow("chat", row.name) for row in rows)
    sketch = Sketch((WorkloadRow("chat", 6.0, (12.0,)),), rows, routes)
    assert cost(sketch) == pytest.approx(expected + 6.0 * left)


@FIFTY
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 5), st.sampled_from((0.5, 1.0, 2.0))),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 12),
)
def test_one_pool_serves_what_saves_most_per_chip_hour(
    workloads: list[tuple[int, int, float]], chips: int
) -> None:
    left, expected = float(chips), 0.0
    ranked = sorted(workloads, key=lambda row: (row[0] - row[2]) / row[2], reverse=True)
    for unserved, asked, hours in ranked:
        served = min(asked, left / hours) if unserved > hours else 0.0
        left -= served * hours
        expected += served * hours + (asked - served) * unserved
    rows = tuple(
        WorkloadRow(f"w{index}", float(unserved), (float(asked),))
        for index, (unserved, asked, _) in enumerate(workloads)
    )
    routes = tuple(
        RouteRow(row.name, "pool", hours)
        for row, (_, _, hours) in zip(rows, workloads, strict=True)
    )
    pool = PoolRow("pool", (1.0,), (float(chips),))
    assert cost(Sketch(rows, (pool,), routes)) == pytest.approx(expected)


@FIFTY
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 9)), max_size=4),
    st.lists(st.integers(0, 2), min_size=6, max_size=6),
    st.lists(st.integers(0, 7), min_size=6, max_size=6),
)
def test_single_tokens_are_placed_as_by_trying_everything(
    tokens: list[tuple[int, int, int]], chips: list[int], prices: list[int]
) -> None:
    """With one chip-hour per Mtok the program is a flow, so whole tokens are enough."""
    room, usd = np.reshape(chips, (2, 3)), np.reshape(prices, (2, 3))
    workloads = tuple(
        WorkloadRow(f"w{index}", float(unserved), _at(arrival), wait)
        for index, (arrival, wait, unserved) in enumerate(tokens)
    )
    pools = tuple(
        PoolRow(f"p{p}", tuple(map(float, usd[p])), tuple(map(float, room[p]))) for p in range(2)
    )
    routes = tuple(RouteRow(w.name, p.name) for w in workloads for p in pools)
    if workloads:
        expected = _least_by_trying(tokens, room, usd)
        assert cost(Sketch(workloads, pools, routes)) == pytest.approx(expected)


def _at(period: int) -> tuple[float, ...]:
    return tuple(float(t == period) for t in range(3))


def _least_by_trying(tokens: list[tuple[int, int, int]], room: np.ndarray, usd: np.ndarray) -> int:
    """Least cost over every choice of (pool, period) or giving up for every token."""
    choices = []
    for arrival, wait, _ in tokens:
        periods = range(arrival, min(arrival + wait, 2) + 1)
        choices.append([None, *itertools.product(range(2), periods)])
    least = sum(unserved for _, _, unserved in tokens)
    for chosen in itertools.product(*choices):
        cells = [cell for cell in chosen if cell is not None]
        if any(cells.count(cell) > room[cell] for cell in set(cells)):
            continue
        paid = sum(int(usd[cell]) for cell in cells)
        lost = sum(row[2] for row, cell in zip(tokens, chosen, strict=True) if cell is None)
        least = min(least, paid + lost)
    return least


# --- a second program, and changes of the problem ---------------------------------------


@FIFTY
@given(instances())
def test_assignment_of_arrivals_to_services_costs_the_same(instance: Instance) -> None:
    oracle, expected = optimum(instance), assigned_optimum(instance)
    if expected is None:
        assert oracle.status == "infeasible"
        return
    assert oracle.status == "optimal"
    assert oracle.objective_usd == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert violations_of(instance, oracle.x, oracle.u) == []
    again = cost_of(instance, oracle.x, oracle.u)
    assert again == pytest.approx(oracle.objective_usd, rel=1e-9, abs=1e-9)


@FIFTY
@given(sketches(), st.data())
def test_known_changes_have_their_known_effect(sketch: Sketch, data: st.DataObject) -> None:
    before = optimum(sketch.build()).objective_usd
    order = data.draw(st.permutations(range(len(sketch.workloads))))
    pools = data.draw(st.permutations(range(len(sketch.pools))))
    for after, factor in (
        (reordered(sketch, order, pools), 1.0),
        (scaled(sketch, 8.0, 0.5), 4.0),
        (halved(sketch, order[0]), 1.0),
    ):
        found = optimum(after.build()).objective_usd
        assert found == pytest.approx(factor * before, rel=1e-9, abs=1e-9, nan_ok=True)
    if not math.isnan(before):
        larger = with_more_chips(sketch, tuple(float(index) for index in pools))
        assert optimum(larger.build()).objective_usd <= before * (1 + 1e-9) + 1e-9


# --- what counts as a violation -----------------------------------------------------------


def guarded() -> tuple[Instance, np.ndarray, np.ndarray]:
    """Make an instance in which each rule binds, with a placement that keeps all of them."""
    workloads = (
        WorkloadRow("chat", 9.0, (2.0, 2.0)),
        WorkloadRow("batch", 9.0, (2.0, 0.0), 1, regions=("east",)),
    )
    pools = (
        PoolRow("cheap", (1.0, 1.0), (3.0, 3.0)),
        PoolRow("far", (1.0, 1.0), (9.0, 9.0), region="west"),
        PoolRow("unknown", (1.0, None), (9.0, 9.0)),
        PoolRow("unlinked", (1.0, 1.0), (9.0, 9.0)),
    )
    routes = tuple(RouteRow(w, p) for w in ("chat", "batch") for p in ("cheap", "far", "unknown"))
    share = ShareRow("s", "pool", "far", "tokens", max=0.5)
    x = np.zeros((2, 4, 2))
    x[0, 0], x[1, 0] = (2.0, 2.0), (1.0, 1.0)
    return Sketch(workloads, pools, routes, (share,)).build(), x, np.zeros((2, 2))


@pytest.mark.parametrize(
    ("moves", "broken"),
    [
        ([], []),
        ([((0, 0, 0), -1.0)], ["demand"]),
        ([((0, 0, 0), +0.5), ((1, 0, 0), -0.5), ((1, 0, 1), +0.5)], ["demand", "capacity"]),
        ([((1, 0, 0), -1.0)], ["deadline"]),
        ([((0, 0, 0), -1.0), ((0, 1, 0), +1.0), ((1, 0, 0), +1.5), ((1, 0, 1), -1.0)],
         ["deadline", "capacity"]),
        ([((0, 0, 0), +0.5)], ["demand", "capacity"]),
        ([((0, 0, 0), -2.0), ((0, 0, 1), -2.0), ((0, 1, 0), +2.0), ((0, 1, 1), +2.0)],
         ["shares"]),
        ([((1, 0, 0), -1.0), ((1, 1, 0), +1.0)], ["residency"]),
        ([((0, 0, 0), -1.0), ((0, 3, 0), +1.0)], ["routes"]),
        ([((0, 0, 0), -1.0), ((0, 2, 0), +1.0)], ["left_out"]),
        ([((0, 0, 0), +1.0), ((0, 1, 0), -1.0), ((1, 0, 0), -1.0), ((1, 0, 1), +1.0),
          ((0, 0, 1), -1.0), ((0, 1, 1), +1.0)], ["sign"]),
        ([((0, 0, 0), math.nan)], ["demand", "capacity"]),
    ],
)  # fmt: skip
def test_broken_rules_are_named(
    moves: list[tuple[tuple[int, int, int], float]], broken: list[str]
) -> None:
    instance, x, u = guarded()
    for cell, mtok in moves:
        x[cell] += mtok
    if moves and math.isnan(moves[0][1]):
        assert set(violations_of(instance, x, u)) >= set(broken)
    else:
        assert violations_of(instance, x, u) == broken

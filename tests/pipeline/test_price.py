"""The price method: the optimum of the direct method wherever it can be asked for one."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import optimizer
from optimizer.errors import UnsupportedError
from optimizer.evaluation.evaluate import evaluate
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from optimizer.methods.registry import method_named
from optimizer.methods.uncoupled import PRICED, couplings
from optimizer.plan import Plan
from optimizer.progress import Silent
from optimizer.result import Result
from optimizer.solvers.base import Outcome, Reason
from optimizer.solvers.workers import Job, Workers, stop_requested
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow
from tests.pipeline.test_known_optima import FOLDERS, stated_optimum

EXACT = Limits(relative_gap=1e-10, threads=2)
PLAIN = [folder for folder in FOLDERS if not couplings(optimizer.read(folder))]
REFUSED = [
    folder for folder in FOLDERS if not set(couplings(optimizer.read(folder))) <= set(PRICED)
]


def solved(instance: Instance, limits: Limits = EXACT) -> Result:
    """By the price method, verified."""
    result = optimizer.solve(instance, method="price", limits=limits)
    assert result.verified, result.reason
    return result


def random_market(seed: int) -> Instance:
    """A few workloads and pools of every kind: short, empty, unknown, free, late, unreachable.

    Whole numbers tie often; other draws do not.
    """
    rng = np.random.default_rng(seed)
    workloads, pools = int(rng.integers(1, 9)), int(rng.integers(1, 6))
    periods = int(rng.integers(1, 5))
    whole = bool(rng.integers(2))

    def numbers(low: float, high: float, count: int) -> list[float]:
        drawn = rng.uniform(low, high, count)
        return [float(x) for x in (np.round(drawn) if whole else drawn)]

    def zeroed(values: list[float], part: float) -> tuple[float, ...]:
        return tuple(0.0 if rng.random() < part else value for value in values)

    worth = (0.0, 1e6) if rng.random() < 0.2 else (3.0, 30.0)
    demand_rows = tuple(
        WorkloadRow(
            f"w{w}",
            float(rng.choice(worth)) if worth[0] == 0.0 else numbers(*worth, 1)[0],
            zeroed(numbers(1, 20, periods), 0.2),
            regions=("east",) if rng.random() < 0.15 else (),
        )
        for w in range(workloads)
    )
    pool_rows = tuple(
        PoolRow(
            f"p{p}",
            tuple(numbers(0, 6, periods)) if rng.random() < 0.92 else (None,) * periods,
            zeroed(numbers(1, 30, periods), 0.2),
            purchase=str(rng.choice(["reserved", "on_demand", "spot"])),
            region="east" if p == 0 else str(rng.choice(["east", "west"])),
        )
        for p in range(pools)
    )
    routes = tuple(
        RouteRow(f"w{w}", f"p{p}", numbers(1, 4, 1)[0], numbers(0, 2, 1)[0])
        for w in range(workloads)
        for p in range(pools)
        if rng.random() < 0.7
    )
    return Sketch(
        demand_rows, pool_rows, routes, period_hours=float(rng.choice([0.5, 1.0]))
    ).build()


def agrees(instance: Instance) -> None:
    """Same cost as the direct method, and a bound that reaches it."""
    priced, direct = solved(instance), optimizer.solve(instance, method="direct", limits=EXACT)
    assert priced.objective_usd == pytest.approx(direct.objective_usd, rel=1e-9, abs=1e-9)
    assert priced.bound_usd is not None
    assert direct.objective_usd is not None
    assert priced.bound_usd <= direct.objective_usd * (1 + 1e-9) + 1e-9
    assert priced.bound_usd == pytest.approx(direct.objective_usd, rel=1e-8, abs=1e-8)


def test_there_are_instances_of_both_kinds() -> None:
    assert len(PLAIN) >= 3
    assert len(REFUSED) >= 6


@pytest.mark.parametrize("folder", PLAIN, ids=lambda path: path.name)
def test_known_optimum(folder: Path) -> None:
    result = solved(optimizer.read(folder))
    assert result.status == "optimal"
    assert result.objective_usd == pytest.approx(stated_optimum(folder), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("folder", REFUSED, ids=lambda path: path.name)
def test_it_refuses_what_it_cannot_take(folder: Path) -> None:
    instance = optimizer.read(folder)
    names = ", ".join(name for name in couplings(instance) if name not in PRICED)
    with pytest.raises(UnsupportedError, match=f"cannot take these rules: {names}; methods"):
        optimizer.solve(instance, method="price")


@pytest.mark.parametrize("seed", range(120))
def test_random_markets(seed: int) -> None:
    agrees(random_market(seed))


@pytest.mark.parametrize(
    ("headroom", "periods"), [(0.08, 3), (0.0, 1), (-0.3, 4)], ids=["room", "tight", "short"]
)
def test_generated_markets(headroom: float, periods: int) -> None:
    """Where chips are short tokens are given up, and their penalty sets the prices."""
    made = optimizer.generate(workloads=900, pools=12, periods=periods, seed=3, headroom=0.0)
    instance = dataclasses.replace(made, capacity_chips=made.capacity_chips * (1 + headroom))
    agrees(instance)
    result = solved(instance)
    assert result.plan is not None
    assert (result.plan.unserved_mtok.sum() > 0) == (headroom < 0)


def test_all_pools_without_chips() -> None:
    made = optimizer.generate(workloads=30, pools=3, periods=2, seed=3)
    instance = dataclasses.replace(made, capacity_chips=np.zeros(made.capacity_chips.shape))
    agrees(instance)


def test_nothing_to_serve() -> None:
    made = optimizer.generate(workloads=30, pools=3, periods=2, seed=3)
    instance = dataclasses.replace(made, demand_mtok=np.zeros(made.demand_mtok.shape))
    agrees(instance)


def test_wrong_prices_cost_time_and_no_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any ascent the last step alone comes to the same end."""
    monkeypatch.setattr(
        "optimizer.methods.price.climbed",
        lambda sweeps, *others: np.zeros(sweeps.market.capacity.shape),
    )
    agrees(optimizer.generate(workloads=200, pools=6, periods=3, seed=5))
    for seed in range(10):
        agrees(random_market(seed))


def test_samples_lead_to_the_same_optimum() -> None:
    """Large enough for both samples."""
    agrees(optimizer.generate(workloads=26_000, pools=3, periods=1, seed=2, eligible=0.6))


def crowd() -> Instance:
    """1,500 workloads to whom 8 pools are all the same, with a tenth more chips than needed."""
    made = optimizer.generate(workloads=1500, pools=8, periods=1, seed=4, eligible=1.0)
    table = made.routes
    hours = np.repeat(np.arange(1500) % 7 + 1.0, np.bincount(table.workload, minlength=1500))
    need = float(hours[:: len(hours) // 1500] @ made.demand_mtok[:, 0])
    return dataclasses.replace(
        made,
        routes=dataclasses.replace(
            table, chip_hours_per_mtok=hours, usd_per_mtok=np.zeros(len(hours))
        ),
        capacity_chips=np.full((8, 1), 1.1 * need / 8),
        price_usd_per_chip_hour=np.ones((8, 1)),
    )


def test_crowds_that_tie_leave_a_small_program() -> None:
    """12,000 ways that cost the same; no more than the largest workloads' stay open."""
    instance = crowd()
    assert instance.num_routes == 12_000
    agrees(instance)
    columns = re.search(r"at most (\d+) columns", solved(instance).why)
    assert columns
    assert int(columns[1]) < 8_000


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_plan_every_time(threads: int) -> None:
    instance = optimizer.generate(workloads=3000, pools=12, periods=3, seed=7)
    first = solved(instance, Limits(threads=2))
    second = solved(instance, Limits(threads=threads))
    assert first.plan is not None
    assert second.plan is not None
    assert np.array_equal(first.plan.placed_mtok, second.plan.placed_mtok)
    assert first.bound_usd == second.bound_usd


def test_auto_takes_large_plain_instances_only() -> None:
    large = optimizer.generate(workloads=1200, pools=26, periods=1, seed=1)
    assert large.num_routes > 20_000
    assert method_named("auto", instance=large).name == "price"
    assert method_named("auto", "highs", large).name == "direct"
    small = optimizer.generate(workloads=120, pools=26, periods=24, seed=1)
    assert method_named("auto", instance=small).name == "direct"
    waits = optimizer.generate(workloads=1200, pools=26, periods=2, seed=1, deferrable=0.1)
    assert method_named("auto", instance=waits).name == "direct"
    assert "prices settle most" in optimizer.solve(large).why


class Heard(Silent):
    """Keeps what it is told of plan and bound."""

    def __init__(self) -> None:
        self.news: list[tuple[float | None, float | None]] = []

    def incumbent(self, value_usd: float | None, bound_usd: float | None, nodes: int) -> None:
        self.news.append((value_usd, bound_usd))


def test_the_bound_is_told_while_prices_climb() -> None:
    """Long before there is a plan; it rises, and stays below the optimum."""
    instance = optimizer.generate(workloads=3000, pools=12, periods=3, seed=7)
    heard = Heard()
    result = optimizer.solve(instance, method="price", limits=EXACT, progress=heard)
    assert result.objective_usd is not None
    without = [bound for value, bound in heard.news if value is None and bound is not None]
    assert len(without) > 5
    bounds = [bound for _, bound in heard.news if bound is not None]
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1] <= result.objective_usd * (1 + 1e-12)
    assert without[-1] > result.objective_usd * (1 - 1e-3)
    assert heard.news[-1] == pytest.approx((result.objective_usd, result.bound_usd), rel=1e-9)


def test_the_cost_it_claims_is_the_cost_the_judge_finds() -> None:
    instance = optimizer.generate(workloads=900, pools=12, periods=3, seed=3, headroom=0.0)
    found = method_named("price")(instance, EXACT, Silent())
    assert found.plan is not None
    right = evaluate(instance, found.plan)
    assert found.claimed_usd == pytest.approx(right.objective_usd, rel=1e-12)


def test_time_is_up_before_the_small_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the plan is that of the prices alone, which keeps every rule."""
    instance = optimizer.generate(workloads=500, pools=8, periods=3, seed=7)
    best = solved(instance)
    monkeypatch.setattr(
        "optimizer.methods.column_generation.ColumnGeneration.programs", _interrupted
    )
    result = solved(instance, Limits(threads=2))
    assert result.limit == "interrupt"
    assert result.plan is not None
    assert result.objective_usd is not None
    assert best.objective_usd is not None
    assert best.objective_usd <= result.objective_usd <= 1.02 * best.objective_usd
    assert result.relative_gap is not None
    assert result.relative_gap < 0.02


@pytest.mark.parametrize("part", [0.0, 0.01, 0.1, 0.3, 0.6, 0.9, 0.95, 0.99])
def test_a_stop_anywhere_leaves_a_plan(part: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is up at some question whether it is: in samples, in sweeps, in the finish."""
    instance = optimizer.generate(workloads=2500, pools=8, periods=4, seed=7)
    asked, most = [0], [1 << 30]

    def halt() -> bool:
        asked[0] += 1
        return asked[0] > most[0]

    monkeypatch.setattr("optimizer.methods.price._Search._halt", lambda self, part: halt)
    best = solved(instance)
    most[0] = int(part * asked[0])
    asked[0] = 0
    result = solved(instance)
    assert result.limit == "time"
    assert result.objective_usd is not None
    assert best.objective_usd is not None
    assert result.objective_usd >= best.objective_usd
    assert result.relative_gap is not None
    assert result.relative_gap > 1e-10


def test_periods_that_are_done_keep_their_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver has no time for every other period."""
    instance = optimizer.generate(workloads=900, pools=8, periods=6, seed=7)
    best = solved(instance)
    run = Workers.run

    def half(self: Workers, jobs: list[Job], *others: Any) -> list[Outcome]:
        outcomes = run(self, jobs, *others)
        stop_requested.set()
        return [one if k % 2 else Outcome(Reason.INTERRUPTED) for k, one in enumerate(outcomes)]

    monkeypatch.setattr("optimizer.solvers.workers.Workers.run", half)
    result = solved(instance)
    assert result.limit == "interrupt"
    assert result.plan is not None
    assert best.plan is not None
    right, made = (_by_period(instance, plan) for plan in (best.plan, result.plan))
    assert made[1::2] == pytest.approx(right[1::2], rel=1e-9)
    assert (made[::2] > right[::2] * (1 + 1e-9)).all()


def _by_period(instance: Instance, plan: Plan) -> NDArray[np.float64]:
    """(T,) USD of what a plan places and gives up, without reserved chips."""
    table = instance.routes
    place = {pair: k for k, pair in enumerate(zip(table.workload, table.pool, strict=True))}
    cost = np.zeros(instance.num_periods)
    used = np.where(instance.reserved[:, None], 0.0, instance.price_usd_per_chip_hour)
    for w, p, t, mtok in zip(plan.workload, plan.pool, plan.period, plan.placed_mtok, strict=True):
        r = place[w, p]
        cost[t] += mtok * (table.usd_per_mtok[r] + table.chip_hours_per_mtok[r] * used[p, t])
    worth = instance.workloads.unserved_usd_per_mtok[plan.unserved_workload]
    np.add.at(cost, plan.unserved_period, worth * plan.unserved_mtok)
    return cost


def _interrupted(self: object, halt: object) -> list[object]:
    raise KeyboardInterrupt

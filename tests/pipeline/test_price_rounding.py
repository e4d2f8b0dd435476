"""Price rounding: whole replicas that keep every rule, and a bound that no plan undercuts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optimizer
from optimizer.errors import UnsupportedError
from optimizer.evaluation.bound import lower_bound
from optimizer.instance.fleet_tables import Models, Replicas
from optimizer.instance.in_memory import table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.methods.base import Limits
from optimizer.methods.registry import method_named
from optimizer.methods.sweeps import HaltedError
from optimizer.methods.uncoupled import beyond_replicas
from optimizer.result import Result
from tests.pipeline.fleet_rows import FleetRows, ReplicaRow
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow
from tests.pipeline.test_known_optima import FOLDERS, stated_optimum

EXACT = Limits(relative_gap=1e-10, threads=2)
TAKEN = [folder for folder in FOLDERS if not beyond_replicas(optimizer.read(folder))]
REFUSED = [folder for folder in FOLDERS if beyond_replicas(optimizer.read(folder))]


def solved(instance: Instance, limits: Limits = EXACT) -> Result:
    """By price rounding, verified."""
    result = optimizer.solve(instance, method="price_rounding", limits=limits)
    assert result.verified, result.reason
    assert result.bound_usd is not None
    assert result.objective_usd is not None
    assert result.bound_usd <= result.objective_usd + 1e-9 * abs(result.objective_usd)
    return result


def random_fleet(seed: int) -> Instance:
    """Few workloads of two models on pools of two chips; not every pair needs replicas.

    Pools may be short, empty, unknown or free, and smaller than a replica.
    """
    rng = np.random.default_rng(seed)
    workloads, pools = int(rng.integers(1, 7)), int(rng.integers(1, 5))
    periods = int(rng.integers(1, 4))

    def some(low: float, high: float, part: float = 0.0) -> tuple[float, ...]:
        values = np.round(rng.uniform(low, high, periods), int(rng.integers(0, 3)))
        return tuple(0.0 if rng.random() < part else float(value) for value in values)

    models = [str(rng.choice(["large", "small"])) for _ in range(workloads)]
    demand = tuple(
        WorkloadRow(f"w{w}", float(rng.choice([4.0, 30.0])), some(1, 20, 0.2), model=models[w])
        for w in range(workloads)
    )
    supply = tuple(
        PoolRow(
            f"p{p}",
            some(0, 6) if rng.random() < 0.92 else (None,) * periods,
            some(1, 40, 0.15),
            purchase=str(rng.choice(["reserved", "on_demand", "spot"])),
            chip=str(rng.choice(["alpha", "beta"])),
        )
        for p in range(pools)
    )
    routes = tuple(
        RouteRow(f"w{w}", f"p{p}", float(rng.uniform(0.5, 4)), float(rng.uniform(0, 2)))
        for w in range(workloads)
        for p in range(pools)
        if rng.random() < 0.75
    )
    replicas = tuple(
        ReplicaRow(model, chip, float(rng.choice([1, 2, 4, 7.5])), float(rng.choice([0.8, 1])))
        for model in sorted(set(models))
        for chip in sorted({pool.chip for pool in supply})
        if rng.random() < 0.8
    )
    hours = float(rng.choice([0.5, 1.0]))
    return Sketch(
        demand, supply, routes, period_hours=hours, fleet=FleetRows(replicas=replicas)
    ).build()


def test_there_are_instances_of_both_kinds() -> None:
    assert len(TAKEN) >= 4
    assert len(REFUSED) >= 6


@pytest.mark.parametrize("folder", TAKEN, ids=lambda path: path.name)
def test_not_below_a_known_optimum(folder: Path) -> None:
    result, optimum = solved(optimizer.read(folder)), stated_optimum(folder)
    assert result.objective_usd is not None
    assert result.bound_usd is not None
    assert result.objective_usd >= optimum - 1e-9 * abs(optimum)
    assert result.bound_usd <= optimum + 1e-9 * abs(optimum)


@pytest.mark.parametrize("folder", REFUSED, ids=lambda path: path.name)
def test_it_refuses_what_it_cannot_take(folder: Path) -> None:
    instance = optimizer.read(folder)
    names = ", ".join(beyond_replicas(instance))
    with pytest.raises(UnsupportedError, match=f"cannot take these rules: {names}; methods"):
        optimizer.solve(instance, method="price_rounding")


@pytest.mark.parametrize("seed", range(40))
def test_random_fleets(seed: int) -> None:
    instance = random_fleet(seed)
    made = solved(instance)
    direct = optimizer.solve(instance, method="direct", limits=EXACT)
    assert direct.relative_gap is not None
    assert direct.relative_gap <= 1e-7
    assert direct.objective_usd is not None
    assert made.objective_usd is not None
    assert made.bound_usd is not None
    hair = 1e-8 * (1.0 + abs(direct.objective_usd))
    assert made.objective_usd >= direct.objective_usd - hair
    assert made.bound_usd <= direct.objective_usd + hair


def fleet(**changes: int) -> Instance:
    """Six models whose replicas are no small part of their pools."""
    sizes: dict[str, Any] = {"workloads": 600, "pools": 10, "periods": 4, "models": 6, "seed": 3}
    return optimizer.generate(replicas=True, **{**sizes, **changes})


@pytest.mark.parametrize("seed", [3, 4])
def test_it_comes_close_to_its_bound(seed: int) -> None:
    result = solved(fleet(seed=seed))
    assert result.evaluation is not None
    assert result.relative_gap is not None
    assert 0 < result.relative_gap <= 0.005
    count = result.evaluation.replicas.value
    assert len(count) > 50
    assert (np.round(count) == count).all()
    assert "shadow prices are those of the linear relaxation" in result.notes


def test_its_prices_prove_what_the_linear_relaxation_does_and_its_cuts_more() -> None:
    instance = fleet(workloads=150, pools=6, periods=2)
    made = solved(instance)
    relaxed = optimizer.solve(instance, method="rounding", limits=EXACT)
    assert made.prices is not None
    swept = lower_bound(instance, made.prices).usd
    assert swept == pytest.approx(relaxed.bound_usd, rel=1e-4)
    assert made.bound_usd is not None
    assert made.evaluation is not None
    assert made.bound_usd > swept * (1 + 2e-4)
    assert made.evaluation.bound.source == "cuts on whole replicas"
    words = f"proves {swept:,.2f} USD; that pools hold whole ones only proves {made.bound_usd:,.2f}"
    assert any(words in note for note in made.notes)


def test_replicas_that_are_too_large_for_any_pool() -> None:
    instance = fleet(workloads=40, pools=3, periods=2)
    table = instance.replicas
    chips = np.where(table.model.equal(instance.model_names[0]), 9e5, table.chips_per_replica)
    result = solved(
        dataclasses.replace(instance, replicas=dataclasses.replace(table, chips_per_replica=chips))
    )
    assert result.plan is not None
    given_up = instance.workloads.model.codes[result.plan.unserved_workload] == 0
    first = instance.workloads.model.codes == 0
    lost = result.plan.unserved_mtok[given_up].sum()
    assert lost == pytest.approx(instance.demand_mtok[first].sum())


@pytest.mark.parametrize(
    ("column", "value"),
    [("startup_usd", 1.0), ("startup_hours", 0.1), ("max_changes_per_period", 2)],
)
def test_starts_are_refused(column: str, value: float) -> None:
    instance = fleet(workloads=40, pools=3, periods=2)
    rows = len(instance.replicas.model)
    changes: dict[str, Any] = {column: np.full(rows, float(value))}
    table = dataclasses.replace(instance.replicas, **changes)
    changed = dataclasses.replace(instance, replicas=table)
    assert beyond_replicas(changed) == ("startup",)
    with pytest.raises(UnsupportedError, match="cannot take these rules: startup; methods"):
        optimizer.solve(changed, method="price_rounding")


def test_least_replicas_are_refused() -> None:
    instance = fleet(workloads=40, pools=3, periods=2)
    least = table_of(Models, 1, model=instance.model_names[:1], min_replicas=np.ones(1, np.int64))
    assert beyond_replicas(dataclasses.replace(instance, models=least)) == ("min_replicas",)


def test_auto_takes_large_fleets_without_starts_only() -> None:
    large = fleet(workloads=1200, pools=26, periods=16)
    assert large.num_routes * 16 > 300_000
    assert method_named("auto", instance=large).name == "price_rounding"
    assert method_named("auto", "highs", large).name == "direct"
    assert method_named("auto", instance=fleet(workloads=60)).name == "direct"
    middling = fleet(workloads=800, pools=26, periods=8)
    assert method_named("auto", instance=middling).name == "rounding"
    rows = len(large.replicas.model)
    starts = dataclasses.replace(large.replicas, startup_usd=np.ones(rows))
    slow = dataclasses.replace(large, replicas=starts)
    assert method_named("auto", instance=slow).name == "rounding"


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_plan_every_time(threads: int) -> None:
    instance = fleet()
    first, second = solved(instance, Limits(threads=2)), solved(instance, Limits(threads=threads))
    assert first.plan is not None
    assert second.plan is not None
    assert np.array_equal(first.plan.placed_mtok, second.plan.placed_mtok)
    assert np.array_equal(first.plan.replicas.value, second.plan.replicas.value)
    assert first.bound_usd == second.bound_usd


def _interrupted(*args: object, **kwargs: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "where",
    [
        "optimizer.methods.replica_choice.ReplicaChoice.improved",
        "optimizer.methods.replica_rounds.ReplicaRounds._lost",
        "optimizer.methods.replica_moves.ReplicaMoves._round",
        "optimizer.methods.column_generation.ColumnGeneration.programs",
        "optimizer.methods.cut_prices.RowSweeps.smooth",
    ],
)
def test_interrupted(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a verified plan of its own from the moment that there are relaxed prices."""
    instance = fleet(workloads=300, periods=2)
    best = solved(instance)
    monkeypatch.setattr(where, _interrupted)
    result = solved(instance)
    assert result.limit == "interrupt"
    assert not any("stand-in" in note for note in result.notes)
    assert result.objective_usd is not None
    assert best.objective_usd is not None
    assert best.objective_usd * (1 - 1e-9) <= result.objective_usd


def test_time_is_up_while_replicas_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = fleet(workloads=300, periods=2)
    monkeypatch.setattr("optimizer.methods.price_rounding.CHOOSE", 0.0)
    result = solved(instance, Limits(threads=2, seconds=300.0))
    assert "0 rounds for whole replicas" in result.why
    assert result.limit == ""


def _halted(*args: object, **kwargs: object) -> None:
    raise HaltedError


def test_time_is_up_in_the_first_sweep_of_the_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = fleet(workloads=300, periods=2)
    monkeypatch.setattr(
        "optimizer.methods.column_generation.ColumnGeneration.__post_init__", _halted
    )
    result = solved(instance)
    assert not any("stand-in" in note for note in result.notes)


def test_no_time_for_moves_or_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = fleet(workloads=300, periods=2)
    best = solved(instance)
    monkeypatch.setattr("optimizer.methods.price_rounding.MOVE", 0.0)
    monkeypatch.setattr("optimizer.methods.price_rounding.CUT", 0.0)
    result = solved(instance, Limits(threads=2, seconds=300.0))
    assert result.evaluation is not None
    assert result.evaluation.bound.source == "sweep"
    assert result.objective_usd is not None
    assert best.objective_usd is not None
    assert best.objective_usd < result.objective_usd * (1 - 1e-3)


def test_a_chip_without_a_row_may_be_used_in_any_part() -> None:
    """Replicas on one kind of chip only."""
    instance = fleet(workloads=400, pools=6, periods=2)
    table, chip = instance.replicas, instance.pools.chip[0]
    rows = np.flatnonzero(table.chip.equal(chip))
    names = table.model.values()
    some = table_of(
        Replicas,
        len(rows),
        model=Labels.of(names[row] for row in rows.tolist()),
        chip=Labels.of([chip] * len(rows)),
        chips_per_replica=table.chips_per_replica[rows],
        target_utilisation=table.target_utilisation[rows],
    )
    result = solved(dataclasses.replace(instance, replicas=some))
    assert result.relative_gap is not None
    assert result.relative_gap <= 0.01
    assert result.evaluation is not None
    assert set(instance.pools.chip.codes[result.evaluation.replicas.axes[1]].tolist()) == {
        int(instance.pools.chip.codes[0])
    }

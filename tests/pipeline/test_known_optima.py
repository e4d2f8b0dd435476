"""Every instance with a derivation of its optimum is solved to that optimum.

The first line of ``optimum.md`` is ``objective_usd: <number>``. Lines of the form
``shadow_price <family> <name> [period]: <number> <unit>`` state prices; without a period
the price is the one of the whole horizon, or the sum over the periods.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import optimizer
from optimizer.instance.instance import Instance
from optimizer.solvers.registry import SOLVERS
from tests.pipeline.dense_plan import dense
from tests.pipeline.fleet_enumeration import enumerated_cost
from tests.pipeline.fleet_oracle import best_cost
from tests.pipeline.fleet_plan import judged_plan
from tests.pipeline.oracle import cost_of, least_of_all_choices, violations_of

TINY = Path(__file__).parents[2] / "instances" / "tiny"
FOLDERS = sorted(path.parent for path in TINY.glob("*/instance.toml"))
PRICE_LINE = re.compile(r"shadow_price (\S+) (\S+)(?: (\d+))?: *(\S+) +(\S.*)")

every_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)


def needs_whole_numbers(folder: Path) -> bool:
    """Whether only a solver that takes whole numbers can solve the instance."""
    instance = optimizer.read(folder)
    workloads = instance.workloads
    return bool(
        workloads.single_pool.any()
        or (instance.pools.activation_usd > 0).any()
        or len(instance.replicas.model)
        or len(instance.contracts.contract)
        or len(set(workloads.priority.tolist())) > 1
    )


def has_a_fleet(instance: Instance) -> bool:
    """Whether an instance has rules that the older oracle does not know."""
    tables = (instance.replicas.model, instance.contracts.contract, instance.outages.outage,
              instance.power.limit, instance.qualification.model)  # fmt: skip
    return bool(
        any(len(rows) for rows in tables)
        or instance.budget_usd is not None
        or len(set(instance.workloads.priority.tolist())) > 1
        or "period" in instance.shares.per.names
    )


def solvers_for(folder: Path, *, exact: bool, duals: bool) -> list[str]:
    """Names of the solvers whose capabilities fit the instance and what is asked of them.

    Prices of an instance with whole numbers do not come from the solver that chose them.
    """
    able = {name: make().capabilities for name, make in SOLVERS.items()}
    whole = needs_whole_numbers(folder)
    return [
        name
        for name, can in able.items()
        if can.exact is exact
        and can.real_columns
        and (can.integers or not whole)
        and (can.duals or whole or not duals)
    ]


def pairs(*, exact: bool, duals: bool = True) -> pytest.MarkDecorator:
    """Every folder with every solver that fits."""
    return pytest.mark.parametrize(
        ("folder", "solver"),
        [
            pytest.param(folder, solver, id=f"{folder.name}-{solver}")
            for folder in FOLDERS
            for solver in solvers_for(folder, exact=exact, duals=duals)
        ],
    )


@dataclass(frozen=True)
class KnownPrice:
    """One stated shadow price; no period = of the whole horizon."""

    family: str
    name: str
    period: int | None
    value: float


def stated_optimum(folder: Path) -> float:
    """Cost in the first line of ``optimum.md``."""
    first = _lines(folder)[0]
    key, _, number = first.partition(":")
    assert key == "objective_usd", f"{folder.name}/optimum.md, line 1: {first!r}"
    return float(number)


def stated_prices(folder: Path) -> list[KnownPrice]:
    """Shadow prices of ``optimum.md``, in its order."""
    prices = []
    for number, line in enumerate(_lines(folder), start=1):
        if not line.startswith("shadow_price "):
            continue
        match = PRICE_LINE.fullmatch(line)
        assert match, f"{folder.name}/optimum.md, line {number}: {line!r}"
        family, name, period, value, _ = match.groups()
        prices.append(KnownPrice(family, name, int(period) if period else None, float(value)))
    return prices


def _lines(folder: Path) -> list[str]:
    text = (folder / "optimum.md").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines()]


def test_there_are_known_optima() -> None:
    assert FOLDERS, f"no instance in {TINY}"


@every_folder
def test_oracle_finds_the_stated_optimum(folder: Path) -> None:
    instance = optimizer.read(folder)
    stated = pytest.approx(stated_optimum(folder), rel=1e-9, abs=1e-9)
    assert best_cost(instance) == stated
    assert enumerated_cost(instance) == stated
    if not has_a_fleet(instance):
        oracle = least_of_all_choices(instance)
        assert oracle.status == "optimal"
        assert oracle.objective_usd == stated
        assert violations_of(instance, oracle.x, oracle.u) == []


@pairs(exact=True)
def test_exact_solver_finds_the_stated_optimum(folder: Path, solver: str) -> None:
    instance, stated = optimizer.read(folder), stated_optimum(folder)
    result = optimizer.solve(instance, solver=solver)
    assert result.status == "optimal"
    assert result.objective_usd == pytest.approx(stated, rel=1e-9, abs=1e-9)
    _check_proof(instance, result, stated)


@pairs(exact=False)
def test_other_solver_comes_near_the_stated_optimum(folder: Path, solver: str) -> None:
    instance, stated = optimizer.read(folder), stated_optimum(folder)
    result = optimizer.solve(instance, solver=solver)
    assert result.objective_usd == pytest.approx(stated, rel=1e-5, abs=1e-5)
    _check_proof(instance, result, stated)


def _check_proof(instance: Instance, result: Any, stated: float) -> None:
    """The result is verified, its bound is a bound, and its plan is what it says."""
    assert result.verified
    assert result.bound_usd <= stated * (1 + 1e-9) + 1e-9
    claimed = pytest.approx(result.objective_usd, rel=1e-9, abs=1e-9)
    broken, cost = judged_plan(instance, result.plan)
    assert broken == []
    assert cost == claimed
    if not has_a_fleet(instance):
        x, u = dense(instance, result.plan)
        assert violations_of(instance, x, u) == []
        assert cost_of(instance, x, u) == claimed


@pairs(exact=True)
def test_shadow_prices_are_the_stated_ones(folder: Path, solver: str) -> None:
    stated = stated_prices(folder)
    result = optimizer.solve(optimizer.read(folder), solver=solver)
    table = result.shadow_prices().to_polars()
    found = {price: _price(table, price) for price in stated}
    assert found == {price: pytest.approx(price.value, rel=1e-6, abs=1e-6) for price in stated}


def _price(table: pl.DataFrame, wanted: KnownPrice) -> float:
    """Price in the table: of a period, of the whole horizon, or summed over the periods."""
    rows = table.filter(family=wanted.family, name=wanted.name)
    if wanted.period is not None:
        rows = rows.filter(pl.col("period").cast(pl.Int64) == wanted.period)
        assert len(rows) == 1, f"{len(rows)} rows for {wanted}"
        return float(rows["value"].item())
    whole = rows.filter(pl.col("period").is_null())
    assert len(whole) <= 1, f"{len(whole)} rows for {wanted}"
    assert len(rows), f"no row for {wanted}"
    return float((whole if len(whole) else rows)["value"].sum())

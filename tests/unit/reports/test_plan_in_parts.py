"""Plan folders are written and read in parts, and nothing shows where the parts meet."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import optimizer
from optimizer.errors import InputError
from optimizer.evaluation.shadow_prices import as_table, table_parts
from optimizer.instance.generate import generate
from optimizer.instance.instance import Instance
from optimizer.plan import Cells, Plan, from_cells
from optimizer.reports import plan_folder, read_plan_folder
from optimizer.reports.parquet_parts import write_parts
from optimizer.reports.plan_folder import write_plan_folder
from optimizer.reports.read_plan_folder import read_plan
from optimizer.result import Result

FLEET = Path(__file__).parents[3] / "instances" / "tiny" / "outages"


@pytest.fixture(scope="module")
def solved() -> Result:
    instance = generate(workloads=7, pools=4, periods=5, seed=3)
    instance = dataclasses.replace(instance, capacity_chips=0.7 * instance.capacity_chips)
    result = optimizer.solve(instance)
    assert result.plan is not None
    assert len(result.plan.unserved_mtok) > 3
    return result


def equal(one: Plan, other: Plan) -> bool:
    """Whether two plans agree in every array, names included."""
    for field in dataclasses.fields(Plan):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            if not (mine.dtype == theirs.dtype and np.array_equal(mine, theirs)):
                return False
        elif isinstance(mine, Cells):
            if not np.array_equal(mine.value, theirs.value):
                return False
        elif mine != theirs:
            return False
    return True


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_parts_are_the_table(solved: Result, rows: int) -> None:
    assert solved.plan is not None
    whole = solved.plan.tables()
    parts = solved.plan.table_parts(rows)
    assert set(parts) == set(whole)
    for name, table in whole.items():
        frames = [part.frame for part in parts[name]]
        assert all(frame.height <= rows for frame in frames)
        assert pl.concat(frames).equals(table.frame)
    prices = [part.frame for part in table_parts(solved.families, rows)]
    assert pl.concat(prices).equals(as_table(solved.families).frame)


@pytest.mark.parametrize("rows", [2, 5, 1000])
def test_a_folder_in_parts_is_read_back_in_parts(
    solved: Result, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_folder, "PART_ROWS", rows)
    monkeypatch.setattr(read_plan_folder, "SLICE_ROWS", rows + 1)
    write_plan_folder(solved, tmp_path / "plan")
    found, _ = read_plan(solved.instance, tmp_path / "plan")
    assert solved.plan is not None
    assert equal(found, solved.plan)
    prices = pl.read_parquet(tmp_path / "plan" / "shadow_prices.parquet")
    assert prices.equals(solved.shadow_prices().to_polars())


def test_a_fleet_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_plan_folder, "SLICE_ROWS", 2)
    instance = optimizer.read(FLEET)
    result = optimizer.solve(instance)
    write_plan_folder(result, tmp_path / "plan")
    found, _ = read_plan(instance, tmp_path / "plan")
    assert result.plan is not None
    assert len(found.failover) > 0
    assert equal(found, result.plan)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("workload", "nobody", 'row 5, column workload: expected a known workload, got "nobody"'),
        ("period", 99, "row 5, column period: expected a period from 0 to 4, got 99"),
        ("placed_mtok", float("nan"), "row 5, column placed_mtok: expected a finite number >= 0"),
    ],
)
def test_a_wrong_cell_is_named_by_its_row_in_the_file(
    solved: Result,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    value: object,
    told: str,
) -> None:
    monkeypatch.setattr(read_plan_folder, "SLICE_ROWS", 2)
    write_plan_folder(solved, tmp_path / "plan")
    path = tmp_path / "plan" / "placements.parquet"
    frame = pl.read_parquet(path)
    cells = frame[column].to_list()
    cells[5] = value
    frame.with_columns(pl.Series(column, cells, dtype=frame[column].dtype)).write_parquet(path)
    with pytest.raises(InputError, match=told.replace("(", r"\(")):
        read_plan(solved.instance, tmp_path / "plan")


def test_one_part_and_several_are_one_table(solved: Result, tmp_path: Path) -> None:
    assert solved.plan is not None
    for rows in (2, 1000):
        write_parts(tmp_path / f"{rows}.parquet", solved.plan.table_parts(rows)["placements"])
    one, several = (pl.read_parquet(tmp_path / f"{rows}.parquet") for rows in (1000, 2))
    assert one.equals(several)


def test_a_plan_takes_over_what_is_in_order() -> None:
    """Arrays in order are not copied, and nobody can write to them any more."""
    instance: Instance = generate(workloads=2, pools=2, periods=2, seed=1)
    axes = [np.array(axis, np.int32) for axis in ([0, 0, 1], [0, 1, 1], [1, 0, 0])]
    mtok = np.ones(3)
    plan = from_cells(instance, axes[0], axes[1], axes[2], mtok, np.zeros((2, 2)))
    assert plan.placed_mtok is mtok
    assert not mtok.flags.writeable
    turned = [axis[::-1].copy() for axis in axes]
    other = from_cells(instance, turned[0], turned[1], turned[2], np.ones(3), np.zeros((2, 2)))
    assert equal(plan, other)
    assert turned[0].flags.writeable

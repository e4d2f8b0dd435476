from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from optimizer.errors import InputError, UsageError
from optimizer.instance.axes import MATRIX_FIELDS, ids_of
from optimizer.instance.declare import columns_of
from optimizer.instance.generate import generate
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.select import select
from optimizer.instance.tables import MATRICES, TABLES, Residency, Shares
from tests.unit.instance.full import full_instance

HEAD = ("name", "title", "start", "period_hours", "budget_usd", "replicas_shared_by", "origin")


def rows_of(instance: Instance, table: str) -> list[tuple[Any, ...]]:
    """Rows of a table, positions turned to names, so that any two instances compare."""
    spec = next(spec for spec in TABLES if spec.name == table)
    columns = []
    for name, declared in columns_of(spec.record):
        values = getattr(getattr(instance, table), name)
        if declared.kind == "reference":
            ids = ids_of(instance, declared.refers)
            values = [ids[position] for position in values]
        elif isinstance(values, Labels):
            assert list(values.names) == sorted(set(values.values()))
            values = values.values()
        columns.append(list(values))
    return list(zip(*columns, strict=True))


def test_every_part_of_an_instance_is_cut() -> None:
    declared = {spec.name for spec in TABLES} | set(MATRIX_FIELDS.values()) | set(HEAD)
    assert {entry.name for entry in dataclasses.fields(Instance)} == declared
    assert set(MATRIX_FIELDS) == {matrix.name for matrix in MATRICES}


@pytest.mark.parametrize("seed", range(3))
def test_every_declared_column_follows_its_axis(seed: int) -> None:
    whole = full_instance(seed)
    workloads, pools = [6, 1, 3, 8], [4, 0, 1, 2]
    part = select(whole, workloads=workloads, periods=range(1, 4), pools=pools)
    left_w = [whole.workloads.workload[row] for row in workloads]
    left_p = [whole.pools.pool[row] for row in pools]
    assert rows_of(part, "workloads") == [rows_of(whole, "workloads")[row] for row in workloads]
    assert rows_of(part, "pools") == [rows_of(whole, "pools")[row] for row in pools]
    expected = [r for r in rows_of(whole, "routes") if r[0] in left_w and r[1] in left_p]
    expected.sort(key=lambda row: (left_w.index(row[0]), left_p.index(row[1])))
    forbidden = stranded(whole, part) | unqualified(whole, part)
    assert rows_of(part, "routes") == [row for row in expected if row[0] not in forbidden]
    regions = set(part.pools.region.values())
    assert rows_of(part, "residency") == [
        row for row in rows_of(whole, "residency") if row[0] in left_w and row[1] in regions
    ]
    assert rows_of(part, "sources") == rows_of(whole, "sources")
    for matrix in MATRICES:
        field = MATRIX_FIELDS[matrix.name]
        rows = workloads if matrix.rows == "workloads" else pools
        assert (getattr(part, field) == getattr(whole, field)[rows][:, 1:4]).all()
    for name in ("name", "title", "period_hours", "budget_usd", "replicas_shared_by"):
        assert getattr(part, name) == getattr(whole, name)
    assert part.start - whole.start == timedelta(hours=0.75)


def stranded(whole: Instance, part: Instance) -> set[str]:
    regions = set(part.pools.region.values())
    bound: dict[str, set[str]] = {}
    for workload, region in rows_of(whole, "residency"):
        bound.setdefault(workload, set()).add(region)
    return {name for name, allowed in bound.items() if not allowed & regions}


def unqualified(whole: Instance, part: Instance) -> set[str]:
    chips = set(part.pools.chip.values())
    bound: dict[str, set[str]] = {}
    for model, chip, *_ in rows_of(whole, "qualification"):
        bound.setdefault(model, set()).add(chip)
    return {
        workload
        for workload, model, *_ in rows_of(whole, "workloads")
        if model in bound and not bound[model] & chips
    }


def test_all_of_it_is_the_same_instance() -> None:
    whole = full_instance()
    assert select(whole).digest == whole.digest
    everything = select(
        whole,
        workloads=whole.workloads.workload,
        pools=np.ones(whole.num_pools, np.bool_),
        periods=slice(None),
    )
    assert everything.digest == whole.digest


def test_names_positions_and_masks_say_the_same() -> None:
    whole = generate(workloads=20, pools=6, periods=4, seed=1)
    mask = np.zeros(20, np.bool_)
    mask[[3, 9, 17]] = True
    by_mask = select(whole, workloads=mask, pools=[0, 2, 5])
    names = [whole.workloads.workload[row] for row in (3, 9, 17)]
    by_name = select(whole, workloads=names, pools=[whole.pools.pool[row] for row in (0, 2, 5)])
    by_position = select(whole, workloads=np.array([3, 9, 17]), pools=(0, 2, 5))
    assert by_mask.digest == by_name.digest == by_position.digest


def test_a_part_of_a_part() -> None:
    whole = generate(workloads=30, pools=8, periods=48, seed=1)
    twice = select(select(whole, workloads=range(4, 20), periods=slice(12, 40)), workloads=[2, 5])
    once = select(whole, workloads=[6, 9], periods=range(12, 40))
    assert (
        select(twice, periods=slice(-4, None)).digest == select(once, periods=range(24, 28)).digest
    )
    assert select(whole, periods=slice(-4, None)).start == whole.start + timedelta(hours=44)


def test_order_of_the_axis_is_that_asked_for() -> None:
    whole = full_instance()
    backwards = select(whole, workloads=range(8, -1, -1), pools=range(5, -1, -1))
    assert backwards.workloads.workload == whole.workloads.workload[::-1]
    assert backwards.digest != whole.digest
    again = select(backwards, workloads=range(8, -1, -1), pools=range(5, -1, -1))
    assert rows_of(again, "routes") == rows_of(whole, "routes")


def test_periods_share_memory_with_the_whole() -> None:
    whole = generate(workloads=20, pools=6, periods=24, seed=1)
    assert np.shares_memory(select(whole, periods=range(6, 12)).demand_mtok, whole.demand_mtok)


def test_start_keeps_its_zone_over_a_change_of_clocks() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    whole = generate(workloads=3, pools=2, periods=24, seed=1)
    whole = dataclasses.replace(whole, start=datetime(2026, 3, 29, 0, 0, tzinfo=berlin))
    part = select(whole, periods=range(6, 8))
    assert part.start.astimezone(UTC) == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)
    assert part.start.isoformat() == "2026-03-29T07:00:00+02:00"


def test_shares_go_with_their_group() -> None:
    whole = generate(workloads=10, pools=8, periods=1, seed=1)
    provider, pool = whole.pools.provider[0], whole.pools.pool[1]
    shares = Shares(
        share=("one", "two"),
        attribute=Labels.of(["provider", "pool"]),
        value=Labels.of([provider, pool]),
        measure=Labels.of(["tokens", "spend"]),
        min=np.array([np.nan, 0.1]),
        max=np.array([0.5, 0.2]),
        per=Labels.of(["horizon", "period"]),
    )
    whole = dataclasses.replace(whole, shares=shares)
    others = [row for row, name in enumerate(whole.pools.provider.values()) if name != provider]
    assert select(whole, pools=others).shares.share == (("two",) if 1 in others else ())
    assert select(whole, pools=[0]).shares.share == ("one",)
    assert select(whole, workloads=[2], pools=[0, 1]).shares.share == ("one", "two")


def test_a_workload_whose_regions_have_gone_is_not_set_free() -> None:
    whole = generate(workloads=6, pools=16, periods=1, seed=1, eligible=1.0)
    home = whole.pools.region[0]
    residency = Residency(workload=np.array([2], np.int32), region=Labels.of([home]))
    whole = dataclasses.replace(whole, residency=residency)
    abroad = np.array([name != home for name in whole.pools.region.values()])
    part = select(whole, pools=abroad)
    assert len(part.residency.workload) == 0
    assert not (part.routes.workload == 2).any()
    assert part.num_routes == 5 * int(abroad.sum())
    # As long as a region is left the rule is left, and it forbids what it forbade.
    at_home = select(whole, pools=[0, int(np.flatnonzero(abroad)[0])])
    assert at_home.num_routes == 12
    assert at_home.route_allowed.sum() == 11


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"workloads": []}, "workloads: expected at least one, as a list, got shape (0,)"),
        ({"pools": [[0]]}, "pools: expected at least one, as a list, got shape (1, 1)"),
        ({"pools": "p00"}, 'pools: expected a list of names, got the text "p00"'),
        ({"pools": [0, 3]}, "pools: expected positions from 0 to 2, got 3"),
        ({"pools": [-1]}, "pools: expected positions from 0 to 2, got -1"),
        ({"pools": np.ones(4, np.bool_)}, "pools: expected a mask of 3 entries"),
        ({"pools": np.zeros(3, np.bool_)}, "got 3, 0 of them true"),
        ({"periods": range(0, 4, 2)}, "periods: expected consecutive periods from 0 to 4"),
        ({"periods": range(3, 6)}, "expected consecutive periods from 0 to 4, got range(3, 6)"),
        ({"periods": slice(4, 2)}, "expected consecutive periods from 0 to 4, got slice(4, 2"),
    ],
)
def test_refuses_what_is_not_on_the_axis(arguments: dict[str, Any], text: str) -> None:
    whole = generate(workloads=4, pools=3, periods=5, seed=1)
    with pytest.raises(UsageError, match=re.escape(text)):
        select(whole, **arguments)


def test_refuses_names_it_does_not_know_or_has_twice() -> None:
    whole = generate(workloads=4, pools=3, periods=5, seed=1)
    name = whole.pools.pool[1]
    with pytest.raises(InputError, match=re.escape(f'did you mean "{name}"?')) as caught:
        select(whole, pools=[name[:-1], "elsewhere"])
    assert len(caught.value.problems) == 2
    with pytest.raises(UsageError, match=f'pools: expected each once, got "{name}" again'):
        select(whole, pools=[name, whole.pools.pool[0], name])

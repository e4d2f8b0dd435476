"""Reading an instance folder: the same content, whatever the files."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from optimizer.instance.instance import Instance, route_starts
from optimizer.instance.labels import Labels
from optimizer.instance.read import read
from tests.faults.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.sound(tmp_path / "instance")


def content(instance: Instance) -> dict[str, object]:
    """Every value of an instance, in a form that can be compared."""
    found: dict[str, object] = {}
    for entry in dataclasses.fields(instance):
        value = getattr(instance, entry.name)
        if isinstance(value, np.ndarray):
            found[entry.name] = value.tolist()
        elif dataclasses.is_dataclass(value):
            for column in dataclasses.fields(value):
                cells = getattr(value, column.name)
                cells = cells.values() if isinstance(cells, Labels) else cells
                found[f"{entry.name}.{column.name}"] = repr(list(cells))
        elif entry.name != "origin":
            found[entry.name] = value
    return found


def test_csv_parquet_and_npy_give_the_same_instance(folder: Folder) -> None:
    from_csv = folder.read()
    for table in ("workloads", "pools", "routes", "shares", "residency", "sources"):
        folder.parquet(table)
    for table in ("demand", "capacity", "prices"):
        folder.parquet(table)
    from_parquet = folder.read()
    assert content(from_parquet) == content(from_csv)
    assert from_parquet.digest == from_csv.digest
    assert set(from_parquet.origin.values()) == {
        "instance.toml",
        *(f"{name}.parquet" for name in from_parquet.origin if name != "instance"),
    }
    for table, values in (
        ("demand", from_csv.demand_mtok),
        ("capacity", from_csv.capacity_chips),
        ("prices", from_csv.price_usd_per_chip_hour),
    ):
        (folder.path / f"{table}.parquet").unlink()
        np.save(folder.path / f"{table}.npy", values)
    from_npy = folder.read()
    assert content(from_npy) == content(from_csv)
    assert from_npy.digest == from_csv.digest


def test_digest_changes_with_every_number(folder: Folder) -> None:
    digests = {folder.read().digest}
    digests.add(folder.cell("demand", 2, "0", "10.000000000000002").read().digest)
    digests.add(folder.cell("routes", 2, "latency_ms", "11").read().digest)
    digests.add(folder.toml("budget_usd", "1001").read().digest)
    assert len(digests) == 4


def test_routes_are_sorted_and_keep_their_cells_together(folder: Folder) -> None:
    sorted_once = folder.read()
    head, *rows = folder.text("routes.csv").splitlines()
    folder.file("routes.csv", "\n".join([head, *reversed(rows)]) + "\n")
    instance = folder.read()
    assert content(instance) == content(sorted_once)
    assert instance.routes.workload.tolist() == [0, 0, 1, 2]
    assert instance.routes.pool.tolist() == [0, 1, 0, 1]
    assert instance.routes.chip_hours_per_mtok.tolist() == [0.5, 0.25, 0.5, 0.125]
    assert instance.routes.source.values() == ["maker", "", "", ""]
    assert route_starts(instance).tolist() == [0, 2, 3, 4]


def test_a_broken_row_of_unsorted_routes_is_named_by_its_place_in_the_file(folder: Folder) -> None:
    head, *rows = folder.text("routes.csv").splitlines()
    folder.file("routes.csv", "\n".join([head, *reversed(rows)]) + "\n")
    assert folder.cell("routes", 2, "latency_ms", "-1").problems() == [
        "routes.csv, row 2, column latency_ms: expected a finite number >= 0 [ms], got -1"
    ]


def test_quoted_fields_with_commas_quotes_and_newlines(folder: Folder) -> None:
    folder.file(
        "sources.csv",
        'source,address,x_free,note\n"maker","https://example.org/?a=1,2","free\n\ntext","said\n'
        '""so"", twice"\nother,b,,\n',
    )
    folder.cell("pools", 2, "provider", "Amazon, Inc.").cell("pools", 3, "chip", 'the "7"')
    instance = folder.read()
    assert instance.sources.source == ("maker", "other")
    assert instance.sources.address.values() == ["https://example.org/?a=1,2", "b"]
    assert instance.sources.note.values() == ['said\n"so", twice', ""]
    assert instance.pools.provider.values() == ["Amazon, Inc.", "Google"]
    assert instance.pools.chip.values() == ["trn2", 'the "7"']


def test_rows_behind_a_field_with_newlines_are_counted_as_rows(folder: Folder) -> None:
    folder.file("sources.csv", 'source,address,note\na,b,"1\n2\n3"\nc,d\n')
    assert folder.problems() == ["sources.csv, row 3: expected 3 fields, got 2"]


def test_20_000_routes(folder: Folder) -> None:
    workloads, pools = 1000, 40
    rng = np.random.default_rng(7)
    pairs = [(w, p) for w in range(workloads) for p in rng.permutation(pools)[:20].tolist()]
    rates = rng.uniform(0.01, 2.0, len(pairs))
    order = rng.permutation(len(pairs))
    head = "workload,model,traffic_class,region,unserved_usd_per_mtok\n"
    folder.file("workloads.csv", head + "".join(f"w{w},m,c,r,1\n" for w in range(workloads)))
    head = "pool,provider,chip,region,purchase,usd_per_chip_hour\n"
    folder.file("pools.csv", head + "".join(f"p{p},a,c,r,spot,1\n" for p in range(pools)))
    folder.file(
        "routes.csv",
        "pool,chip_hours_per_mtok,workload\n"
        + "".join(f"p{pairs[i][1]},{rates[i].item()!r},w{pairs[i][0]}\n" for i in order.tolist()),
    )
    rows = "".join(f"w{w},{w},0,0\n" for w in rng.permutation(workloads).tolist())
    folder.file("demand.csv", "workload,0,1,2\n" + rows)
    rows = "".join(f"p{p},{p},0,0\n" for p in rng.permutation(pools).tolist())
    folder.file("capacity.csv", "pool,0,1,2\n" + rows)
    folder.without("shares.csv", "residency.csv", "sources.csv", "prices.csv")
    begin = time.perf_counter()
    instance = folder.read()
    assert time.perf_counter() - begin < 5.0
    wanted = sorted(zip(pairs, rates.tolist(), strict=True))
    routes = instance.routes
    found = zip(routes.workload.tolist(), routes.pool.tolist(), strict=True)
    assert list(zip(found, routes.chip_hours_per_mtok.tolist(), strict=True)) == wanted
    assert instance.demand_mtok[:, 0].tolist() == list(range(workloads))
    assert instance.capacity_chips[:, 0].tolist() == list(range(pools))


def test_arrays_cannot_be_written(folder: Folder) -> None:
    instance = folder.read()
    for array in (
        instance.demand_mtok,
        instance.price_usd_per_chip_hour,
        instance.routes.chip_hours_per_mtok,
        instance.pools.purchase.codes,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_path_may_be_text(folder: Folder) -> None:
    assert read(str(folder.path)).digest == folder.read().digest

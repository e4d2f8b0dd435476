from __future__ import annotations

import dataclasses
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from optimizer.errors import InputError, OutputError, UnsupportedError, UsageError
from optimizer.instance.generate import generate
from optimizer.instance.instance import Instance
from optimizer.instance.read import read
from optimizer.instance.write import MatrixFormat, TableFormat, write
from tests.unit.instance.full import full_instance

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent for path in (ROOT / "instances").glob("**/instance.toml"))
FORMATS: list[tuple[TableFormat, MatrixFormat]] = [
    (tables, matrices)
    for tables in ("csv", "parquet")  # type: ignore[misc]
    for matrices in ("csv", "parquet", "npy")  # type: ignore[misc]
]


def unknown_price(instance: Instance) -> Instance:
    """One pool without a price, one whose price is known in some periods only."""
    own = instance.pools.usd_per_chip_hour.copy()
    price = instance.price_usd_per_chip_hour.copy()
    own[[0, 1]] = np.nan
    price[0] = np.nan
    price[1, ::2] = np.nan
    pools = dataclasses.replace(instance.pools, usd_per_chip_hour=own)
    return dataclasses.replace(instance, pools=pools, price_usd_per_chip_hour=price)


def small() -> Instance:
    return generate(workloads=12, pools=5, periods=3, seed=4, shares=True, deferrable=0.5)


MADE = {
    "full": full_instance(),
    "unknown-prices": unknown_price(full_instance(1)),
    "generated": small(),
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("case", "tables", "matrices"),
    [
        *(("full", *formats) for formats in FORMATS),
        ("unknown-prices", "csv", "csv"),
        ("unknown-prices", "csv", "npy"),
        ("unknown-prices", "parquet", "npy"),
        ("generated", "csv", "npy"),
        ("generated", "csv", "parquet"),
    ],
)
def test_reads_back_what_was_written(
    case: str, tables: TableFormat, matrices: MatrixFormat, tmp_path: Path
) -> None:
    instance = MADE[case]
    write(instance, tmp_path / "out", tables=tables, matrices=matrices)
    again = read(tmp_path / "out")
    assert again.digest == instance.digest
    # What the digest leaves out.
    assert again.title == instance.title
    for entry in dataclasses.fields(instance.sources):
        value, before = getattr(again.sources, entry.name), getattr(instance.sources, entry.name)
        assert list(value) == list(before)
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
def test_reads_back_the_examples(folder: Path, tmp_path: Path) -> None:
    instance = read(folder)
    write(instance, tmp_path / "out")
    assert read(tmp_path / "out").digest == instance.digest


@pytest.mark.parametrize("matrices", ["csv", "parquet", "npy"])
def test_numbers_keep_every_bit(matrices: MatrixFormat, tmp_path: Path) -> None:
    instance = small()
    rng = np.random.default_rng(0)
    cells = 10.0 ** rng.uniform(-14.9, 14.9, instance.demand_mtok.shape)
    cells.flat[:6] = [1e-15, 1e15, 0.1 + 0.2, np.nextafter(1.0, 2.0), 0.0, 123456789012345.6]
    write(dataclasses.replace(instance, demand_mtok=cells), tmp_path / "out", matrices=matrices)
    assert (read(tmp_path / "out").demand_mtok.view(np.int64) == cells.view(np.int64)).all()


def test_many_slices_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.instance.write.SLICE_CELLS", 4)
    instance = small()
    for matrices in ("csv", "npy"):
        write(instance, tmp_path / matrices, matrices=matrices)  # type: ignore[arg-type]
        assert read(tmp_path / matrices).digest == instance.digest


def test_npy_rows_come_one_after_the_other(tmp_path: Path) -> None:
    demand = np.asfortranarray(small().demand_mtok)
    instance = dataclasses.replace(small(), demand_mtok=demand)
    write(instance, tmp_path / "out", matrices="npy")
    assert np.load(tmp_path / "out" / "demand.npy").flags.c_contiguous
    again = read(tmp_path / "out")
    assert again.digest == small().digest
    # An instance that is mapped into memory can be written again.
    write(again, tmp_path / "twice", matrices="npy")
    assert read(tmp_path / "twice").digest == small().digest


def test_only_what_says_something_is_written(tmp_path: Path) -> None:
    plain = generate(workloads=6, pools=4, periods=1, seed=2)
    own = plain.price_usd_per_chip_hour[:, 0].copy()
    plain = plain.with_prices(dict(zip(plain.pools.pool, own.tolist(), strict=True)))
    write(plain, tmp_path / "out")
    assert names(tmp_path / "out") == [
        "capacity.csv",
        "demand.csv",
        "instance.toml",
        "pools.csv",
        "routes.csv",
        "workloads.csv",
    ]
    header = (tmp_path / "out" / "pools.csv").read_text().split("\n", 1)[0]
    assert header == "pool,provider,chip,region,purchase,usd_per_chip_hour"
    text = "".join(path.read_text() for path in (tmp_path / "out").glob("*.csv"))
    assert '"' not in text
    assert ".0," not in text


def test_every_filled_column_is_written(tmp_path: Path) -> None:
    write(full_instance(), tmp_path / "out", tables="parquet")
    for path in (tmp_path / "out").glob("*.parquet"):
        record = getattr(full_instance(), path.stem)
        assert pl.read_parquet_schema(path).names() == [
            entry.name for entry in dataclasses.fields(record)
        ]


def test_prices_are_written_where_they_differ(tmp_path: Path) -> None:
    instance = unknown_price(full_instance(1))
    write(instance, tmp_path / "out")
    cells = (tmp_path / "out" / "prices.csv").read_text().splitlines()
    known = [repr(float(price)) for price in instance.price_usd_per_chip_hour[1, 1::2]]
    # The first pool has no price at all, the third none but that of the pools table.
    assert cells == [
        "pool,0,1,2,3,4",
        f"1e5,,{known[0]},,{known[1]},",
        "NaN,,,0.30000000000000004,,",
    ]


def test_prices_with_unknown_ones_are_no_npy(tmp_path: Path) -> None:
    write(unknown_price(full_instance(1)), tmp_path / "out", tables="parquet", matrices="npy")
    assert "prices.parquet" in names(tmp_path / "out")
    write(full_instance(1), tmp_path / "known", matrices="npy")
    assert "prices.npy" in names(tmp_path / "known")


def test_refuses_a_price_that_no_file_can_hold(tmp_path: Path) -> None:
    price = small().price_usd_per_chip_hour.copy()
    price[2, 1] = np.nan
    instance = dataclasses.replace(small(), price_usd_per_chip_hour=price)
    pool = instance.pools.pool[2]
    with pytest.raises(UnsupportedError, match=f'pool "{pool}", period 1: the price is unknown'):
        write(instance, tmp_path / "out")
    assert names(tmp_path) == []


def test_refuses_a_folder_with_content(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="out: exists and is not empty: give a new folder"):
        write(small(), tmp_path / "out")
    with pytest.raises(OutputError, match=r"mine\.txt: exists and is not a folder"):
        write(small(), tmp_path / "out" / "mine.txt")
    with pytest.raises(OutputError, match=r"below: cannot be written: "):
        write(small(), tmp_path / "out" / "mine.txt" / "below")
    assert names(tmp_path / "out") == ["mine.txt"]
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_takes_an_empty_folder_and_makes_those_above(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    write(small(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    write(small(), tmp_path / "a" / "b" / "out")
    assert read(tmp_path / "empty").digest == read(tmp_path / "a" / "b" / "out").digest
    assert names(tmp_path) == ["a", "empty", "link"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("tables", "matrices"), FORMATS)
def test_leaves_nothing_when_the_disk_refuses(
    tables: TableFormat, matrices: MatrixFormat, tmp_path: Path
) -> None:
    instance = generate(workloads=40, pools=5, periods=40, seed=4)
    with files_of_at_most(1500), pytest.raises(OutputError, match="out: cannot be written: "):
        write(instance, tmp_path / "out", tables=tables, matrices=matrices)
    assert names(tmp_path) == []


def test_leaves_nothing_when_it_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("optimizer.instance.write._write_matrix", stop)
    with pytest.raises(KeyboardInterrupt):
        write(small(), tmp_path / "out")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": "two\nlines"}, "instance.toml, name: expected a name without control"),
        ({"name": ""}, "instance.toml, name: expected a name that is not blank"),
        ({"title": "x" * 1500}, "instance.toml, line 3: expected at most 1000 characters"),
    ],
)
def test_refuses_a_head_that_cannot_be_read(
    change: dict[str, str], text: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=text):
        write(dataclasses.replace(small(), **change), tmp_path / "out")
    assert names(tmp_path) == []


def test_refuses_unknown_formats(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='tables: expected one of csv, parquet, got "npy"'):
        write(small(), tmp_path / "out", tables="npy")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="matrices: expected one of csv, parquet, npy"):
        write(small(), tmp_path / "out", matrices="json")  # type: ignore[arg-type]

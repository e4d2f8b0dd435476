"""All that is wrong with an instance is said in one refusal."""

from __future__ import annotations

import pytest

from optimizer.errors import InputError
from tests.faults.folder import Folder


def test_six_faults_in_four_files(folder: Folder) -> None:
    folder.toml("period_hours", "0")
    folder.cell("workloads", 3, "deadline_periods", "3.5").cell("workloads", 4, "region", "")
    folder.cell("routes", 5, "pool", "wset")
    folder.cell("demand", 2, "1", "n/a").cell("demand", 4, "2", "-7.5")
    assert folder.problems() == [
        "instance.toml, period_hours: expected a finite number > 0 and <= 8784 [hours], got 0",
        "workloads.csv, row 3 (code), column deadline_periods: expected a whole number from 0 to "
        '1e+06 [periods], got "3.5"',
        "workloads.csv, row 4 (batch), column region: expected a name that is not blank, "
        "got nothing",
        "routes.csv, row 5, column pool: expected the name of a pool in pools.csv, "
        'got "wset" (did you mean "west"?)',
        'demand.csv, row 2 (chat), column 1: expected a finite number >= 0 [Mtok], got "n/a" '
        "(plain decimal notation: no separators, signs of money or units)",
        "demand.csv, row 4 (batch), column 2: expected a finite number >= 0 [Mtok], got -7.5",
    ]


def test_one_fault_in_every_file(folder: Folder) -> None:
    folder.toml("name", '""').file("zones.csv", b"").file("capacity.csv", b"")
    folder.cell("workloads", 2, "basis", "guess").cell("pools", 3, "purchase", "rented")
    folder.cell("routes", 2, "latency_ms", "-1").cell("shares", 3, "value", "esat")
    folder.cell("residency", 2, "region", "us-est").cell("sources", 2, "address", "")
    folder.cell("demand", 2, "workload", "chad").cell("prices", 2, "0", "free")
    assert [line.split(":")[0] for line in folder.problems()] == [
        "instance.toml, name",
        "zones.csv",
        "workloads.csv, row 2 (chat), column basis",
        "pools.csv, row 3 (west), column purchase",
        "routes.csv, row 2, column latency_ms",
        "sources.csv, row 2 (maker), column address",
        "demand.csv, row 2, column workload",
        "demand.csv",
        "capacity.csv",
        "prices.csv, row 2 (west), column 0",
        "shares.csv, row 3 (east-compute), column value",
        "residency.csv, row 2, column region",
    ]


def test_a_broken_table_does_not_put_the_blame_on_those_that_refer_to_it(folder: Folder) -> None:
    folder.file("workloads.csv", b"").replace("pools.csv", "pool,provider", "poool,provider")
    folder.cell("routes", 2, "chip_hours_per_mtok", "x").cell("demand", 2, "0", "y")
    assert [line.split(",")[0] for line in folder.problems()] == [
        "workloads.csv: expected a header and rows",
        "pools.csv",
        "pools.csv",
        "routes.csv",
        "demand.csv",
    ]


def test_a_missing_table_does_not_put_the_blame_on_those_that_refer_to_it(folder: Folder) -> None:
    assert folder.without("workloads.csv", "pools.csv").problems() == [
        "FOLDER: expected a table workloads.csv or workloads.parquet, got none",
        "FOLDER: expected a table pools.csv or pools.parquet, got none",
    ]


def test_an_unreadable_manifest_does_not_hide_broken_tables(folder: Folder) -> None:
    folder.file("instance.toml", b"format = \nname = 1").cell("capacity", 2, "2", "many")
    lines = folder.problems()
    assert len(lines) == 2
    assert lines[0].startswith("instance.toml, line 1, column 10: expected valid TOML, got ")
    assert lines[1].startswith("capacity.csv, row 2 (east), column 2: expected a finite number")


def test_a_cell_is_reported_once(folder: Folder) -> None:
    folder.cell("workloads", 2, "model", "").cell("workloads", 3, "workload", "")
    folder.replace("routes.csv", "code,", "chat,").replace("routes.csv", "chat,east,0.5,,,,\n", "")
    folder.replace("demand.csv", "code,1,2,3\n", "")
    lines = folder.problems()
    assert lines == [
        "workloads.csv, row 3, column workload: expected a name that is not blank, got nothing",
        "workloads.csv, row 2 (chat), column model: expected a name that is not blank, got nothing",
    ]


def test_twenty_are_shown_and_the_rest_is_counted(folder: Folder) -> None:
    rows = "".join(f"chat,nowhere-{i},1,,,,\n" for i in range(24))
    folder.file("routes.csv", folder.text("routes.csv") + rows)
    with pytest.raises(InputError) as caught:
        folder.read()
    assert len(caught.value.problems) == 24
    lines = str(caught.value).split("\n")
    assert len(lines) == 21
    assert lines[-1] == "... and 4 more problems"
    assert caught.value.problems[3].place == "routes.csv, row 9, column pool"
    assert caught.value.problems[3].got == '"nowhere-3"'

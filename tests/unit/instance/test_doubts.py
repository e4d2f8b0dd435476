from __future__ import annotations

import re
from pathlib import Path

import pytest

from optimizer.instance.doubts import doubts
from tests.faults.folder import Folder


@pytest.fixture
def fleet(tmp_path: Path) -> Folder:
    return Folder.fleet(tmp_path / "instance")


def told(folder: Folder) -> list[str]:
    return doubts(folder.read())


def test_the_sound_fleet_leaves_no_doubt(fleet: Folder) -> None:
    fleet.replace("qualification.csv", "small,tpu7,,", "small,tpu7,both,")
    assert told(fleet) == []


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "doubt"),
    [
        (
            "replicas",
            2,
            "chips_per_replica",
            "17",  # 8 chips and two blocks of 4
            "1 replica: larger than any pool of the chip, so none can run: large on trn2",
        ),
        (
            "contracts",
            3,
            "first_period",
            "3",
            "1 contract: never in force within the horizon: rest",
        ),
        (
            "contracts",
            3,
            "usd_per_chip_hour",
            "3.5",  # West is 3 in period 1 and 3.5 in period 2
            "1 contract: no cheaper than the pool's own chips, so of use only when these are full: "
            "rest",
        ),
        (
            "power",
            2,
            "max_mw",
            "0.016",
            "1 power limit: all chips together cannot draw so much, so it limits nothing: "
            "east-site",
        ),
        (
            "qualification",
            4,
            "use",
            "training",
            "1 workload: every route leads to a chip that its model is not qualified for within "
            "the horizon: batch",
        ),
        (
            "qualification",
            4,
            "qualified_from",
            "2026-05-04T02:00:01Z",
            "1 workload: every route leads to a chip that its model is not qualified for within "
            "the horizon: batch",
        ),
        (
            "workloads",
            2,
            "protected",
            "false",
            "outages are listed, but no workload is protected: they ask for nothing",
        ),
    ],
)
def test_what_is_seldom_meant_is_said(
    fleet: Folder, table: str, row: int, column: str, value: str, doubt: str
) -> None:
    assert told(fleet.cell(table, row, column, value)) == [doubt]


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("replicas", 2, "chips_per_replica", "16"),
        ("contracts", 3, "first_period", "2"),
        ("contracts", 3, "usd_per_chip_hour", "3.4"),
        ("contracts", 2, "usd_per_chip_hour", "9"),  # reserved chips cannot be had instead
        ("power", 2, "max_mw", "0.0159"),
        ("qualification", 4, "qualified_from", "2026-05-04T02:00:00Z"),
        ("workloads", 4, "traffic_class", "training"),  # qualified for both
    ],
)
def test_what_may_well_be_meant_is_not(
    fleet: Folder, table: str, row: int, column: str, value: str
) -> None:
    assert told(fleet.cell(table, row, column, value)) == []


def test_training_needs_a_chip_for_training(fleet: Folder) -> None:
    fleet.cell("qualification", 4, "use", "inference")
    fleet.cell("workloads", 4, "traffic_class", "training")
    (doubt,) = told(fleet)
    assert re.fullmatch("1 workload: every route .*: batch", doubt)


def test_protection_without_an_outage(fleet: Folder) -> None:
    assert told(fleet.without("outages.csv")) == [
        "workloads are protected, but no outage is listed: protection asks for nothing"
    ]


def test_contracts_of_a_pool_without_a_price(fleet: Folder) -> None:
    fleet.without("prices.csv").cell("pools", 3, "usd_per_chip_hour", "")
    assert "1 contract: of a pool that takes no part: rest" in told(fleet)

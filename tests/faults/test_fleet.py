"""Faults in the tables that say how the fleet is run, and in the columns that go with them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from optimizer.errors import InputError
from optimizer.instance.declare import columns_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.tables import TABLES
from tests.faults.folder import Folder

TIME = "expected a date and time with a zone, such as 2026-05-04T00:00:00Z, got "
PLAIN = "(plain decimal notation: no separators, signs of money or units)"


def test_the_fleet_that_all_cases_spoil_is_sound(fleet: Folder) -> None:
    instance = fleet.read()
    assert instance.workloads.protected.tolist() == [True, False, False]
    assert instance.pools.watts_per_chip[0] == 1000
    assert np.isnan(instance.pools.watts_per_chip[1])
    assert instance.shares.per.values() == ["period", "horizon"]
    assert instance.model_names == ("large", "small")
    assert instance.replica_rows.tolist() == [[0, 1], [-1, 2]]
    assert instance.in_force_replicas is not None
    assert instance.in_force_replicas.tolist() == [[1, 0], [0, 2]]
    assert instance.contract_in_force.tolist() == [[True, True, False], [False, True, True]]
    assert instance.outages.served.tolist() == [0.5, 1]
    assert instance.replicas.target_utilisation.tolist() == [0.9, 1, 1]
    assert instance.qualification.use.values() == ["inference", "both", "both"]
    begins = instance.qualification.qualified_from - instance.period_start_seconds[0]
    assert np.isnan(begins[0])
    assert begins[1:].tolist() == [3600, 0]


def test_every_table_and_column_is_in_the_sound_fleet(fleet: Folder) -> None:
    for spec in TABLES:
        header = fleet.text(f"{spec.name}.csv").split("\n", 1)[0].split(",")
        assert set(header) == {name for name, _ in columns_of(spec.record)}, spec.name


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "problem"),
    [
        (
            "workloads",
            2,
            "protected",
            "yes",
            'workloads.csv, row 2 (chat), column protected: expected true or false, got "yes"',
        ),
        (
            "pools",
            2,
            "watts_per_chip",
            "0",
            "pools.csv, row 2 (east), column watts_per_chip: expected a finite number > 0 and "
            "<= 1e+06 [W], got 0",
        ),
        (
            "pools",
            2,
            "watts_per_chip",
            "",
            "pools.csv, row 2 (east), column watts_per_chip: expected a number, since power "
            'limit "east-site" counts this pool [W], got nothing',
        ),
        (
            "pools",
            2,
            "watts_per_chip",
            "1 kW",
            "pools.csv, row 2 (east), column watts_per_chip: expected a finite number > 0 and "
            f'<= 1e+06 [W], got "1 kW" {PLAIN}',
        ),
        (
            "shares",
            2,
            "per",
            "hour",
            "shares.csv, row 2 (google-tokens), column per: expected one of horizon, period, "
            'got "hour"',
        ),
        (
            "models",
            2,
            "model",
            "larg",
            "models.csv, row 2, column model: expected the name of a known model in workloads, "
            'got "larg" (did you mean "large"?)',
        ),
        (
            "models",
            2,
            "min_replicas",
            "1.5",
            "models.csv, row 2 (large), column min_replicas: expected a whole number from 0 to "
            '1e+09 [replicas], got "1.5"',
        ),
        (
            "models",
            2,
            "min_replicas",
            "-1",
            "models.csv, row 2 (large), column min_replicas: expected a whole number from 0 to "
            "1e+09 [replicas], got -1",
        ),
        (
            "replicas",
            2,
            "model",
            "lagre",
            "replicas.csv, row 2, column model: expected the name of a known model in "
            'workloads, got "lagre" (did you mean "large"?)',
        ),
        (
            "replicas",
            2,
            "chip",
            "trn3",
            "replicas.csv, row 2, column chip: expected the name of a known chip of a pool, "
            'got "trn3" (did you mean "trn2"?)',
        ),
        (
            "replicas",
            2,
            "chips_per_replica",
            "0",
            "replicas.csv, row 2, column chips_per_replica: expected a finite number > 0 "
            "and <= 1e+06 [chips], got 0 (leave the row out when it is not possible)",
        ),
        (
            "replicas",
            2,
            "chips_per_replica",
            "",
            "replicas.csv, row 2 (large), column chips_per_replica: expected a finite number > 0 "
            "and <= 1e+06 [chips], got nothing",
        ),
        (
            "replicas",
            2,
            "target_utilisation",
            "90",
            "replicas.csv, row 2, column target_utilisation: expected a finite number > 0 "
            "and <= 1 [fraction], got 90 (a fraction, not a percentage: 0.9?)",
        ),
        (
            "replicas",
            2,
            "target_utilisation",
            "0",
            "replicas.csv, row 2, column target_utilisation: expected a finite number > 0 "
            "and <= 1 [fraction], got 0",
        ),
        (
            "replicas",
            2,
            "startup_usd",
            "-5",
            "replicas.csv, row 2, column startup_usd: expected a finite number from 0 to "
            "1e+09 [USD], got -5",
        ),
        (
            "replicas",
            2,
            "startup_hours",
            "1.5",
            "replicas.csv, row 2, column startup_hours: expected at most the length of a period, "
            "1 [hours], got 1.5 (longer periods, or the rest of the time as startup_usd)",
        ),
        (
            "replicas",
            2,
            "max_changes_per_period",
            "2.5",
            "replicas.csv, row 2, column max_changes_per_period: expected a whole number "
            "from 0 to 1e+09 [replicas], got 2.5",
        ),
        (
            "replicas",
            2,
            "basis",
            "guess",
            "replicas.csv, row 2, column basis: expected one of measured, published, "
            'vendor_claim, estimate, assumption, got "guess"',
        ),
        (
            "in_force",
            2,
            "model",
            "larger",
            "in_force.csv, row 2, column model: expected the name of a known model in workloads, "
            'got "larger" (did you mean "large"?)',
        ),
        (
            "in_force",
            2,
            "pool",
            "eastt",
            "in_force.csv, row 2, column pool: expected the name of a pool in pools.csv, "
            'got "eastt" (did you mean "east"?)',
        ),
        (
            "in_force",
            2,
            "model",
            "small",
            'in_force.csv, row 2: expected a row of replicas for model "small" and chip "trn2", '
            "got none (add that row, or remove this one)",
        ),
        (
            "in_force",
            2,
            "replicas",
            "one",
            "in_force.csv, row 2 (large), column replicas: expected a whole number from 0 to "
            f'1e+09 [replicas], got "one" {PLAIN}',
        ),
        (
            "contracts",
            3,
            "pool",
            "East",
            "contracts.csv, row 3, column pool: expected the name of a pool in pools.csv, "
            'got "East" (did you mean "east"?)',
        ),
        (
            "contracts",
            2,
            "block_chips",
            "-4",
            "contracts.csv, row 2 (block), column block_chips: expected a finite number > 0 and "
            "<= 1e+09 [chips], got -4",
        ),
        (
            "contracts",
            2,
            "usd_per_chip_hour",
            "",
            "contracts.csv, row 2 (block), column usd_per_chip_hour: expected a finite number "
            "from 0 to 1e+06 [USD/chip-hour], got nothing",
        ),
        (
            "contracts",
            2,
            "first_period",
            "2",
            "contracts.csv, row 2 (block), column last_period: expected at least first_period = 2 "
            "[periods], got 1",
        ),
        (
            "contracts",
            2,
            "first_period",
            "0.5",
            "contracts.csv, row 2 (block), column first_period: expected a whole number from 0 to "
            '999999 [periods], got "0.5"',
        ),
        (
            "contracts",
            2,
            "last_period",
            "1000000",
            "contracts.csv, row 2 (block), column last_period: expected a whole number from 0 to "
            "999999 [periods], got 1000000",
        ),
        (
            "contracts",
            2,
            "max_blocks",
            "2.5",
            "contracts.csv, row 2 (block), column max_blocks: expected a whole number from 0 to "
            '1e+06 [blocks], got "2.5"',
        ),
        (
            "contracts",
            2,
            "activation_usd",
            "-3",
            "contracts.csv, row 2 (block), column activation_usd: expected a finite number >= 0 "
            "[USD], got -3",
        ),
        (
            "contracts",
            2,
            "contract",
            "",
            "contracts.csv, row 2, column contract: expected a name that is not blank, got nothing",
        ),
        (
            "outages",
            3,
            "value",
            "Gogle",
            "outages.csv, row 3 (loss), column value: expected the name of a known provider, "
            'got "Gogle" (did you mean "Google"?)',
        ),
        (
            "outages",
            3,
            "attribute",
            "site",
            "outages.csv, row 3 (loss), column attribute: expected one of provider, chip, region, "
            'pool, got "site"',
        ),
        (
            "outages",
            2,
            "served",
            "95",
            "outages.csv, row 2 (east-lost), column served: expected a finite number > 0 and <= 1 "
            "[fraction], got 95 (a fraction, not a percentage: 0.95?)",
        ),
        (
            "power",
            2,
            "value",
            "us-weast",
            "power.csv, row 2 (east-site), column value: expected the name of a known region, "
            'got "us-weast" (did you mean "us-west"?)',
        ),
        (
            "power",
            2,
            "attribute",
            "zone",
            "power.csv, row 2 (east-site), column attribute: expected one of provider, chip, "
            'region, pool, got "zone"',
        ),
        (
            "power",
            2,
            "max_mw",
            "",
            "power.csv, row 2 (east-site), column max_mw: expected a finite number from 0 to "
            "1e+06 [MW], got nothing",
        ),
        (
            "qualification",
            2,
            "model",
            "",
            "qualification.csv, row 2, column model: expected a name that is not blank, "
            "got nothing",
        ),
        (
            "qualification",
            4,
            "chip",
            "tpu",
            "qualification.csv, row 4, column chip: expected the name of a known chip of a pool, "
            'got "tpu" (did you mean "tpu7"?)',
        ),
        (
            "qualification",
            2,
            "use",
            "serving",
            "qualification.csv, row 2, column use: expected one of inference, training, both, "
            'got "serving"',
        ),
    ],
)
def test_one_spoilt_cell(
    fleet: Folder, table: str, row: int, column: str, value: str, problem: str
) -> None:
    assert fleet.cell(table, row, column, value).problems() == [problem]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2026-05-06", id="no time"),
        pytest.param("2026-05-06T00:00:00", id="no zone"),
        pytest.param("2026-05-06T00:00:00z", id="lower case"),
        pytest.param("2026-02-30T00:00:00Z", id="no such day"),
        pytest.param("0000-01-01T00:00:00Z", id="year 0"),
        pytest.param("10000-01-01T00:00:00Z", id="year 10000"),
        pytest.param("Wednesday", id="text"),
        pytest.param("1778025600", id="seconds"),
    ],
)
def test_text_that_is_no_time(fleet: Folder, value: str) -> None:
    where = "qualification.csv, row 3 (large), column qualified_from: "
    assert fleet.cell("qualification", 3, "qualified_from", value).problems() == [
        f'{where}{TIME}"{value}"'
    ]


@pytest.mark.parametrize(
    ("value", "expected", "got"),
    [
        ("1969-12-31T23:59:59Z", "in the years 1970 to 2199", '"1969-12-31T23:59:59Z"'),
        ("2200-01-01T00:00:00Z", "in the years 1970 to 2199", '"2200-01-01T00:00:00Z"'),
        (
            "0001-01-01T00:00:00+14:00",
            "in the years 1970 to 2199",
            "-62135647200 seconds since 1970",
        ),
        (
            "9999-12-31T23:59:59-14:00",
            "in the years 1970 to 2199",
            "253402351199 seconds since 1970",
        ),
        ("2026-05-06T00:00:00.5Z", "in whole seconds", '"2026-05-06T00:00:00.500000Z"'),
    ],
)
def test_times_out_of_range(fleet: Folder, value: str, expected: str, got: str) -> None:
    assert fleet.cell("qualification", 3, "qualified_from", value).problems() == [
        f"qualification.csv, row 3, column qualified_from: expected a time {expected}, got {got}"
    ]


@pytest.mark.parametrize(
    "value",
    ["2026-05-04T01:00:00Z", "2026-05-04T03:00:00+02:00", "2026-05-03 18:00-07:00", "20260504T01Z"],
)
def test_one_moment_in_several_forms(fleet: Folder, value: str) -> None:
    digest = fleet.read().digest
    assert fleet.cell("qualification", 3, "qualified_from", value).read().digest == digest


def test_times_in_a_parquet_file(fleet: Folder) -> None:
    sound = fleet.read()
    moment = datetime(2026, 5, 4, 1, tzinfo=UTC)
    cells = [None, moment, moment - timedelta(hours=1)]
    frame = fleet.frame("qualification")
    for unit in ("ms", "us", "ns"):
        times = pl.Series("qualified_from", cells, dtype=pl.Datetime(unit, "UTC"))
        abroad = times.dt.convert_time_zone("Asia/Tokyo")
        for column in (times, abroad):
            (fleet.path / "qualification.csv").unlink(missing_ok=True)
            frame.with_columns(column).write_parquet(fleet.path / "qualification.parquet")
            assert fleet.read().digest == sound.digest
    text = fleet.path / "qualification.parquet"
    frame.with_columns(times.dt.replace_time_zone(None)).write_parquet(text)
    (problem,) = fleet.problems()
    assert problem.startswith(
        "qualification.parquet, column qualified_from: expected a column of times with a zone, "
        "or of text, got Datetime("
    )
    frame.with_columns(pl.Series("qualified_from", [1, 2, 3])).write_parquet(text)
    (problem,) = fleet.problems()
    assert problem.endswith("expected a column of times with a zone, or of text, got Int64")


@pytest.mark.parametrize(
    ("table", "line", "problem"),
    [
        (
            "models.csv",
            "large,2,,,,,,,,\n",
            "models.csv, row 4, column model: expected a name that is not used twice, "
            'got "large" (first used at models.csv, row 2)',
        ),
        (
            "replicas.csv",
            "large,trn2,8,,,,,,\n",
            'replicas.csv, row 5: expected one row per model and chip, got "large" and "trn2" '
            "again (first used at replicas.csv, row 2)",
        ),
        (
            "in_force.csv",
            "small,west,3\n",
            'in_force.csv, row 4: expected one row per model and pool, got "small" and "west" '
            "again (first used at in_force.csv, row 3)",
        ),
        (
            "contracts.csv",
            "rest,east,1,1,,,,,,\n",
            "contracts.csv, row 4, column contract: expected a name that is not used twice, "
            'got "rest" (first used at contracts.csv, row 3)',
        ),
        (
            "outages.csv",
            "loss,pool,west,\n",
            "outages.csv, row 4, column outage: expected a name that is not used twice, "
            'got "loss" (first used at outages.csv, row 3)',
        ),
        (
            "power.csv",
            "east-site,pool,east,1\n",
            "power.csv, row 3, column limit: expected a name that is not used twice, "
            'got "east-site" (first used at power.csv, row 2)',
        ),
        (
            "qualification.csv",
            "small,tpu7,both,\n",
            "qualification.csv, row 5: expected one row per model and chip and use, "
            'got "small" and "tpu7" and "both" again (first used at qualification.csv, row 4)',
        ),
        (
            "qualification.csv",
            "small,tpu7,,\n",
            "qualification.csv, row 5: expected one row per model and chip and use, "
            'got "small" and "tpu7" and "both" again (first used at qualification.csv, row 4)',
        ),
    ],
)
def test_rows_that_come_twice(fleet: Folder, table: str, line: str, problem: str) -> None:
    assert fleet.file(table, fleet.text(table) + line).problems() == [problem]


def test_rows_that_come_twice_without_the_column_of_their_default(fleet: Folder) -> None:
    fleet.file("qualification.csv", "model,chip\nsmall,tpu7\nlarge,tpu7\nsmall,tpu7\n")
    assert fleet.problems() == [
        "qualification.csv, row 4: expected one row per model and chip and use, "
        'got "small" and "tpu7" and "both" again (first used at qualification.csv, row 2)'
    ]


def test_two_uses_of_one_pair_are_two_rows(fleet: Folder) -> None:
    text = fleet.text("qualification.csv") + "large,trn2,training,2026-05-05T00:00:00Z\n"
    assert len(fleet.file("qualification.csv", text).read().qualification.model) == 4


def test_a_minimum_without_replicas(fleet: Folder) -> None:
    fleet.file("replicas.csv", "model,chip,chips_per_replica\nsmall,tpu7,1\n")
    fleet.file("in_force.csv", "model,pool,replicas\nsmall,west,2\n")
    assert fleet.problems() == [
        "models.csv, row 2 (large), column min_replicas: expected rows of replicas for model "
        '"large", to count what runs, got none (add them, or remove the minimum)'
    ]


def test_without_rows_every_rule_is_off(fleet: Folder) -> None:
    plain = Folder.sound(fleet.path.parent / "plain").read()
    for table in ("models", "replicas", "in_force", "contracts", "outages", "power"):
        fleet.file(f"{table}.csv", fleet.text(f"{table}.csv").split("\n", 1)[0] + "\n")
    for table in ("chips", "profiles", "throughputs", "network"):
        fleet.file(f"{table}.csv", fleet.text(f"{table}.csv").split("\n", 1)[0] + "\n")
    fleet.without("qualification.csv", "exclusions.csv")
    for table in ("workloads", "pools", "routes", "shares"):
        fleet.without(f"{table}.csv").file(
            f"{table}.csv", (fleet.path.parent / "plain" / f"{table}.csv").read_bytes()
        )
    instance = fleet.read()
    assert instance.digest == plain.digest
    assert instance.in_force_replicas is None
    assert (instance.replica_rows == -1).all()


def test_a_fault_in_every_table_is_reported_at_once(fleet: Folder) -> None:
    fleet.cell("models", 3, "model", "smal").cell("replicas", 4, "chip", "tpu6")
    fleet.cell("in_force", 3, "pool", "wst").cell("contracts", 2, "first_period", "2")
    fleet.cell("outages", 2, "served", "0").cell("power", 2, "max_mw", "-1")
    fleet.cell("qualification", 3, "qualified_from", "soon").cell("shares", 2, "per", "day")
    fleet.cell("pools", 3, "watts_per_chip", "-1").cell("workloads", 4, "protected", "2")
    lines = [line.split(": ")[0] for line in fleet.problems()]
    assert lines == [
        "workloads.csv, row 4 (batch), column protected",
        "pools.csv, row 3 (west), column watts_per_chip",
        "shares.csv, row 2 (google-tokens), column per",
        "in_force.csv, row 3, column pool",
        "outages.csv, row 2 (east-lost), column served",
        "power.csv, row 2 (east-site), column max_mw",
        "qualification.csv, row 3 (large), column qualified_from",
        "models.csv, row 3, column model",
        "replicas.csv, row 4, column chip",
        "contracts.csv, row 2 (block), column last_period",
    ]


def changed(instance: Instance, table: str, **columns: Any) -> Instance:
    record = dataclasses.replace(getattr(instance, table), **columns)
    return dataclasses.replace(instance, origin={}, **{table: record})


@pytest.mark.parametrize(
    ("table", "columns", "problem"),
    [
        (
            "in_force",
            {"pool": np.array([0, 2], np.int32)},
            "in_force[1], column pool: expected an index from 0 to 1, got 2",
        ),
        (
            "contracts",
            {"pool": np.array([-1, 0], np.int32)},
            "contracts[0], column pool: expected an index from 0 to 1, got -1",
        ),
        (
            "replicas",
            {"chip": Labels.of(["tpu7", "tpu7", "tpu7"])},
            "replicas[1]: expected one row per model and chip, got a second "
            "(the first is replicas[0])",
        ),
        (
            "residency",
            {"region": Labels.of(["us-west", "us-west"])},
            "residency[1]: expected one row per workload and region, got a second "
            "(the first is residency[0])",
        ),
        (
            "qualification",
            {"qualified_from": np.array([np.inf, 0.25, 1e300])},
            "qualification[0], column qualified_from: expected a time in the years 1970 to 2199, "
            "got inf seconds since 1970",
        ),
        (
            "replicas",
            {"max_changes_per_period": np.array([np.nan, np.inf, 0.5])},
            "replicas[1], column max_changes_per_period: expected a finite number up to 1e+15 "
            "[replicas], got inf (check the unit)",
        ),
    ],
)
def test_faults_of_tables_made_in_memory(
    fleet: Folder, table: str, columns: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError) as caught:
        changed(fleet.read(), table, **columns)
    assert problem in [str(found) for found in caught.value.problems]


def test_names_that_no_row_has_are_no_models(fleet: Folder) -> None:
    instance = fleet.read()
    model = instance.workloads.model
    spare = Labels(("gone", *model.names), model.codes + np.int32(1))
    wider = changed(instance, "workloads", model=spare)
    assert wider.model_names == instance.model_names
    assert wider.digest == instance.digest
    with pytest.raises(InputError, match='known model in workloads, got "gone"'):
        changed(wider, "models", model=("gone", "small"))
    chip = instance.pools.chip
    pools = dataclasses.replace(instance.pools, chip=Labels((*chip.names, "trn3"), chip.codes))
    power = dataclasses.replace(
        instance.power, attribute=Labels.of(["chip"]), value=Labels.of(["trn3"])
    )
    with pytest.raises(InputError, match='expected the name of a known chip, got "trn3"'):
        dataclasses.replace(instance, origin={}, pools=pools, power=power)

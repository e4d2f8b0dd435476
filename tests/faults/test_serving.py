"""Faults in the tables that say what a chip delivers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optimizer.errors import InputError
from optimizer.instance.doubts import doubts
from optimizer.instance.labels import Labels
from tests.faults.folder import Folder


def test_the_sound_folder_holds_what_it_says(fleet: Folder) -> None:
    instance = fleet.read()
    assert instance.profiles.configuration.values() == ["tp4", "standard", "table"]
    assert instance.profiles.precision.values() == ["fp8", "fp4", "bf16"]
    assert instance.profiles.max_batch[:2].tolist() == [32, 64]
    assert np.isnan(instance.profiles.decode_base_ms[2])
    assert instance.throughputs.configuration.values() == ["table", "table", "standard"]
    assert instance.network.round_trip_ms.tolist() == [20, 60, 140]
    assert instance.chips.throughput_recorded.tolist() == [False, True]
    assert instance.exclusions.model.values() == ["small", "large"]
    assert instance.workloads.slo_percentile[0] == 95
    assert instance.workloads.burstiness.tolist() == [1.5, 1, 1]
    assert instance.routes.configuration.values() == ["tp4", "", "", ""]


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "problem"),
    [
        (
            "profiles",
            2,
            "decode_efficiency_low",
            "0.45",
            "profiles.csv, row 2, column decode_efficiency_low: expected at most "
            "decode_efficiency = 0.4 [fraction], got 0.45",
        ),
        (
            "profiles",
            2,
            "prefill_efficiency_high",
            "0.3",
            "profiles.csv, row 2, column prefill_efficiency: expected at most "
            "prefill_efficiency_high = 0.3 [fraction], got 0.35",
        ),
        (
            "profiles",
            3,
            "input_tokens_low",
            "9000",
            "profiles.csv, row 3, column input_tokens_low: expected at most "
            "input_tokens_high = 8000 [tokens], got 9000",
        ),
        (
            "profiles",
            3,
            "throughput_high",
            "0.9",
            "profiles.csv, row 3, column throughput_high: expected a finite number from 1 to 1000 "
            "[multiple], got 0.9",
        ),
        (
            "profiles",
            3,
            "max_batch",
            "6.5",
            "profiles.csv, row 3, column max_batch: expected a whole number from 1 to 65536 "
            "[requests], got 6.5",
        ),
        (
            "profiles",
            3,
            "batching",
            "static",
            "profiles.csv, row 3, column batching: expected one of continuous, together, "
            'got "static"',
        ),
        (
            "models",
            2,
            "active_parameters_billion",
            "120",
            "models.csv, row 2, column active_parameters_billion: expected at most "
            "parameters_billion = 100 [1e9], got 120",
        ),
        (
            "throughputs",
            2,
            "configuration",
            "tabel",
            'throughputs.csv, row 2: expected a row of profiles for model "small", chip "tpu7" '
            'and configuration "tabel", got none (did you mean "table"?)',
        ),
        (
            "throughputs",
            4,
            "model",
            "medium",
            'throughputs.csv, row 4: expected a row of profiles for model "medium", chip "tpu7" '
            'and configuration "standard", got none (add it: it says how many chips a replica '
            "has)",
        ),
        (
            "exclusions",
            2,
            "pool",
            "eas",
            "exclusions.csv, row 2 (no-small-east), column pool: expected the name of a known "
            'pool, got "eas" (did you mean "east"?)',
        ),
        (
            "exclusions",
            3,
            "provider",
            "google",
            "exclusions.csv, row 3 (no-code-on-tpu), column provider: expected the name of a "
            'known provider of a pool, got "google" (did you mean "Google"?)',
        ),
        (
            "exclusions",
            3,
            "traffic_class",
            "agentics",
            "exclusions.csv, row 3 (no-code-on-tpu), column traffic_class: expected the name of a "
            'known traffic class of a workload, got "agentics" (did you mean "agentic"?)',
        ),
        (
            "exclusions",
            3,
            "region",
            "su",
            "exclusions.csv, row 3 (no-code-on-tpu), column region: expected the name of a known "
            'region of a workload, got "su"',
        ),
        (
            "network",
            2,
            "round_trip_ms",
            "",
            "network.csv, row 2 (us), column round_trip_ms: expected a finite number from 0 to "
            "1e+06 [ms], got nothing",
        ),
        (
            "chips",
            2,
            "throughput_recorded",
            "yes",
            "chips.csv, row 2 (trn2), column throughput_recorded: expected true or false, "
            'got "yes"',
        ),
        (
            "workloads",
            2,
            "slo_percentile",
            "0.95",
            "workloads.csv, row 2 (chat), column slo_percentile: expected a finite number from 1 "
            "to 99.9 [percent], got 0.95",
        ),
        (
            "workloads",
            2,
            "demand_high",
            "0.5",
            "workloads.csv, row 2 (chat), column demand_high: expected a finite number from 1 to "
            "1000 [multiple], got 0.5",
        ),
    ],
)
def test_one_spoilt_cell(
    fleet: Folder, table: str, row: int, column: str, value: str, problem: str
) -> None:
    assert fleet.cell(table, row, column, value).problems() == [problem]


def test_a_rule_that_excludes_everything(fleet: Folder) -> None:
    text = fleet.text("exclusions.csv") + "all,,,,,,,,,no reason\n"
    assert fleet.file("exclusions.csv", text).problems() == [
        "exclusions.csv, row 4 (all): expected at least one of workload, model, traffic_class, "
        "region, provider, chip, pool_region, pool, got none (a rule for all would leave no route)"
    ]


def test_a_route_that_is_excluded(fleet: Folder) -> None:
    fleet.cell("exclusions", 2, "model", "large").cell("exclusions", 2, "workload", "code")
    assert fleet.problems() == [
        'routes.csv, row 4: expected a pair that exclusion "no-small-east" does not forbid, '
        'got "code" on "east" (remove the route or the exclusion)'
    ]


def without_times(fleet: Folder) -> Folder:
    for column in ("decode_per_seq_ms", "prefill_base_ms"):
        fleet.cell("profiles", 2, column, "")
    return fleet


def test_estimates_need_no_times(fleet: Folder) -> None:
    assert np.isnan(without_times(fleet).read().profiles.decode_per_seq_ms[0])


@pytest.mark.parametrize(
    ("table", "row", "columns", "problem"),
    [
        (
            "models",
            2,
            ["kv_bytes_per_token"],
            'kv_bytes_per_token of model "large" in models.csv, got nothing',
        ),
        (
            "chips",
            2,
            ["memory_gb", "fp8_tflops"],
            'memory_gb and fp8_tflops of chip "trn2" in chips.csv, got nothing',
        ),
        (
            "chips",
            2,
            ["bf16_tflops"],
            'bf16_tflops of chip "trn2" in chips.csv, got nothing',
        ),
    ],
)
def test_a_profile_that_cannot_be_estimated(
    fleet: Folder, table: str, row: int, columns: list[str], problem: str
) -> None:
    for column in columns:
        without_times(fleet).cell(table, row, column, "")
    assert fleet.problems() == [
        "profiles.csv, row 2, column decode_per_seq_ms: expected a number, or for an estimate "
        + problem
    ]


def test_a_profile_of_a_chip_without_a_row(fleet: Folder) -> None:
    without_times(fleet).replace("chips.csv", "trn2,", "trn3,")
    assert fleet.problems() == [
        "profiles.csv, row 2, column decode_per_seq_ms: expected a number, or for an estimate "
        'memory_gb and memory_tb_per_second and fp8_tflops and bf16_tflops of chip "trn2" in '
        "chips.csv, got nothing, and no row of chips for it"
    ]


def test_profiles_of_a_larger_catalog_are_doubts(fleet: Folder) -> None:
    fleet.replace("qualification.csv", "small,tpu7,,", "small,tpu7,both,")
    text = fleet.text("profiles.csv") + "large,h100,tp8,fp8,8" + "," * 22 + "\n"
    fleet.file("profiles.csv", text + "huge,tpu7,tp8,fp8,8" + "," * 22 + "\n")
    fleet.file("models.csv", fleet.text("models.csv") + "huge,,900,,,,,,,\n")
    assert doubts(fleet.read()) == [
        "2 profiles: of a model that no workload asks for, or a chip that no pool has: "
        "large on h100 (tp8), huge on tpu7 (tp8)"
    ]


def test_a_model_of_a_catalog_may_not_ask_for_replicas(fleet: Folder) -> None:
    fleet.file("models.csv", fleet.text("models.csv") + "huge,1,900,,,,,,,\n")
    assert fleet.problems() == [
        "models.csv, row 4, column model: expected the name of a known model in workloads, "
        'got "huge"'
    ]


def test_network_rows_of_unknown_regions_are_doubts(fleet: Folder) -> None:
    fleet.replace("qualification.csv", "small,tpu7,,", "small,tpu7,both,")
    fleet.file("network.csv", fleet.text("network.csv") + "asia,us-west,90,,,\nus,mars,9000,,,\n")
    assert doubts(fleet.read()) == [
        "2 network rows: no workload comes from the one region, or no pool stands in the other: "
        "asia to us-west, us to mars"
    ]


def test_neither_routes_nor_profiles(fleet: Folder) -> None:
    fleet.without("routes.csv", "profiles.csv", "throughputs.csv")
    assert fleet.problems() == [
        "FOLDER: expected a table routes.csv or routes.parquet, or profiles that routes can be "
        "derived from, got none"
    ]


def test_empty_routes_are_not_derived(fleet: Folder) -> None:
    fleet.file("routes.csv", fleet.text("routes.csv").split("\n", 1)[0] + "\n")
    assert fleet.problems() == [
        "routes.csv: expected at least one row, got a header only "
        "(remove the file to have routes derived)"
    ]


def test_faults_of_tables_made_in_memory(fleet: Folder) -> None:
    instance = dataclasses.replace(fleet.read(), origin={})
    rules = dataclasses.replace(instance.exclusions, pool=Labels.of(["east", "moon"]))
    with pytest.raises(InputError, match=r'exclusions\[1\].*pool, got "moon"'):
        dataclasses.replace(instance, exclusions=rules)

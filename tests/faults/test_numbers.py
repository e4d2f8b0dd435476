"""Section 5.1 of the catalogue of bad inputs: numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.faults.folder import Folder

DEMAND = "demand.csv, row 2 (chat), column 1: expected a finite number >= 0 [Mtok], got "
FINITE = "(every number is finite; leave the row out, or the cell empty where that is allowed)"
PLAIN = "(plain decimal notation: no separators, signs of money or units)"


def test_the_folder_that_all_cases_spoil_is_sound(folder: Folder) -> None:
    instance = folder.read()
    assert instance.demand_mtok.tolist() == [[10, 20, 30], [1, 2, 3], [5, 0, 7.5]]
    # West costs 3 USD per chip-hour; prices.csv overrides periods 0 and 2.
    assert instance.price_usd_per_chip_hour.tolist() == [[1.5, 1.5, 1.5], [2.5, 3, 3.5]]


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "problem"),
    [
        pytest.param("demand", 2, "1", "nan", f'{DEMAND}"nan" {FINITE}', id="5.1-01 NaN demand"),
        pytest.param(
            "prices",
            2,
            "0",
            "NaN",
            "prices.csv, row 2 (west), column 0: expected a finite number >= 0 [USD/chip-hour], "
            f'got "NaN" {FINITE}',
            id="5.1-01 NaN price",
        ),
        pytest.param(
            "routes",
            3,
            "chip_hours_per_mtok",
            "NaN",
            "routes.csv, row 3 (chat), column chip_hours_per_mtok: expected a finite number > 0 "
            f'and <= 1e+09 [chip-hours/Mtok], got "NaN" {FINITE}',
            id="5.1-01 NaN rate",
        ),
        pytest.param(
            "capacity",
            3,
            "2",
            "nan",
            "capacity.csv, row 3 (west), column 2: expected a finite number >= 0 [chips], "
            f'got "nan" {FINITE}',
            id="5.1-01 NaN capacity",
        ),
        pytest.param("demand", 2, "1", "inf", f'{DEMAND}"inf" {FINITE}', id="5.1-02 +inf"),
        pytest.param("demand", 2, "1", "-inf", f'{DEMAND}"-inf" {FINITE}', id="5.1-02 -inf"),
        pytest.param(
            "capacity",
            2,
            "0",
            "inf",
            "capacity.csv, row 2 (east), column 0: expected a finite number >= 0 [chips], "
            f'got "inf" {FINITE}',
            id="5.1-02 unlimited capacity",
        ),
        pytest.param("demand", 2, "1", "1e999", f'{DEMAND}"1e999" {FINITE}', id="5.1-03 1e999"),
        pytest.param(
            "demand", 2, "1", "Infinity", f'{DEMAND}"Infinity" {FINITE}', id="5.1-03 Infinity"
        ),
        pytest.param("demand", 2, "1", "-4", f"{DEMAND}-4", id="5.1-04 negative demand"),
        pytest.param(
            "capacity",
            2,
            "2",
            "-0.5",
            "capacity.csv, row 2 (east), column 2: expected a finite number >= 0 [chips], got -0.5",
            id="5.1-04 negative capacity",
        ),
        pytest.param(
            "routes",
            2,
            "chip_hours_per_mtok",
            "-1",
            "routes.csv, row 2, column chip_hours_per_mtok: expected a finite number > 0 "
            "and <= 1e+09 [chip-hours/Mtok], got -1",
            id="5.1-04 negative rate",
        ),
        pytest.param(
            "pools",
            2,
            "usd_per_chip_hour",
            "-1.65",
            "pools.csv, row 2 (east), column usd_per_chip_hour: expected a finite number from 0 "
            "to 1e+06 [USD/chip-hour], got -1.65",
            id="5.1-05 negative price",
        ),
        pytest.param(
            "prices",
            2,
            "2",
            "-3",
            "prices.csv, row 2 (west), column 2: expected a finite number >= 0 [USD/chip-hour], "
            "got -3",
            id="5.1-05 negative price of a period",
        ),
        pytest.param(
            "routes",
            4,
            "chip_hours_per_mtok",
            "0",
            "routes.csv, row 4, column chip_hours_per_mtok: expected a finite number > 0 "
            "and <= 1e+09 [chip-hours/Mtok], got 0 (leave the row out when it is not possible)",
            id="5.1-06 zero rate of a pair",
        ),
        pytest.param(
            "demand",
            2,
            "1",
            "1e-310",
            "demand.csv, row 2 (chat), column 1: expected 0 or a number of at least 1e-15 [Mtok], "
            "got 1e-310 (check the unit)",
            id="5.1-10 subnormal",
        ),
        pytest.param(
            "demand",
            2,
            "1",
            "1e-400",
            f'{DEMAND}"1e-400" (too small for a number: 0 is written 0)',
            id="5.1-10 smaller than any float",
        ),
        pytest.param(
            "pools",
            2,
            "usd_per_chip_hour",
            "1e-18",
            "pools.csv, row 2 (east), column usd_per_chip_hour: expected 0 or a number of at "
            "least 1e-15 [USD/chip-hour], got 1e-18 (check the unit)",
            id="5.1-13 price of 1e-18",
        ),
        pytest.param(
            "demand",
            2,
            "1",
            "1e18",
            "demand.csv, row 2 (chat), column 1: expected a finite number up to 1e+15 [Mtok], "
            "got 1e+18 (check the unit)",
            id="5.1-14 1e18",
        ),
        pytest.param(
            "demand",
            2,
            "1",
            "10000000000000000001",
            "demand.csv, row 2 (chat), column 1: expected a finite number up to 1e+15 [Mtok], "
            "got 1e+19 (check the unit)",
            id="5.1-14 beyond int64",
        ),
        pytest.param(
            "workloads",
            3,
            "deadline_periods",
            "1e19",
            "workloads.csv, row 3 (code), column deadline_periods: expected a whole number from "
            '0 to 1e+06 [periods], got "1e19"',
            id="5.1-14 integer beyond int64",
        ),
        pytest.param(
            "routes",
            2,
            "usd_per_mtok",
            "1e300",
            "routes.csv, row 2, column usd_per_mtok: expected a finite number up to 1e+15 "
            "[USD/Mtok], got 1e+300 (check the unit)",
            id="5.1-16 cost of 1e300",
        ),
        pytest.param(
            "capacity",
            2,
            "0",
            "1e20",
            "capacity.csv, row 2 (east), column 0: expected a finite number up to 1e+15 [chips], "
            "got 1e+20 (check the unit)",
            id="5.1-17 1e20 for no limit",
        ),
        pytest.param(
            "pools",
            2,
            "usd_per_chip_hour",
            "1650000",
            "pools.csv, row 2 (east), column usd_per_chip_hour: expected a finite number from 0 "
            "to 1e+06 [USD/chip-hour], got 1650000",
            id="5.1-18 price of a million chip-hours",
        ),
        pytest.param(
            "shares",
            2,
            "max",
            "95",
            "shares.csv, row 2 (google-tokens), column max: expected a finite number from 0 to 1 "
            "[fraction], got 95 (a fraction, not a percentage: 0.95?)",
            id="5.1-19 percent for fraction",
        ),
        pytest.param(
            "shares",
            3,
            "max",
            "1.0000001",
            "shares.csv, row 3 (east-compute), column max: expected a finite number from 0 to 1 "
            "[fraction], got 1.0000001",
            id="5.1-20 just above 1",
        ),
        pytest.param("demand", 2, "1", "1,000", f'{DEMAND}"1,000" {PLAIN}', id="5.1-21 thousands"),
        pytest.param("demand", 2, "1", "0,5", f'{DEMAND}"0,5" {PLAIN}', id="5.1-21 decimal comma"),
        pytest.param("demand", 2, "1", "1'000", f'{DEMAND}"1\'000" {PLAIN}', id="5.1-21 quote"),
        pytest.param("demand", 2, "1", "1 000", f'{DEMAND}"1 000" {PLAIN}', id="5.1-21 blank"),
        pytest.param("demand", 2, "1", "$5", f'{DEMAND}"$5" {PLAIN}', id="5.1-21 dollar"),
        pytest.param("demand", 2, "1", "5 €", f'{DEMAND}"5 €" {PLAIN}', id="5.1-21 euro"),
        pytest.param("demand", 2, "1", "0x10", f'{DEMAND}"0x10" {PLAIN}', id="5.1-21 hex"),
        pytest.param("demand", 2, "1", "1_000", f'{DEMAND}"1_000" {PLAIN}', id="5.1-21 underscore"),
        pytest.param(
            "demand", 2, "1", "95 %", f'{DEMAND}"95 %" (write 95 % as 0.95)', id="5.1-21 percent"
        ),
        pytest.param("demand", 2, "1", "2.5M", f'{DEMAND}"2.5M" {PLAIN}', id="5.1-21 suffix"),
        pytest.param("demand", 2, "1", "١٢", f'{DEMAND}"١٢" {PLAIN}', id="5.1-21 arabic digits"),
        pytest.param(
            "demand",
            2,
            "1",
            " 5",
            f'{DEMAND}" 5" (remove the blanks around the number)',
            id="5.1-21 blanks around",
        ),
        pytest.param(
            "workloads",
            3,
            "deadline_periods",
            "3.5",
            "workloads.csv, row 3 (code), column deadline_periods: expected a whole number from "
            '0 to 1e+06 [periods], got "3.5"',
            id="5.1-22 3.5 in an integer column",
        ),
        pytest.param("demand", 2, "1", "", f"{DEMAND}nothing", id="5.1-23 empty demand"),
        pytest.param(
            "routes",
            3,
            "chip_hours_per_mtok",
            "",
            "routes.csv, row 3 (chat), column chip_hours_per_mtok: expected a finite number > 0 "
            "and <= 1e+09 [chip-hours/Mtok], got nothing",
            id="5.1-23 empty rate",
        ),
        pytest.param(
            "workloads",
            4,
            "unserved_usd_per_mtok",
            "",
            "workloads.csv, row 4 (batch), column unserved_usd_per_mtok: expected a finite number "
            "from 0 to 1e+09 [USD/Mtok], got nothing",
            id="5.1-23 empty penalty",
        ),
        pytest.param(
            "workloads",
            2,
            "single_pool",
            "yes",
            'workloads.csv, row 2 (chat), column single_pool: expected true or false, got "yes"',
            id="5.1-21 yes for true",
        ),
    ],
)
def test_refused_number(
    folder: Folder, table: str, row: int, column: str, value: str, problem: str
) -> None:
    assert folder.cell(table, row, column, value).problems() == [problem]


def test_5_1_07_capacity_0_is_accepted(folder: Folder) -> None:
    instance = folder.cell("capacity", 2, "0", "0").read()
    assert instance.capacity_chips[0].tolist() == [0, 8, 8]


def test_5_1_08_demand_0_is_accepted_for_one_and_for_all(folder: Folder) -> None:
    folder.file("demand.csv", "workload,0,1,2\nchat,0,0,0\ncode,0,0,0\nbatch,0,0,0\n")
    assert not folder.read().demand_mtok.any()


def test_5_1_09_minus_zero_becomes_0(folder: Folder) -> None:
    digest = folder.cell("demand", 2, "1", "0").read().digest
    instance = folder.cell("demand", 2, "1", "-0.0").read()
    assert not np.signbit(instance.demand_mtok).any()
    assert instance.digest == digest


def test_5_1_11_range_of_1e_12_to_1e12_is_read_exactly(folder: Folder) -> None:
    folder.cell("routes", 2, "chip_hours_per_mtok", "1e-12").cell("demand", 2, "0", "1e12")
    instance = folder.read()
    assert instance.routes.chip_hours_per_mtok[0] == 1e-12
    assert instance.demand_mtok[0, 0] == 1e12


def test_5_1_12_rate_of_1e_10_is_kept(folder: Folder) -> None:
    folder.cell("routes", 2, "chip_hours_per_mtok", "1e-10")
    assert folder.read().routes.chip_hours_per_mtok[0] == 1e-10


def test_5_1_15_largest_cells_do_not_wrap_when_summed(folder: Folder) -> None:
    folder.file(
        "demand.csv",
        "workload,0,1,2\n"
        + "".join(f"{name},1e15,1e15,1e15\n" for name in ("chat", "code", "batch")),
    )
    assert float(folder.read().demand_mtok.sum()) == 9e15


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("1", 1.0), ("0.95", 0.95)])
def test_5_1_20_shares_of_0_and_1_are_accepted(folder: Folder, text: str, value: float) -> None:
    assert folder.cell("shares", 3, "max", text).read().shares.max[1] == value


@pytest.mark.parametrize("text", ["3.0", "3", "+3", "3e0", "0.3e1", "30E-1", "003"])
def test_5_1_22_whole_numbers_may_be_written_as_floats(folder: Folder, text: str) -> None:
    instance = folder.cell("workloads", 3, "deadline_periods", text).read()
    assert instance.workloads.deadline_periods.tolist() == [0, 3, 2]
    assert instance.workloads.deadline_periods.dtype == np.int64


def test_5_1_23_empty_cells_take_the_documented_default(folder: Folder) -> None:
    instance = folder.read()
    assert instance.routes.usd_per_mtok.tolist() == [0.01, 0, 0, 0]
    assert np.isnan(instance.workloads.ttft_ms).tolist() == [False, True, True]
    assert instance.workloads.single_pool.tolist() == [False, True, False]
    assert instance.pools.status.values() == ["available", "available"]


def test_5_1_23_pool_without_a_price_is_left_out_not_free(folder: Folder) -> None:
    instance = folder.without("prices.csv").cell("pools", 3, "usd_per_chip_hour", "").read()
    assert np.isnan(instance.price_usd_per_chip_hour[1]).all()
    assert instance.left_out.tolist() == [False, True]


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_5_1_21_true_in_any_case(folder: Folder, text: str) -> None:
    instance = folder.cell("workloads", 2, "single_pool", text).read()
    assert instance.workloads.single_pool.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param(
            "-1",
            "expected a finite number >= 0 and <= 1e+15 [USD], got -1",
            id="5.1-04 negative budget",
        ),
        pytest.param(
            "inf",
            "expected a finite number >= 0 and <= 1e+15 [USD], got inf",
            id="5.1-02 infinite budget",
        ),
        pytest.param(
            "nan",
            "expected a finite number >= 0 and <= 1e+15 [USD], got nan",
            id="5.1-01 NaN budget",
        ),
        pytest.param(
            "1e16",
            "expected a finite number >= 0 and <= 1e+15 [USD], got 1e+16",
            id="5.1-17 budget of 1e16",
        ),
        pytest.param(
            "1" + "0" * 400,
            "expected a finite number [USD], got 1000000000000000000000000000000000000...",
            id="5.1-03 whole number that overflows",
        ),
        pytest.param(
            '"1000"', 'expected a finite number [USD], got "1000"', id="5.1-21 text for a number"
        ),
        pytest.param(
            "true", "expected a finite number [USD], got true", id="5.1-21 flag for a number"
        ),
    ],
)
def test_refused_budget(folder: Folder, value: str, problem: str) -> None:
    folder.toml("budget_usd", value)
    assert folder.problems() == [f"instance.toml, limits.budget_usd: {problem}"]


def test_each_cell_gets_the_advice_that_fits_it(folder: Folder) -> None:
    folder.cell("workloads", 2, "unserved_usd_per_mtok", "nan")
    folder.cell("workloads", 3, "unserved_usd_per_mtok", "$15")
    place = "column unserved_usd_per_mtok: expected a finite number from 0 to 1e+09 [USD/Mtok]"
    assert folder.problems() == [
        f'workloads.csv, row 2 (chat), {place}, got "nan" {FINITE}',
        f'workloads.csv, row 3 (code), {place}, got "$15" {PLAIN}',
    ]


def test_low_price_above_the_high_one(folder: Folder) -> None:
    assert folder.cell("pools", 2, "usd_per_chip_hour_low", "2.5").problems() == [
        "pools.csv, row 2 (east), column usd_per_chip_hour_low: expected at most "
        "usd_per_chip_hour_high = 2 [USD/chip-hour], got 2.5"
    ]


def test_share_with_min_above_max_and_share_without_either(folder: Folder) -> None:
    folder.cell("shares", 2, "min", "0.95").cell("shares", 3, "max", "")
    assert folder.problems() == [
        "shares.csv, row 2 (google-tokens): expected min <= max [fraction], got min 0.95, max 0.9",
        "shares.csv, row 3 (east-compute): expected a min, a max, or both, got neither",
    ]

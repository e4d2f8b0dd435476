"""What is shown of how a fleet is run: parts of the cost, replicas, contracts, outages, limits."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import pytest

import optimizer
from optimizer.evaluation.bound import Bound
from optimizer.reports.as_json import summary
from optimizer.reports.as_text import render
from optimizer.result import Result
from optimizer.serving.reading import read
from tests.cli.test_commands import TINY, run

FOLDERS = sorted(path.name for path in TINY.iterdir() if path.is_dir())
BEFORE = ("activation", "capacity", "deadline", "demand", "left_out", "purchase", "residency")
"""Instances without any rule of the fleet."""


@cache
def solved(folder: str) -> Result:
    """Solve a tiny instance once."""
    return optimizer.solve(read(TINY / folder))


def shown(folder: str) -> dict[str, Any]:
    """The object of a tiny instance."""
    return summary(solved(folder))


@pytest.mark.parametrize("folder", FOLDERS)
def test_parts_of_the_cost_add_up_to_it(folder: str) -> None:
    found = shown(folder)
    assert set(found["cost_usd"]) == {
        "reserved", "usage", "contracts", "routes", "startup", "activation", "unserved",
    }  # fmt: skip
    assert sum(found["cost_usd"].values()) == pytest.approx(found["objective_usd"])
    assert sum(found["cost_usd_by_basis"].values()) == pytest.approx(found["objective_usd"])
    fees = found["cost_usd"]["activation"] + found["cost_usd"]["startup"]
    pools = sum(pool["usd"] for pool in found["pools"])
    assert pools + fees + found["cost_usd"]["unserved"] == pytest.approx(found["objective_usd"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_share_of_compute_and_utilisation_are_of_what_is_held(folder: str) -> None:
    found, evaluation = shown(folder), solved(folder).evaluation
    assert evaluation is not None
    used = {pool["pool"]: pool["chip_hours_used"] for pool in found["pools"]}
    assert list(used.values()) == pytest.approx(evaluation.held_chip_hours.sum(axis=1).tolist())
    assert sum(found["share_of_compute"].values()) == pytest.approx(1)


def test_replicas_are_counted_by_model() -> None:
    """By hand in startup/optimum.md: one is in force, then 2 run and 3, so that 2 are started."""
    assert shown("startup")["replicas"] == [
        {"model": "sonnet-class", "peak": 3.0, "mean": 2.5, "starts": 2.0, "stops": 0.0}
    ]
    assert shown("startup")["cost_usd"]["startup"] == pytest.approx(2)
    text = render(solved("startup"))
    assert "starts 2 USD" in text
    assert "replicas      at peak  mean  started\nsonnet-class        3   2.5        2\n" in text


def test_contracts_bought_are_named() -> None:
    found = shown("contracts")
    assert [(row["contract"], row["blocks"], row["max_blocks"]) for row in found["blocks"]] == [
        ("early", 2, 3), ("late", 1, 1),
    ]  # fmt: skip
    paid = found["cost_usd"]["contracts"] + found["cost_usd"]["activation"]
    assert sum(row["usd"] for row in found["blocks"]) == pytest.approx(paid)
    text = render(solved("contracts"))
    assert "contract early: 2 of 3 blocks bought, 4 chips on rented, 11 USD" in text
    assert "contracts 10 USD" in text
    assert "(1 % more blocks)" in text


def test_outages_say_who_takes_over() -> None:
    (row,) = shown("outages")["outages"]
    assert row["outage"] == "aws-lost"
    assert row["reserve_chips"] == pytest.approx(2)
    assert row["failover_mtok"] == pytest.approx(3)
    words = "outage aws-lost (provider AWS): 3 Mtok would be served elsewhere, with 2 chips in"
    assert words in render(solved("outages"))


def test_power_and_budget_say_how_much_is_used() -> None:
    (row,) = shown("power")["power"]
    assert (row["peak_mw"], row["max_mw"]) == pytest.approx((0.003, 0.003))
    assert "power east-feed: 0.003 MW at peak of 0.003 MW" in render(solved("power"))
    budget = shown("budget")["budget"]
    assert (budget["spent_usd"], budget["budget_usd"]) == pytest.approx((10, 10))
    assert "budget: 10 USD spent of 10 USD (100.0 %)" in render(solved("budget"))


def test_limits_over_the_horizon_are_shown_as_such() -> None:
    for folder, family in (("budget", "budget"), ("contracts", "contracts"), ("shares", "shares")):
        rows = shown(folder)["top_shadow_prices"]
        assert [row["periods"] for row in rows if row["family"] == family] == [None]
    by_period = shown("shares_period")["top_shadow_prices"]
    assert all(row["periods"] for row in by_period if row["family"] == "shares")


@pytest.mark.parametrize("folder", BEFORE)
def test_without_such_rules_nothing_more_is_shown(folder: str) -> None:
    found, text = shown(folder), render(solved(folder))
    assert found["replicas"] == found["blocks"] == found["outages"] == found["power"] == []
    assert found["budget"] is None
    for words in ("replicas", "contract", "outage", "power", "budget", "starts "):
        assert words not in text.lower().split("\n\n", 1)[1]
        assert words not in text.split("of it")[1].split("\n")[0]


def test_a_bound_of_the_relaxation_is_told_from_a_claim() -> None:
    result = solved("replicas")
    assert result.evaluation is not None
    told = {}
    for source in ("sweep", "linear relaxation", "highs"):
        bound = Bound(15.0, 0.0, source)
        evaluation = dataclasses.replace(result.evaluation, bound=bound)
        told[source] = render(dataclasses.replace(result, evaluation=evaluation)).split("\n")[3]
    assert told["sweep"].endswith("gap 0.0e+00")
    assert told["linear relaxation"].endswith("(proved by the linear relaxation's duals)")
    assert told["highs"].endswith("(proved by highs, not recomputed)")


def test_nodes_of_the_search_are_counted() -> None:
    result = dataclasses.replace(solved("replicas"), nodes=1234)
    assert summary(result)["nodes"] == 1234
    assert "rows, 1,234 nodes; " in render(result)
    assert "node" not in render(dataclasses.replace(result, nodes=0)).split("variables")[1]


def test_nothing_of_a_fleet_is_shown_without_a_plan() -> None:
    done = run("solve", TINY / "replicas", "--time-limit", "0")
    assert done.returncode == 7
    assert "replicas      at peak" not in done.stdout


def test_greedy_is_offered_with_what_it_did_not_look_at() -> None:
    done = run("solve", TINY / "budget", "--method", "greedy", "-q")
    assert "the budget not looked at" in done.stdout

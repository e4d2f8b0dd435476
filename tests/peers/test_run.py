"""The command runs our own methods as peers, and its records become a table and points."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import run, table
from benchmarks.peers.environments import LISTS, OWN
from benchmarks.peers.instances import case_named
from benchmarks.peers.points import LEAST_GAP, points_of
from benchmarks.peers.registry import PEERS, peer_named
from benchmarks.record import load

ENTRANTS = Path(run.__file__).parent / "entrants"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("peers")
    out = folder / "runs.jsonl"
    where = ["--cache", str(folder / "cache"), "--out", str(out)]
    assert run.main(["price", "direct", "--instances", "tiny", *where]) == 0
    return out


def test_both_methods_prove_the_same(records: Path) -> None:
    price, direct = load(records)
    for one in (price, direct):
        quality = one["quality"]
        assert quality["verified"]
        assert quality["outcome"] == "answer"
        assert abs(quality["relative_gap"]) <= 1e-6
        assert quality["own_bound_usd"] == pytest.approx(quality["bound_usd"], rel=1e-6)
        assert one["peak_rss_mib"] > 50
        assert one["version"].startswith("token-placement-optimizer ")
    assert price["quality"]["cost_usd"] == pytest.approx(direct["quality"]["cost_usd"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "gap", "proof"),
    [
        ("ortools-glop", 1e-9, 1e-9),
        ("ortools-highs", 1e-9, 1e-9),
        ("ortools-pdlp-1e-8", 1e-6, 1e-6),
        ("ortools-glop-periods", 1e-9, 1e-9),
        ("ascent-500", 1e-1, 1e-2),
    ],
)
def test_peers_that_our_own_environment_can_run_are_judged_from_arrays(
    name: str, gap: float, proof: float, records: Path
) -> None:
    cache = records.parent / "cache"
    bench = run.Bench(case_named("tiny"), cache, 2, 120.0, 4096.0)
    made = bench.run(replace(peer_named(name), environment=OWN))
    quality = made["quality"]
    assert quality["outcome"] == "answer"
    assert abs(quality["relative_gap"]) <= gap
    assert quality["own_bound_usd"] == pytest.approx(quality["bound_usd"], rel=proof)
    if not quality["verified"]:
        assert quality["repaired"]["verified"]
        assert -1e-12 <= quality["repaired"]["relative_gap"] <= gap


def test_a_run_past_its_time_has_no_answer(records: Path) -> None:
    bench = run.Bench(case_named("tiny"), records.parent / "cache", 1, 0.0, 4096.0)
    slow = replace(peer_named("ascent-5000"), environment=OWN, options={
        "iterations": 10**9, "gamma_first": 1.0, "gamma_last": 0.5, "levels": 2,
    }, warm=False)  # fmt: skip
    made = bench.run(slow)
    assert made["quality"]["outcome"] == "not done in 0 s"
    assert made["cpu_seconds"] >= 0


def test_the_table_shows_answers_repairs_and_what_was_not_done(records: Path) -> None:
    price, direct = load(records)
    late = json.loads(json.dumps(price)) | {
        "peer": "slow", "quality": {"outcome": "not done in 400 s"}, "version": "x None",
        "cpu_seconds": None,
    }  # fmt: skip
    broken = json.loads(json.dumps(direct)) | {"peer": "broken"}
    broken["quality"] |= {
        "verified": False, "violations": {"capacity": 3}, "worst_excess": 0.52,
        "repaired": direct["quality"],
    }  # fmt: skip
    text = table.of_runs([price, late, broken])
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert "keeps all" in rows["`price`"]
    assert "not done in 400 s" in rows["`slow`"]
    assert "breaks capacity 3" in rows["`broken`"]
    assert "5.2e-01" in rows["`broken`"]
    assert "keeps all" in rows["&nbsp; repaired"]
    assert len({line.count("|") for line in rows.values()}) == 1
    assert text.startswith("### `tiny`: 200 workloads, 20 pools, 1 period, 2,800 routes")


def test_points_take_the_repaired_gap_and_the_limit_where_there_is_no_answer(
    records: Path,
) -> None:
    price, direct = load(records)
    broken: dict[str, Any] = json.loads(json.dumps(direct)) | {"peer": "broken"}
    broken["quality"] |= {
        "verified": False, "relative_gap": -0.1,
        "repaired": {**direct["quality"], "relative_gap": 0.25},
    }  # fmt: skip
    late = price | {"peer": "slow", "quality": {"outcome": "not done"}, "time_limit_s": 7.0}
    found = {point.peer: point for point in points_of([price, broken, late])}
    assert found["price"].gap == pytest.approx(LEAST_GAP, abs=1e-6)
    assert found["price"].raw
    assert (found["broken"].gap, found["broken"].raw) == (0.25, False)
    assert (found["slow"].gap, found["slow"].seconds) == (None, 7.0)


def test_every_peer_has_a_file_and_a_list_of_pinned_packages() -> None:
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    for peer in PEERS:
        assert (ENTRANTS / f"{peer.entrant}.py").exists()
        if peer.environment == OWN:
            continue
        lines = (LISTS / f"{peer.environment}.txt").read_text(encoding="utf-8").splitlines()
        pins = [line for line in lines if not line.startswith("#")]
        assert all("==" in pin for pin in pins)
        assert peer.package.lower() in {pin.split("==")[0].lower() for pin in pins}


def test_names_that_are_none_are_told_with_those_that_are() -> None:
    with pytest.raises(LookupError, match=r"expected one of price, direct, .* got 'gurobi'"):
        peer_named("gurobi")
    with pytest.raises(SystemExit):
        run.main(["price", "--instances", "huge"])

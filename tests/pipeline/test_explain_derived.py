"""Explanations where routes are derived: the reasons of the derivation, and the ways there are."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.explanation.candidates import Candidate, Candidates
from optimizer.explanation.choice_words import choice_words
from optimizer.explanation.derived_routes import Way, refused_pairs, ways_of
from optimizer.explanation.explain import explain
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.select import rows_of
from optimizer.promises import slowed
from optimizer.reports.explain_text import render
from optimizer.serving.derivation import sentence
from optimizer.serving.reading import read_derived
from optimizer.serving.routes import derive
from tests.cli.test_commands import TINY, run
from tests.unit.evaluation.shared_replicas import derived
from tests.unit.evaluation.tightened import too_fast

FRONTIER = Path(__file__).parents[2] / "instances" / "frontier-2026-05"


def asked(instance: Instance, workload: str) -> Candidates:
    found = explain(instance, workload=workload, period=0).candidates
    assert found is not None
    return found


def by_pool(instance: Instance, found: Candidates) -> dict[str, Candidate]:
    return {instance.pools.pool[row.pool]: row for row in found.rows}


def test_the_reason_of_the_derivation_is_told() -> None:
    instance = optimizer.read(TINY / "derived")
    rows = by_pool(instance, asked(instance, "chat"))
    assert rows["far"].obstacle == "time to first token: 200 ms promised, 210 at best (four)"
    assert not rows["far"].open
    rows = by_pool(instance, asked(instance, "mail"))
    assert rows["far"].obstacle == "round trip of 150 ms, at most 100 allowed"
    assert rows["near"].obstacle == ""


def test_every_refused_pair_has_the_words_of_the_derivation_of_all() -> None:
    instance, derivation = read_derived(FRONTIER)
    assert derivation is not None
    stopped = derivation.refusals
    wanted = {
        (int(stopped.workload[row]), int(stopped.pool[row])): sentence(instance, stopped, row)
        for row in range(len(stopped.workload))
    }
    assert len({words.split()[0] for words in wanted.values()}) >= 3
    assert refused_pairs(instance, np.arange(instance.num_workloads)) == wanted
    some = np.array([5, 2])
    assert refused_pairs(instance, some) == {
        pair: words for pair, words in wanted.items() if pair[0] in (2, 5)
    }


def test_given_routes_are_explained_as_ever() -> None:
    instance = optimizer.read(TINY / "residency")
    assert refused_pairs(instance, np.arange(instance.num_workloads)) == {}
    assert ways_of(instance, 0) == ()
    # A table of routes counts, whatever profiles there are beside it.
    both = dataclasses.replace(optimizer.read(TINY / "derived"), origin={"routes": "routes.csv"})
    rows = by_pool(both, asked(both, "chat"))
    assert rows["far"].obstacle == "no row in routes"
    assert asked(both, "chat").ways == ()


def alone(instance: Instance, workload: int, way: Way) -> float:
    """Chip-hours of a way when its profile is the only one; NaN where it is no route then."""
    profiles, chip = instance.profiles, instance.pools.chip[way.pool]
    model = instance.workloads.model[workload]
    same = profiles.configuration.equal(way.configuration) & profiles.model.equal(model)
    only = rows_of(profiles, np.flatnonzero(same & profiles.chip.equal(chip)))
    other = derive(dataclasses.replace(instance, profiles=only))[0].routes
    row = np.flatnonzero((other.workload == workload) & (other.pool == way.pool))
    return float(other.chip_hours_per_mtok[row[0]]) if len(row) else float("nan")


@pytest.mark.parametrize("workload", ["sonnet-agentic-europe", "opus-long-context-us-east"])
def test_each_way_takes_what_it_would_take_as_the_only_one(workload: str) -> None:
    instance = optimizer.read(FRONTIER)
    row = instance.workloads.workload.index(workload)
    ways, routes = ways_of(instance, row), instance.routes
    mine = routes.workload == row
    assert {way.pool for way in ways if way.chosen} == set(routes.pool[mine].tolist())
    assert any(not way.chosen for way in ways)
    seen: dict[tuple[str, str, float], float] = {}
    for way in ways:
        chip = instance.pools.chip[way.pool]
        key = chip, way.configuration, way.chip_hours_per_mtok
        if key not in seen:
            seen[key] = alone(instance, row, way)
        assert way.chip_hours_per_mtok == pytest.approx(seen[key], rel=1e-6, nan_ok=True)
        if way.chosen:
            (at,) = np.flatnonzero(mine & (routes.pool == way.pool))
            assert way.chip_hours_per_mtok == pytest.approx(routes.chip_hours_per_mtok[at])
            assert way.slower == 1.0
            assert way.bound_by in ("ttft", "tpot", "throughput")


def test_a_way_that_misses_the_promise_says_by_how_much() -> None:
    instance = optimizer.read(TINY / "derived")
    far = [way for way in ways_of(instance, 0) if instance.pools.pool[way.pool] == "far"]
    assert {way.configuration: way.why_not for way in far} == {
        "one": "time to first token: 200 ms promised, 250 at best",
        "four": "time to first token: 200 ms promised, 210 at best",
    }
    assert not any(way.chosen for way in far)


def test_memory_and_missing_profiles_are_told() -> None:
    instance = derived()
    pools = dataclasses.replace(instance.pools, chip=Labels.of(["unheard of"]))
    bare = derive(dataclasses.replace(instance, pools=pools))[0]
    found = explain(bare, workload="w0", period=0)
    assert found.candidates is not None
    (row,) = found.candidates.rows
    assert row.obstacle == "no profile of m on unheard of"
    assert found.candidates.ways == ()
    # Tokens that no pool is open to have the reasons too.
    assert found.unserved is not None
    assert {told.cause for told in found.unserved.rows} == {"closed"}
    assert all(
        told.closed == (("p", "no profile of m on unheard of"),) for told in found.unserved.rows
    )
    assert "p: no profile of m on unheard of" in render(found)


def test_a_plan_made_with_slower_routes_says_by_how_much() -> None:
    instance = derived()
    own = slowed(instance, np.array([1.25, 1.0]))
    plan = optimizer.solve(own, keep_promises=False).plan
    found = explain(own, plan, workload="w0", period=0)
    assert found.candidates is not None
    (row,), (way,) = found.candidates.rows, found.candidates.ways
    assert way.slower == pytest.approx(1.25)
    assert row.chip_hours_per_mtok == pytest.approx(1.25 * way.chip_hours_per_mtok)
    words = choice_words(own, found.candidates)
    assert "On p it runs as tp4" in words
    assert "tightened, it counts for 1.25 x the chip-hours" in words
    assert "chosen; tightened, the plan counts 1.25 x these chip-hours" in render(found)
    other = explain(own, plan, workload="w1", period=0).candidates
    assert other is not None
    assert other.ways[0].slower == 1.0
    assert "tightened" not in choice_words(own, other)


def test_without_a_plan_it_is_the_one_that_solve_gives_tightened_and_all() -> None:
    instance = too_fast()
    solved = optimizer.solve(instance)
    assert solved.tightening_rounds >= 1
    found = explain(instance)
    assert found.evaluation is not None
    assert found.evaluation.objective_usd == pytest.approx(solved.objective_usd)
    np.testing.assert_allclose(
        found.instance.routes.chip_hours_per_mtok, solved.instance.routes.chip_hours_per_mtok
    )
    assert any("promises were tight" in note for note in found.notes)


def test_the_command_line_shows_ways_and_reasons() -> None:
    done = run("explain", TINY / "derived", "-q", "--workload", "docs", "--period", 0)
    assert done.returncode == 0, done.stderr
    assert "ways to run docs by the profiles: the fewest chip-hours, nothing being" in done.stdout
    assert "measured  takes 1.6 x the chip-hours" in done.stdout
    assert "On far it runs as one, 4 requests/s per replica of 1 chip" in done.stdout
    told = json.loads(
        run("explain", TINY / "derived", "--workload", "docs", "--period", 0, "--json").stdout
    )["candidates"]
    assert [row["configuration"] for row in told["rows"]] == ["one", "one"]
    assert [(way["pool"], way["configuration"], way["chosen"]) for way in told["ways"]] == [
        ("near", "one", True),
        ("far", "one", True),
        ("far", "four", False),
    ]
    given = run("explain", TINY / "capacity", "-q", "--workload", "chat", "--period", 0)
    assert "ways to run" not in given.stdout

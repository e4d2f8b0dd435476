"""Instance to arrays to program to plan: nothing is lost on the way."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.answer import Answer, Clock, joined
from benchmarks.peers.child import tiny, worked
from benchmarks.peers.conversion import plan_of, transport_of
from benchmarks.peers.statement import Statement
from benchmarks.peers.transport import Transport
from benchmarks.peers.verdict import bound_at
from optimizer.errors import UnsupportedError
from optimizer.evaluation.evaluate import evaluate
from optimizer.instance.generate import generate
from optimizer.instance.read import read
from tests.peers import linear

TINY = Path(__file__).parents[2] / "instances" / "tiny"


@pytest.mark.parametrize(("name", "usd"), [("capacity", 284.0), ("demand", 141.0)])
def test_the_program_has_the_known_optimum_and_its_duals_prove_it(name: str, usd: float) -> None:
    instance = read(TINY / name)
    answer = linear.answer_of(transport_of(instance))
    verdict = evaluate(instance, plan_of(instance, answer))
    assert verdict.verified, verdict.violation_counts
    assert verdict.objective_usd == pytest.approx(usd, rel=1e-12)
    assert bound_at(instance, answer) == pytest.approx(usd, rel=1e-9)


def test_periods_alone_and_periods_laid_out_side_by_side_are_the_same_problem() -> None:
    instance = generate(workloads=12, pools=4, periods=5, seed=3)
    given = transport_of(instance)
    whole = linear.answer_of(given)
    parts = joined([linear.answer_of(given.period(t)) for t in range(given.num_periods)])
    flat = linear.answer_of(given.flat())
    beside = Answer(
        "optimal",
        flat.placed.reshape(given.num_periods, -1).T,
        flat.given_up.reshape(given.num_periods, -1).T,
    )
    costs = [
        evaluate(instance, plan_of(instance, each)).objective_usd for each in (whole, parts, beside)
    ]
    assert costs == pytest.approx([costs[0]] * 3, rel=1e-9)
    assert all(
        evaluate(instance, plan_of(instance, each)).verified for each in (whole, parts, beside)
    )
    assert bound_at(instance, parts) == pytest.approx(costs[0], rel=1e-9)


def test_a_part_holds_its_workloads_and_their_routes() -> None:
    given = transport_of(generate(workloads=9, pools=4, periods=2, seed=5))
    mine = np.array([7, 2])
    part = given.part(mine, given.capacity / 2)
    assert np.array_equal(part.demand, given.demand[mine])
    for place, workload in enumerate(mine):
        here = slice(part.first[place], part.first[place + 1])
        there = slice(given.first[workload], given.first[workload + 1])
        assert np.array_equal(part.pool[here], given.pool[there])
        assert np.array_equal(part.hours[here], given.hours[there])
    assert np.array_equal(part.capacity * 2, given.capacity)


def test_rows_of_the_matrix_are_its_columns_seen_from_the_side() -> None:
    stated = Statement.of(transport_of(generate(workloads=6, pools=3, periods=2, seed=1)))
    by_column = np.zeros((stated.num_rows, stated.num_columns))
    by_row = by_column.copy()
    columns = np.repeat(np.arange(stated.num_columns), np.diff(stated.starts))
    by_column[stated.rows, columns] = stated.values
    starts, where, values = stated.by_rows()
    by_row[np.repeat(np.arange(stated.num_rows), np.diff(starts)), where] = values
    assert np.array_equal(by_row, by_column)
    assert np.count_nonzero(by_column) == len(stated.values)


def test_arrays_and_answers_come_back_from_their_files(tmp_path: Path) -> None:
    given = transport_of(generate(workloads=6, pools=3, periods=2, seed=1))
    given.save(tmp_path / "given.npz")
    again = Transport.load(tmp_path / "given.npz")
    for entry in fields(Transport):
        assert np.array_equal(getattr(again, entry.name), getattr(given, entry.name))
    answer = Answer("Optimal", given.cost, given.demand, None, {"iterations": 3})
    answer.save(tmp_path / "answer.npz")
    back = Answer.load(tmp_path / "answer.npz")
    assert (back.claim, back.prices, back.notes) == ("Optimal", None, {"iterations": 3})
    assert np.array_equal(back.placed, given.cost)


def test_rules_that_peers_are_not_told_of_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="deadline"):
        transport_of(read(TINY / "deadline"))
    with pytest.raises(UnsupportedError, match="residency"):
        transport_of(read(TINY / "residency"))
    with pytest.raises(UnsupportedError, match="pools left out"):
        transport_of(read(TINY / "left_out"))


def test_a_child_works_through_all_periods() -> None:
    class Entrant:
        @staticmethod
        def run(given: Transport, options: dict[str, float], clock: Clock) -> Answer:
            assert given.num_periods == 1
            with clock.phase("solve"):
                return linear.answer_of(given)

    given = transport_of(generate(workloads=8, pools=3, periods=3, seed=2))
    clock = Clock()
    found = worked(Entrant, given, {}, clock, by_period=True)
    assert found.placed.shape == (given.num_routes, 3)
    assert found.prices is not None
    assert found.prices.shape == given.capacity.shape
    assert clock.seconds["solve"] > 0


def test_the_tiny_problem_of_the_warm_up_fills_a_pool() -> None:
    given = tiny()
    answer = linear.answer_of(given)
    load = np.bincount(given.pool, given.hours * answer.placed[:, 0], given.num_pools)
    assert load[0] == pytest.approx(given.capacity[0, 0])

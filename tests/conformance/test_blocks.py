"""A program solved part by part is the program solved as a whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import bmat, csr_matrix
from scipy.sparse.csgraph import connected_components

from optimizer.program import Basis, Program, ProgramBuilder
from optimizer.solvers.base import Outcome, Reason
from optimizer.solvers.blocks import Part, empty_rows_hold, join, split, worst
from optimizer.solvers.glop import Glop
from tests.conformance.cases import INF, program, transport
from tests.conformance.certificate import dual_bound, matrix, worst_violation

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=150)


@st.composite
def programs(draw: st.DrawFn, *, bounded: bool = True) -> Program:
    """Random sparse programs, many of which fall apart; rows may be empty."""
    columns, rows = draw(st.integers(1, 12)), draw(st.integers(0, 10))
    whole = st.integers(-3, 3).map(float)
    cells = st.tuples(st.integers(0, max(rows - 1, 0)), st.integers(0, columns - 1))
    places = draw(st.lists(cells, max_size=2 * columns, unique=True)) if rows else []
    builder = ProgramBuilder()
    x = builder.columns(
        "x",
        columns,
        cost=draw(st.lists(whole, min_size=columns, max_size=columns)),
        upper=5.0 if bounded else INF,
    )
    lower = np.array(draw(st.lists(whole, min_size=rows, max_size=rows)), float)
    width = np.array(draw(st.lists(st.integers(0, 9), min_size=rows, max_size=rows)), float)
    r = builder.rows("r", rows, lower=lower, upper=lower + width)
    for row, column in places:
        builder.add(r[row], x[column], draw(whole))
    return builder.build(draw(whole))


def solved_in_parts(whole: Program, least_columns: int) -> tuple[list[Part], Outcome]:
    parts = split(whole, least_columns)
    return parts, join(whole, parts, [Glop(keep_basis=True).solve(p.program) for p in parts])


@STEADY
@given(programs(), st.integers(1, 8))
def test_parts_together_are_the_whole(whole: Program, least_columns: int) -> None:
    """Same verdict, same cost, values that fit, duals that prove the cost of the whole."""
    expected = Glop().solve(whole)
    _, joined = solved_in_parts(whole, least_columns)
    assert joined.reason is expected.reason
    if joined.reason is not Reason.OPTIMAL:
        return
    assert joined.values is not None
    assert joined.duals is not None
    assert expected.values is not None
    cost = float(whole.cost @ joined.values)
    assert cost == pytest.approx(float(whole.cost @ expected.values), abs=1e-7)
    assert worst_violation(whole, joined.values) <= 1e-9
    assert dual_bound(whole, joined.duals, 1e-9) == pytest.approx(cost, abs=1e-7)
    assert joined.basis is not None
    again = Glop().solve(whole, None, joined.basis)
    assert again.reason is Reason.OPTIMAL
    assert again.iterations == 0


@STEADY
@given(programs(), st.integers(1, 8))
def test_every_column_and_row_is_in_one_part(whole: Program, least_columns: int) -> None:
    """Nothing is lost, nothing doubled, no entry crosses, groups are as large as asked."""
    parts = split(whole, least_columns)
    columns = np.concatenate([part.columns for part in parts])
    assert sorted(columns.tolist()) == list(range(whole.num_columns))
    rows = np.concatenate([part.rows for part in parts])
    filled = np.flatnonzero(np.diff(whole.starts) > 0)
    assert sorted(rows.tolist()) == filled.tolist()
    dense = matrix(whole)
    for part in parts:
        piece = dense[part.rows]
        assert matrix(part.program).tolist() == piece[:, part.columns].tolist()
        outside = np.setdiff1d(np.arange(whole.num_columns), part.columns)
        assert not piece[:, outside].any()
        assert part.program.cost.tolist() == whole.cost[part.columns].tolist()
        assert part.program.upper.tolist() == whole.upper[part.columns].tolist()
        assert part.program.row_lower.tolist() == whole.row_lower[part.rows].tolist()
        assert part.program.row_upper.tolist() == whole.row_upper[part.rows].tolist()
    assert [part.columns[0] for part in parts] == sorted(part.columns[0] for part in parts)
    if len(parts) > 1:
        assert all(len(part.columns) >= least_columns // 2 for part in parts)


@STEADY
@given(programs())
def test_smallest_parts_are_the_connected_components(whole: Program) -> None:
    """Those of the graph of rows and columns, as scipy finds them; lone columns count."""
    parts = split(whole, 1)
    pattern = csr_matrix(matrix(whole) != 0)
    graph = bmat([[None, pattern], [pattern.T, None]]) if whole.num_rows else None
    if graph is None:
        labels = np.arange(whole.num_columns)
    else:
        labels = connected_components(graph, directed=False)[1][whole.num_rows :]
    theirs = {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels)}
    assert {frozenset(part.columns.tolist()) for part in parts} == theirs


def blocks(count: int, *, linked: bool = False) -> Program:
    """Independent rows of three columns each, and perhaps one row over all."""
    builder = ProgramBuilder()
    x = builder.columns("x", 3 * count, cost=np.arange(3.0 * count) + 1).reshape(count, 3)
    builder.add(builder.rows("block", count, lower=1.0)[:, None], x, 1.0)
    if linked:
        builder.add(builder.rows("link", 1, upper=1e9), x.ravel(), 1.0)
    return builder.build()


def test_one_linking_row_makes_one_part() -> None:
    assert len(split(blocks(40), 1)) == 40
    assert len(split(blocks(40, linked=True), 1)) == 1


@pytest.mark.parametrize(
    ("least", "sizes"),
    [(1, [3] * 5), (4, [6, 6, 3]), (6, [6, 6, 3]), (7, [9, 6]), (12, [15]), (99, [15])],
)
def test_small_parts_are_handed_over_together(least: int, sizes: list[int]) -> None:
    """Neighbours join until they are large enough; a rest below half of that joins the last."""
    assert [part.program.num_columns for part in split(blocks(5), least)] == sizes


@pytest.mark.parametrize(
    ("lower", "upper", "holds"),
    [(-INF, 0.0, True), (0.0, INF, True), (-1.0, 1.0, True), (1e-9, 1.0, False), (-2.0, -1, False)],
)
def test_row_without_entries_is_judged_by_itself(lower: float, upper: float, holds: bool) -> None:
    whole = program((1.0, 1.0), [(1, (1, 0), INF), (lower, (0, 0), upper)])
    assert empty_rows_hold(whole) is holds
    parts, joined = solved_in_parts(whole, 1)
    assert [len(part.rows) for part in parts] == [1, 0]
    assert joined.reason is (Reason.OPTIMAL if holds else Reason.INFEASIBLE)
    if holds:
        assert joined.duals is not None
        assert joined.duals.tolist() == [1.0, 0.0]


def test_constant_of_the_whole_is_in_no_part() -> None:
    whole = program((1.0,), offset=5.0)
    assert [part.program.offset for part in split(whole)] == [0.0]


def test_worst_reason_wins_and_gives_its_words() -> None:
    whole = blocks(3)
    parts = split(whole, 1)
    sound = Glop(keep_basis=True).solve(parts[0].program)
    limit = Outcome(Reason.TIME_LIMIT, detail="not started")
    crash = Outcome(Reason.CRASHED, detail="SIGSEGV")
    joined = join(whole, parts, [sound, limit, crash])
    assert (joined.reason, joined.detail) == (Reason.CRASHED, "SIGSEGV")
    assert joined.values is None
    assert joined.duals is None
    assert joined.basis is None


def test_every_reason_has_a_severity() -> None:
    assert worst(Reason) is Reason.INFEASIBLE
    assert worst([Reason.OPTIMAL, Reason.TIME_LIMIT]) is Reason.TIME_LIMIT


def test_counts_add_up() -> None:
    whole = blocks(2)
    parts = split(whole, 1)
    sound = Glop().solve(parts[0].program)
    outcomes = [
        Outcome(
            Reason.OPTIMAL, sound.values, sound.duals, None, "", 0.25 * (k + 1), 10 * k, nodes=k + 3
        )
        for k in range(2)
    ]
    joined = join(whole, parts, outcomes)
    assert math.isclose(joined.seconds, 0.75)
    assert joined.iterations == 10
    assert joined.nodes == 7


def test_start_of_the_whole_is_cut_for_its_parts() -> None:
    """The basis of the whole, cut along the parts, is a basis of each."""
    whole = blocks(4)
    basis = Glop(keep_basis=True).solve(whole).basis
    assert basis is not None
    for part in split(whole, 1):
        start = Basis(basis.columns[part.columns], basis.rows[part.rows])
        outcome = Glop().solve(part.program, None, start)
        assert (outcome.reason, outcome.iterations) == (Reason.OPTIMAL, 0)


def test_transport_is_one_part() -> None:
    assert len(split(transport(5, 6), 1)) == 1

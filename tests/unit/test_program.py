"""Programs built in blocks are the programs one would write down."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.program import INFINITY, Block, ProgramBuilder
from tests.conformance.certificate import matrix

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=100)


@STEADY
@given(st.lists(st.integers(0, 3), max_size=4), st.lists(st.integers(0, 3), max_size=4), st.data())
def test_blocks_are_the_dense_program(
    column_counts: list[int], row_counts: list[int], data: st.DataObject
) -> None:
    """Blocks of any size, some empty, filled cell by cell in any order."""
    builder = ProgramBuilder()
    cells = st.integers(-2, 2).map(float)
    cost: list[float] = []
    columns = []
    for number, count in enumerate(column_counts):
        usd = data.draw(st.lists(cells, min_size=count, max_size=count))
        columns.append(builder.columns(f"c{number}", count, cost=usd, upper=float(number)))
        cost += usd
    sides: list[float] = []
    rows = []
    for number, count in enumerate(row_counts):
        low = data.draw(st.lists(cells, min_size=count, max_size=count))
        rows.append(builder.rows(f"r{number}", count, lower=low))
        sides += low
    n, m = len(cost), len(sides)
    dense = np.zeros((m, n))
    places = [(r, c) for r in range(m) for c in range(n)]
    for r, c in data.draw(st.permutations(places)) if places else []:
        dense[r, c] = data.draw(cells)
        builder.add(r, c, dense[r, c])
    program = builder.build(2.5)
    assert matrix(program).tolist() == dense.tolist()
    assert (program.values != 0).all()
    assert program.num_entries == np.count_nonzero(dense)
    assert (program.num_columns, program.num_rows, program.offset) == (n, m, 2.5)
    assert program.cost.tolist() == cost
    assert program.row_lower.tolist() == sides
    assert program.row_upper.tolist() == [INFINITY] * m
    assert program.lower.tolist() == [0.0] * n
    assert [block.end - block.begin for block in program.cols] == column_counts
    assert [block.end - block.begin for block in program.rows] == row_counts
    joined = [int(c) for block in columns for c in block]
    assert joined == list(range(n))
    upper = [float(k) for k, count in enumerate(column_counts) for _ in range(count)]
    assert program.upper.tolist() == upper


def test_entries_are_broadcast_against_each_other() -> None:
    """Rows down, columns across, one value for all; and a value per column."""
    builder = ProgramBuilder()
    x = builder.columns("x", 6).reshape(2, 3)
    r, s = builder.rows("r", 2), builder.rows("s", 1)
    builder.add(r[:, None], x, 1.0)
    builder.add(s, x[0], [5.0, 0.0, 7.0])
    program = builder.build()
    assert matrix(program).tolist() == [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [5, 0, 7, 0, 0, 0]]
    assert program.num_entries == 8


def test_blocks_are_named_in_their_order() -> None:
    builder = ProgramBuilder()
    builder.columns("place", 2)
    builder.columns("unserved", 3)
    builder.rows("demand", 1)
    program = builder.build()
    assert program.cols == (Block("place", 0, 2), Block("unserved", 2, 5))
    assert program.rows == (Block("demand", 0, 1),)


def test_nothing_is_a_program() -> None:
    program = ProgramBuilder().build()
    assert (program.num_columns, program.num_rows, program.num_entries) == (0, 0, 0)
    assert program.starts.tolist() == [0]


def test_arrays_have_the_types_that_solvers_take() -> None:
    builder = ProgramBuilder()
    x, r = builder.columns("x", 2, cost=1), builder.rows("r", 2, lower=1)
    builder.add(r, x, 2)
    program = builder.build()
    assert program.starts.dtype == np.int64
    assert program.columns.dtype == np.int32
    for array in (program.cost, program.lower, program.upper, program.values, program.row_lower):
        assert array.dtype == np.float64
        assert array.flags.c_contiguous


@pytest.mark.parametrize("cost", [[1.0, 2.0], [[1.0], [2.0], [3.0]]])
def test_wrong_length_is_refused(cost: list[float]) -> None:
    with pytest.raises(ValueError, match=r"broadcast|dimensions"):
        ProgramBuilder().columns("x", 3, cost=cost)

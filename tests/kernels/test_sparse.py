"""Sparse matrices: row order, connected parts, chosen rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.kernels.sparse import connected_parts, rows_to_csr, take_rows
from tests.kernels import naive
from tests.kernels.steady import STEADY


@st.composite
def entries(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    """Rows, columns and values of distinct places in any order, some zero; and the shape."""
    rows, columns = draw(st.integers(0, 7)), draw(st.integers(0, 7))
    places = st.tuples(st.integers(0, max(rows - 1, 0)), st.integers(0, max(columns - 1, 0)))
    most = 12 if rows and columns else 0
    drawn = draw(st.lists(places, max_size=most, unique=True))
    values = [draw(st.sampled_from((0.0, -0.0, 1.0, -2.5, 1e-300, np.inf))) for _ in drawn]
    r = np.array([place[0] for place in drawn], np.int32)
    c = np.array([place[1] for place in drawn], np.int32)
    return r, c, np.array(values, float), rows, columns


@STEADY
@given(entries())
def test_rows_to_csr(drawn: tuple[np.ndarray, np.ndarray, np.ndarray, int, int]) -> None:
    r, c, v, rows, _ = drawn
    starts, columns, values = rows_to_csr(r, c, v, rows)
    expected = naive.rows_to_csr(r, c, v, rows)
    assert (starts.tolist(), columns.tolist(), values.tolist()) == expected
    assert (starts.dtype, columns.dtype, values.dtype) == (np.int64, np.int32, np.float64)


def test_two_entries_at_one_place_stay_two_in_their_order() -> None:
    r, c = np.array([0, 1, 0], np.int32), np.array([1, 0, 1], np.int32)
    starts, columns, values = rows_to_csr(r, c, np.array([5.0, 7.0, 4.0]), 2)
    assert (starts.tolist(), columns.tolist(), values.tolist()) == ([0, 2, 3], [1, 1, 0], [5, 4, 7])


@STEADY
@given(entries())
def test_connected_parts(drawn: tuple[np.ndarray, np.ndarray, np.ndarray, int, int]) -> None:
    r, c, v, rows, num_columns = drawn
    starts, columns, _ = rows_to_csr(r, c, v, rows)
    part, row_part = connected_parts(starts, columns, num_columns)
    expected = naive.connected_parts(starts, columns, num_columns)
    assert (part.tolist(), row_part.tolist()) == expected


@pytest.mark.parametrize("backwards", [False, True])
def test_long_chain_is_one_part(backwards: bool) -> None:
    """Rows of neighbours in either order: the worst case for a union by smallest index."""
    size = 3000
    first = np.arange(size - 1, dtype=np.int32)
    pairs = np.stack([first, first + 1], axis=1)
    columns = np.ascontiguousarray(pairs[::-1] if backwards else pairs).ravel()
    part, row_part = connected_parts(np.arange(0, 2 * size - 1, 2), columns, size)
    assert set(part.tolist()) == set(row_part.tolist()) == {0}


@STEADY
@given(entries(), st.data())
def test_take_rows(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray, int, int], data: st.DataObject
) -> None:
    r, c, v, rows, num_columns = drawn
    starts, columns, values = rows_to_csr(r, c, v, rows)
    kept = st.lists(st.integers(0, rows - 1), max_size=5) if rows else st.just([])
    chosen = np.array(data.draw(kept), np.int64)
    new_column = np.array(data.draw(st.permutations(range(num_columns))), np.int32)
    found = take_rows(starts, columns, values, chosen, new_column)
    expected = naive.take_rows(starts, columns, values, chosen, new_column)
    assert tuple(array.tolist() for array in found) == expected

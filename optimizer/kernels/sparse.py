"""Kernels on sparse matrices: entries into row order, connected parts, sub-matrices.

Letters: k = entries, m = rows, n = columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.kernels.jit import kernel

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Long = NDArray[np.int64]


def rows_to_csr(
    rows: Index, columns: Index, values: Float, num_rows: int
) -> tuple[Long, Index, Float]:
    """Entries in any order -> (m + 1,) row starts, (k,) columns, (k,) values.

    Within a row the columns ascend. Entries that are zero are dropped; two entries at one
    place are an error of the caller and stay two.
    """
    num_columns = int(columns.max()) + 1 if len(columns) else 0
    by_column = stable_order(columns, num_columns)
    starts, ordered, kept = _gather(rows, columns, values, by_column, num_rows)
    return starts, ordered, kept


@kernel
def stable_order(keys, size):  # type: ignore[no-untyped-def]
    """(k,) positions that sort the keys, stable: one counting pass."""
    counts = np.zeros(size + 1, np.int64)
    for key in keys:
        counts[key + 1] += 1
    for key in range(size):
        counts[key + 1] += counts[key]
    order = np.empty(len(keys), np.int32)
    for position in range(len(keys)):
        key = keys[position]
        order[counts[key]] = position
        counts[key] += 1
    return order


@kernel
def _gather(rows, columns, values, order, num_rows):  # type: ignore[no-untyped-def]
    """Second counting pass, by row, over entries that are sorted by column."""
    starts = np.zeros(num_rows + 1, np.int64)
    for position in range(len(rows)):
        if values[position] != 0.0:
            starts[rows[position] + 1] += 1
    for row in range(num_rows):
        starts[row + 1] += starts[row]
    fill = starts.copy()
    ordered = np.empty(starts[num_rows], np.int32)
    kept = np.empty(starts[num_rows], np.float64)
    for position in order:
        if values[position] != 0.0:
            slot = fill[rows[position]]
            fill[rows[position]] = slot + 1
            ordered[slot] = columns[position]
            kept[slot] = values[position]
    return starts, ordered, kept


@kernel
def connected_parts(starts, columns, num_columns):  # type: ignore[no-untyped-def]
    """(n,) part of each column and (m,) part of each row; parts are numbered from 0.

    Two columns are in one part when a chain of rows connects them: union-find with path
    halving, the smaller index as the root, so that parts are numbered by first column. A
    row without entries has part -1.
    """
    parent = np.arange(num_columns)
    num_rows = len(starts) - 1
    for row in range(num_rows):
        begin, end = starts[row], starts[row + 1]
        if begin == end:
            continue
        root = columns[begin]
        while parent[root] != root:
            parent[root] = parent[parent[root]]
            root = parent[root]
        for entry in range(begin + 1, end):
            other = columns[entry]
            while parent[other] != other:
                parent[other] = parent[parent[other]]
                other = parent[other]
            if other < root:
                parent[root] = other
                root = other
            elif root < other:
                parent[other] = root
    part = np.empty(num_columns, np.int64)
    count = 0
    for column in range(num_columns):
        if parent[column] == column:
            part[column] = count
            count += 1
        else:
            # The root is the smallest column of its part, so its number is known.
            root = parent[column]
            while parent[root] != root:
                root = parent[root]
            parent[column] = root
            part[column] = part[root]
    row_part = np.full(num_rows, -1)
    for row in range(num_rows):
        if starts[row] < starts[row + 1]:
            row_part[row] = part[columns[starts[row]]]
    return part, row_part


@kernel
def take_rows(starts, columns, values, rows, new_column):  # type: ignore[no-untyped-def]
    """Entries of some rows with columns renumbered: starts, columns, values."""
    taken = np.zeros(len(rows) + 1, np.int64)
    for position in range(len(rows)):
        row = rows[position]
        taken[position + 1] = taken[position] + starts[row + 1] - starts[row]
    out_columns = np.empty(taken[len(rows)], np.int32)
    out_values = np.empty(taken[len(rows)], np.float64)
    for position in range(len(rows)):
        slot = taken[position]
        for entry in range(starts[rows[position]], starts[rows[position] + 1]):
            out_columns[slot] = new_column[columns[entry]]
            out_values[slot] = values[entry]
            slot += 1
    return taken, out_columns, out_values

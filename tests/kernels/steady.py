"""How the random tests of the kernels run: the same examples every time, in little time."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

STEADY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow],
)

# Whole numbers tie often, thirds are rounded, infinities stand for what cannot be used.
TIES = st.integers(0, 3).map(float)
THIRDS = st.integers(-30, 30).map(lambda count: count / 3)


def matrix(
    rows: int, columns: int, cells: st.SearchStrategy[float]
) -> st.SearchStrategy[NDArray[np.float64]]:
    """Matrices of a shape, either axis possibly empty."""
    lines = st.lists(cells, min_size=rows * columns, max_size=rows * columns)
    return lines.map(lambda line: np.array(line, float).reshape(rows, columns))


def vector(size: int, cells: st.SearchStrategy[float]) -> st.SearchStrategy[NDArray[np.float64]]:
    """Vectors of a size."""
    return st.lists(cells, min_size=size, max_size=size).map(lambda line: np.array(line, float))


def indices(
    size: int, below: int, dtype: type[np.integer] = np.int32
) -> st.SearchStrategy[NDArray[np.integer]]:
    """Vectors of positions below a number, which must not be 0 unless the size is."""
    cells = st.integers(0, max(below - 1, 0))
    return st.lists(cells, min_size=size, max_size=size).map(lambda line: np.array(line, dtype))

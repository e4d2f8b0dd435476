"""Numbers in the cells of a trace."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

MAX_TOKENS = 1e9
"""Most tokens that one request may have; more is a mistake."""
MAX_COUNT = 1e15
"""Most requests in one row."""

TOKENS = "a whole number from 0 to 1e+09"
COUNT = "a whole number from 0 to 1e+15"
MEAN_TOKENS = "a number from 0 to 1e+09"

Column = tuple[NDArray[np.float64], NDArray[np.bool_]]


def whole_numbers(texts: pl.Series, most: float) -> Column:
    """Whole numbers from 0 to ``most``, and which cells hold one; the others are 0."""
    values, good = numbers(texts, most)
    good &= values == np.floor(values)
    return np.where(good, values, 0.0), good


def numbers(texts: pl.Series, most: float) -> Column:
    """Numbers from 0 to ``most``, and which cells hold one; the others are 0."""
    values = texts.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    good = (values >= 0) & (values <= most)  # false for NaN
    return np.where(good, values, 0.0), good

"""Bends of pools as bends of rows, against the product with the matrix of rows."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.kernels.row_bends import row_bends


@pytest.mark.parametrize("seed", range(10))
def test_row_bends(seed: int) -> None:
    dice = np.random.default_rng(seed)
    periods, pools, rows = 3, int(dice.integers(1, 5)), int(dice.integers(1, 9))
    pool = dice.integers(0, pools, rows)
    counts = dice.random(rows) * (dice.random(rows) < 0.7)
    bend = dice.standard_normal((periods, pools, pools))
    total = dice.standard_normal((periods, rows, rows))
    matrix = np.zeros((rows, pools))
    matrix[np.arange(rows), pool] = counts
    expected = total + np.einsum("ip,tpq,jq->tij", matrix, bend, matrix)
    row_bends(pool, counts, bend, total)
    assert total == pytest.approx(expected, rel=1e-12, abs=1e-12)

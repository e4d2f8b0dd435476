"""The bound that multipliers prove, whatever they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.program import Program, ProgramBuilder
from optimizer.solvers.safe_bound import safe_bound


def transport() -> Program:
    """min x + 2 y, x + y = 3, x <= 1 as a row, 0 <= x, y <= 3: x = 1, y = 2, cost 5."""
    builder = ProgramBuilder()
    x = builder.columns("x", 2, cost=[1.0, 2.0], upper=3.0)
    rows = builder.rows("r", 2, lower=[3.0, -math.inf], upper=[3.0, 1.0])
    builder.add(rows[[0, 0, 1]], x[[0, 1, 0]], 1.0)
    return builder.build()


def test_right_duals_prove_the_optimum() -> None:
    """Multipliers 2 and -1: 2 x 3 - 1 x 1 = 5, and no reduced cost is left."""
    bound = safe_bound(transport(), np.array([2.0, -1.0]))
    assert bound <= 5.0
    assert bound == pytest.approx(5.0, rel=1e-12)


def test_no_duals_prove_what_the_columns_alone_do() -> None:
    assert safe_bound(transport(), np.zeros(2)) == pytest.approx(0.0, abs=1e-12)


@settings(deadline=None, derandomize=True, database=None, max_examples=200)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2))
def test_wrong_duals_prove_less(duals: list[float]) -> None:
    """Also one that asks for the lower limit of a row that has none: it counts as 0."""
    assert safe_bound(transport(), np.array(duals)) <= 5.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_a_number_proves_nothing(bad: float) -> None:
    assert safe_bound(transport(), np.array([bad, 0.0])) == -math.inf


def test_columns_without_a_limit_prove_nothing() -> None:
    builder = ProgramBuilder()
    x = builder.columns("x", 1, cost=1.0)
    builder.add(builder.rows("r", 1, lower=1.0), x, 1.0)
    assert safe_bound(builder.build(), np.ones(1)) == -math.inf

"""Scaling changes what a solver sees and nothing of what it means."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import InternalError, UnsupportedError
from optimizer.program import Program
from optimizer.solvers.scaling import LOST, WIDE, scale
from tests.conformance.cases import INF, program
from tests.conformance.certificate import matrix

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=100)


def sized(low: int, high: int) -> st.SearchStrategy[float]:
    """Numbers of both signs with sizes from 10**low to 10**high."""
    parts = st.tuples(st.sampled_from((-1.0, 1.0)), st.floats(1, 9), st.integers(low, high))
    return parts.map(lambda part: part[0] * part[1] * 10.0 ** part[2])


@st.composite
def programs(draw: st.DrawFn) -> Program:
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    entry = st.one_of(st.just(0.0), sized(-4, 4))
    lines = []
    for _ in range(rows):
        low, width = draw(sized(-3, 9)), draw(st.sampled_from((0.0, 1.0, INF)))
        entries = draw(st.lists(entry, min_size=columns, max_size=columns))
        lines.append((low, entries, low + width))
    cost = draw(st.lists(sized(-12, 3), min_size=columns, max_size=columns))
    return program(cost, lines, upper=draw(st.sampled_from((INF, 3.0, 1e9))))


def is_power_of_two(values: Any) -> bool:
    return bool((np.frexp(np.asarray(values, float))[0] == 0.5).all())


@STEADY
@given(programs())
def test_factors_are_powers_of_two(whole: Program) -> None:
    """So not a digit changes: scaling back gives the very numbers."""
    scaled = scale(whole)
    for factor in (scaled.column, scaled.row, scaled.cost, scaled.size):
        assert is_power_of_two(factor)
    given_back = scaled.program.cost * scaled.cost / scaled.column
    assert given_back.tolist() == whole.cost.tolist()
    back = matrix(scaled.program) / scaled.row[:, None] / scaled.column[None, :]
    assert back.tolist() == matrix(whole).tolist()
    upper = scaled.program.upper * scaled.column * scaled.size
    assert upper.tolist() == whole.upper.tolist()
    for side in ("row_lower", "row_upper"):
        sides = getattr(scaled.program, side) * scaled.size / scaled.row
        assert sides.tolist() == getattr(whole, side).tolist()


@STEADY
@given(programs(), st.randoms(use_true_random=False))
def test_cost_and_prices_mean_the_same(whole: Program, random: Any) -> None:
    """Cost, activities and reduced costs of any point and duals are those of the whole."""
    scaled = scale(whole)
    inner = scaled.program
    z = np.array([random.uniform(0, 2) for _ in range(whole.num_columns)])
    y = np.array([random.uniform(-2, 2) for _ in range(whole.num_rows)])
    x, duals = scaled.values(z), scaled.duals(y)
    unit = scaled.cost * scaled.size
    assert whole.cost @ x == pytest.approx(unit * (inner.cost @ z), rel=1e-12)
    theirs = matrix(inner) @ z * scaled.size / scaled.row
    assert matrix(whole) @ x == pytest.approx(theirs, rel=1e-9, abs=1e-300)
    reduced = (inner.cost - matrix(inner).T @ y) * scaled.cost / scaled.column
    size = np.abs(whole.cost) + np.abs(matrix(whole).T) @ np.abs(duals)
    assert (np.abs(whole.cost - matrix(whole).T @ duals - reduced) <= 1e-12 * size).all()


def test_sizes_are_brought_to_one() -> None:
    """Costs of 1e-9 and sides of 1e9 come within a factor of two of 1."""
    scaled = scale(program((1e-9, 1e-9), [(1e9, (1, 1), INF)])).program
    for number in (*scaled.cost, *scaled.row_lower):
        assert 0.5 <= number <= 2


def test_narrow_entries_are_left_as_they_are() -> None:
    whole = program((1, 1), [(1, (1 / WIDE, WIDE), INF)])
    scaled = scale(whole)
    assert scaled.program.values.tolist() == whole.values.tolist()
    assert scaled.row.tolist() == [1.0]
    assert scaled.column.tolist() == [1.0, 1.0]


def test_wide_entries_are_brought_together() -> None:
    whole = program((1, 2), [(1, (1e-8, 1), INF), (1e8, (1e8, 1), INF)])
    sizes = np.abs(scale(whole).program.values)
    assert sizes.min() > 1e-5
    assert sizes.max() < 1e5


def test_constant_is_taken_off() -> None:
    assert scale(program((1,), offset=7.0)).program.offset == 0.0


def test_infinite_limits_stay_infinite() -> None:
    scaled = scale(program((1,), [(-INF, (1e9,), INF)])).program
    assert (scaled.row_lower[0], scaled.row_upper[0], scaled.upper[0]) == (-INF, INF, INF)


@pytest.mark.parametrize(
    "whole",
    [program(()), program((), [(0, (), 1)]), program((1, 2)), program((0,), [(0, (0,), 0)])],
)
def test_nothing_to_scale_is_left_alone(whole: Program) -> None:
    scaled = scale(whole)
    assert scaled.values(np.ones(whole.num_columns)).shape == (whole.num_columns,)
    assert scaled.duals(np.ones(whole.num_rows)).shape == (whole.num_rows,)


def test_entries_spread_too_far_are_refused() -> None:
    """One entry of 1e-40 in a full square: no factors of rows and columns can save it."""
    whole = program((1, 1), [(1, (1, 1), INF), (1, (1, 1e-40), INF)])
    with pytest.raises(
        UnsupportedError,
        match=r"coefficients spread over more than solvers can hold: from 1e-40 to 1; check the "
        "units of chip_hours_per_mtok and prices",
    ):
        scale(whole)
    assert LOST == 1e-9


@pytest.mark.parametrize("bad", [np.nan, INF, -INF])
@pytest.mark.parametrize("place", ["cost", "values", "lower"])
def test_coefficients_must_be_finite(place: str, bad: float) -> None:
    whole = program((1,), [(1, (1,), 2)])
    with pytest.raises(InternalError, match=f"program: expected finite numbers in {place}"):
        scale(dataclasses.replace(whole, **{place: np.array([bad])}))

"""Names to positions, one by one or by the run."""

from __future__ import annotations

import polars as pl
import pytest

from optimizer.instance.keys import all_different, rising
from optimizer.instance.parse import RUN, positions_of

NAMES = pl.Series(["a", "b", "c"])


@pytest.mark.parametrize("times", [1, RUN - 1, RUN, RUN + 1, 50])
def test_runs_change_nothing(times: int) -> None:
    """Unknown names, and a name that comes again after others, in runs of any length."""
    text = [name for name in ("b", "x", "a", "b", "", "c") for _ in range(times)]
    expected = [{"a": 0, "b": 1, "c": 2}.get(name) for name in text]
    assert positions_of(pl.Series(text), NAMES).to_list() == expected


def test_no_text() -> None:
    assert positions_of(pl.Series([], dtype=pl.String), NAMES).to_list() == []


@pytest.mark.parametrize(
    ("first", "second", "rises", "differs"),
    [
        ([0, 0, 1], [0, 1, 0], True, True),
        ([0, 0, 1], [1, 0, 0], False, True),
        ([0, 0, 1], [1, 1, 0], False, False),
        ([1, 0, 1], [2, 2, 2], False, False),
        ([], [], True, True),
    ],
)
def test_pairs(first: list[int], second: list[int], *, rises: bool, differs: bool) -> None:
    columns = [pl.Series(values, dtype=pl.Int32).to_numpy() for values in (first, second)]
    assert rising(columns[0], columns[1]) == rises
    assert all_different(columns) == differs

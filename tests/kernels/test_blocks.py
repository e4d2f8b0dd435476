"""Blocks of rows: all of them, in order, whatever threads there are."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from optimizer.kernels import blocks
from optimizer.kernels.blocks import over_blocks, row_blocks


@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (1, 0), (7, 3), (100, 1), (5, 1000)])
def test_blocks_cover_every_row_once(rows: int, columns: int) -> None:
    found = row_blocks(rows, columns, 10)
    assert [row for begin, end in found for row in range(begin, end)] == list(range(rows))
    assert all(end - begin == 1 or (end - begin) * columns <= 10 for begin, end in found)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_answers_come_in_the_order_of_the_blocks(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "usable_cpus", lambda: threads)
    asked = row_blocks(50, 1, 3)
    assert list(over_blocks(lambda begin, end: (begin, end), asked)) == asked


def test_a_fault_in_a_block_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "usable_cpus", lambda: 3)

    def work(begin: int, end: int) -> int:
        if begin == 4:
            raise ValueError("block four")
        return end

    with pytest.raises(ValueError, match="block four"):
        list(over_blocks(work, row_blocks(10, 1, 1)))


def test_settings_about_warnings_hold_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "usable_cpus", lambda: 2)
    one = np.ones(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(divide="ignore"):
            found = list(over_blocks(lambda begin, _: one / begin, row_blocks(4, 1, 1)))
    assert np.isinf(found[0][0])


def test_answers_are_not_piled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not take answers stops the threads."""
    monkeypatch.setattr(blocks, "usable_cpus", lambda: 2)
    begun: list[int] = []
    answers = over_blocks(lambda begin, _: begun.append(begin), row_blocks(1000, 1, 1))
    next(answers)
    assert len(begun) < 10
    answers.close()  # type: ignore[attr-defined]
    assert len(begun) < 10

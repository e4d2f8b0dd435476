"""Whole replicas among groups that a plan keeps apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from optimizer.evaluation.whole_groups import separable, whole_numbers


def fullest(filled: np.ndarray, replicas: int) -> float:
    """Least load of the fullest group over all ways to give each one replica at least."""
    ways = itertools.product(range(1, replicas + 1), repeat=len(filled))
    return min(float((filled / np.array(way)).max()) for way in ways if sum(way) == replicas)


@pytest.mark.parametrize("seed", range(8))
def test_the_fullest_group_is_as_empty_as_can_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(2, 5))
    replicas = int(rng.integers(groups, groups + 6))
    filled = rng.uniform(0.01, 4.0, groups)
    filled[-1] = filled[0]  # a tie
    found = whole_numbers(
        np.ones(groups, np.int64), np.zeros(groups, np.int64), filled, np.array([float(replicas)])
    )
    assert found.sum() == replicas
    assert (found == np.floor(found)).all()
    assert found.min() >= 1
    assert (filled / found).max() == pytest.approx(fullest(filled, replicas))


def test_cells_without_groups_or_without_whole_replicas_are_shared_by_chip_hours() -> None:
    """Cell 0 runs 4 and names no group, cell 1 holds chips by the part, cell 2 is split."""
    number = np.array([0, 0, 1, 2, 1, 2])
    cell = np.array([0, 0, 1, 1, 2, 2])
    filled = np.array([1.0, 2.0, 0.3, 0.4, 1.2, 0.1])
    found = whole_numbers(number, cell, filled, np.array([4.0, 0.0, 3.0]))
    np.testing.assert_allclose(found, [4 / 3, 8 / 3, 0.3, 0.4, 2.0, 1.0])


def test_nobody_is_apart_where_there_are_fewer_replicas_than_groups() -> None:
    lane, number = np.array([0, 0, 1, 0, 0, 0]), np.array([1, 2, 0, 1, 2, 2])
    cell = np.array([0, 0, 0, 1, 1, 1])
    assert separable(lane, number, cell, np.array([2.0, 2.0])).tolist() == [False] * 3 + [True] * 3
    assert separable(lane, number, cell, np.array([3.0, 1.0])).tolist() == [True] * 3 + [False] * 3
    assert separable(lane, number, cell, np.array([0.0, 0.0])).all()

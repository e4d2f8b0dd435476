"""Streams of chance: marginals, ties between workloads, and the same draws for the same names."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.evaluation.draws import ALIGNED, Draws, quantiles
from optimizer.evaluation.uncertainty import Ranges, Spread

COUNT = 200_000


def spread(low: float, high: float, names: str, streams: list[int] | None = None) -> Spread:
    stream = np.arange(len(names)) if streams is None else np.array(streams)
    return Spread(np.full(len(stream), low), np.full(len(stream), high), stream, tuple(names))


def draws(
    demand: str = "ab",
    price: str = "pq",
    seed: int = 0,
    kind: str = "triangular",
    share: float = 0.5,
) -> Draws:
    ranges = Ranges(
        demand=spread(0.7, 1.5, demand),
        throughput=spread(0.8, 1.1, "x", [0, 0]),
        route_class=np.zeros(1, np.int64),
        price=spread(0.9, 1.6, price),
        notes=(),
    )
    return Draws(ranges, seed, kind, share)


def triangle(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Distribution function with its mode at 1."""
    rising = (x - low) ** 2 / ((high - low) * (1 - low))
    falling = 1 - (high - x) ** 2 / ((high - low) * (high - 1))
    return np.where(x < 1, rising, falling)


@pytest.mark.parametrize("kind", ["triangular", "uniform"])
def test_marginals(kind: str) -> None:
    """Kolmogorov and Smirnov: no part below a point is off by 1.95 / sqrt(n) (level 0.001)."""
    block = draws(kind=kind).block(0, COUNT)
    for sample, low, high in (
        (block.demand[0], 0.7, 1.5),
        (block.demand[1], 0.7, 1.5),
        (1 / block.slowness[0], 0.8, 1.1),
        (block.price[1], 0.9, 1.6),
    ):
        ordered = np.sort(sample)
        assert ordered[0] >= low
        assert ordered[-1] <= high
        expected = triangle(ordered, low, high)
        if kind == "uniform":
            expected = (ordered - low) / (high - low)
        steps = np.arange(COUNT + 1) / COUNT
        off = max(np.abs(expected - steps[1:]).max(), np.abs(expected - steps[:-1]).max())
        assert off < 1.95 / np.sqrt(COUNT)
        mean = (low + high + 1) / 3 if kind == "triangular" else (low + high) / 2
        assert abs(sample.mean() - mean) < 4 * sample.std() / np.sqrt(COUNT)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_workloads_rise_together_as_much_as_is_asked(share: float) -> None:
    """Rank correlation of a Gaussian copula: 6 / pi asin(correlation / 2)."""
    one, other = draws(share=share).block(0, COUNT).demand
    ranks = [np.argsort(np.argsort(line)) for line in (one, other)]
    found = np.corrcoef(ranks)[0, 1]
    assert found == pytest.approx(6 / np.pi * np.arcsin(share / 2), abs=4 / np.sqrt(COUNT))
    if share == 1.0:
        assert np.array_equal(one, other)


def test_kinds_know_nothing_of_each_other() -> None:
    block = draws().block(0, COUNT)
    table = np.corrcoef([block.demand[0], block.slowness[0], *block.price])
    assert np.abs(table - np.eye(4)).max() < 4 / np.sqrt(COUNT)


def test_classes_of_one_model_and_chip_share_a_stream() -> None:
    block = draws().block(0, 100)
    assert np.array_equal(block.slowness[0], block.slowness[1])


def test_a_row_more_changes_nothing_for_the_others() -> None:
    """By name, wherever the row stands."""
    few, many = draws("ab", "pq").block(0, 64), draws("cab", "prq").block(0, 64)
    assert np.array_equal(few.demand, many.demand[1:])
    assert np.array_equal(few.price, many.price[[0, 2]])
    assert np.array_equal(few.slowness, many.slowness)


def test_draws_are_the_same_in_blocks_of_any_length() -> None:
    whole = draws().block(0, 100)
    for begin, end in ((0, 32), (32, 33), (ALIGNED * 9, 100)):
        block = draws().block(begin, end)
        assert np.array_equal(block.demand, whole.demand[:, begin:end])
        assert np.array_equal(block.slowness, whole.slowness[:, begin:end])
        assert np.array_equal(block.price, whole.price[:, begin:end])


def test_seeds_and_kinds_have_streams_of_their_own() -> None:
    block, other = draws("a", "a").block(0, 64), draws("a", "a", seed=1).block(0, 64)
    assert not np.isclose(block.price, other.price).any()
    assert not np.isclose(block.demand, other.demand).any()
    alone = draws("a", "a", kind="uniform", share=0.0).block(0, 64)
    assert not np.isclose((alone.demand - 0.7) / 0.8, (alone.price - 0.9) / 0.7).any()


def test_ranges_of_no_width_are_met_exactly() -> None:
    rank = np.linspace(0.001, 0.999, 9)
    one = np.ones(1)
    for kind in ("triangular", "uniform"):
        assert (quantiles(rank, one, one, kind) == 1.0).all()
    assert (quantiles(rank, one, 2 * one, "triangular") > 1.0).all()
    assert (quantiles(rank, 0 * one, one, "triangular") < 1.0).all()

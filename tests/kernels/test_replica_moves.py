"""Moves of single replicas: the first is the best there is, and all together fit."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from optimizer.kernels.replica_moves import replica_moves

LEAST = 0.05


def drawn(seed: int) -> dict[str, Any]:
    """A period of few models on pools that are nearly full."""
    dice = np.random.default_rng(seed)
    models, pools = int(dice.integers(1, 4)), int(dice.integers(1, 5))
    unit = 2.0 ** dice.integers(0, 4, (models, pools))
    count = dice.integers(0, 4, (models, pools)).astype(np.float64)
    return {
        "unit": unit,
        "usd": dice.uniform(0.0, 1.0, pools),
        "worth": unit * dice.uniform(0.0, 2.0, (models, pools)),
        "loss": unit * dice.uniform(0.0, 2.0, (models, pools)),
        "able": dice.random((models, pools)) < 0.85,
        "trust": dice.choice([0.3, 1.0], (models, pools)),
        "least": LEAST,
        "count": count,
        "room": dice.integers(0, 9, pools).astype(np.float64),
    }


def best_promise(case: dict[str, Any]) -> float:
    """What the best single move promises, by going through all of them."""
    unit, usd, count = case["unit"], case["usd"], case["count"]
    models, pools = unit.shape
    best = LEAST
    for m in range(models):
        go = {-1: 0.0}
        for p in range(pools):
            if count[m, p] >= 1:
                go[p] = (unit[m, p] * usd[p] - case["loss"][m, p]) * case["trust"][m, p]
        best = max(best, *go.values())
        for q in range(pools):
            if not case["able"][m, q]:
                continue
            come = (case["worth"][m, q] - unit[m, q] * usd[q]) * case["trust"][m, q]
            if case["room"][q] >= unit[m, q]:
                also = max(gain for p, gain in go.items() if p != q)
                best = max(best, come + also)
                continue
            for n in range(models):
                j = math.ceil((unit[m, q] - case["room"][q]) / unit[n, q])
                if n != m and 1 <= j <= count[n, q]:
                    best = max(best, come - j * max(case["loss"][n, q] - unit[n, q] * usd[q], 0.0))
    return best


def promise(case: dict[str, Any], move: list[int]) -> float:
    """What one move promises."""
    m, p, q, n, j = move
    unit, usd, gain = case["unit"], case["usd"], 0.0
    if p >= 0:
        gain += (unit[m, p] * usd[p] - case["loss"][m, p]) * case["trust"][m, p]
    if q >= 0:
        gain += (case["worth"][m, q] - unit[m, q] * usd[q]) * case["trust"][m, q]
    if n >= 0:
        gain -= j * max(case["loss"][n, q] - unit[n, q] * usd[q], 0.0)
    return float(gain)


@pytest.mark.parametrize("seed", range(60))
def test_replica_moves(seed: int) -> None:
    case = drawn(seed)
    count, room = case["count"].copy(), case["room"].copy()
    moves = replica_moves(*{**case, "count": count, "room": room}.values()).tolist()
    best = best_promise(case)
    assert bool(moves) == (best > LEAST)
    if moves:
        assert promise(case, moves[0]) == pytest.approx(best)
    taken = [who for m, _, _, n, _ in moves for who in (m, n) if who >= 0]
    assert len(taken) == len(set(taken))
    expected = case["count"].copy()
    for m, p, q, n, j in moves:
        assert promise(case, [m, p, q, n, j]) > LEAST
        expected[m, p] -= p >= 0
        expected[m, q] += q >= 0
        if n >= 0:
            expected[n, q] -= j
    assert (count == expected).all()
    assert (count >= 0).all()


@pytest.mark.parametrize("seed", range(30))
def test_whatever_moves_are_taken_back_the_others_fit(seed: int) -> None:
    case = drawn(seed)
    whole = case["room"] + (case["unit"] * case["count"]).sum(axis=0)
    moves = replica_moves(
        *{**case, "count": case["count"].copy(), "room": case["room"].copy()}.values()
    )
    for kept in itertools.product([False, True], repeat=len(moves)):
        count = case["count"].copy()
        for (m, p, q, n, j), keep in zip(moves.tolist(), kept, strict=True):
            if keep:
                count[m, p] -= p >= 0
                count[m, q] += q >= 0
                if n >= 0:
                    count[n, q] -= j
        assert ((case["unit"] * count).sum(axis=0) <= whole * (1 + 1e-12)).all()

"""The descent over whole replicas: what it says it gained it gained, and nothing simple is left."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from optimizer.kernels.replica_descent import replica_descent

ORDER = (
    "unit",
    "usd",
    "worth",
    "bend",
    "able",
    "kappa",
    "kicks",
    "count",
    "room",
    "wanted",
    "slope",
)


def drawn(seed: int, kicks: int) -> dict[str, Any]:
    """A period of few models and pools, with replicas of very different size."""
    dice = np.random.default_rng(seed)
    models, pools = int(dice.integers(1, 5)), int(dice.integers(1, 5))
    unit = 2.0 ** dice.integers(0, 4, (models, pools))
    load = dice.uniform(0.0, 12.0, (models, pools)) * (dice.random((models, pools)) < 0.8)
    root = dice.standard_normal((models, pools, pools))
    bend = 0.05 * np.einsum("mpa,mra->mpr", root, root)
    able = dice.random((models, pools)) < 0.85
    count = np.where(able, np.floor(load / unit), 0.0)
    worth = dice.uniform(0.1, 3.0, pools)
    beyond = unit * count - load
    full = (unit * count).sum(axis=0)
    return {
        "unit": unit,
        "usd": np.where(dice.random((models, pools)) < 0.5, worth, 0.0),
        "worth": worth,
        "bend": bend,
        "able": able,
        "kappa": float(dice.choice([3.0, 12.0])),
        "kicks": dice.random((kicks, 3, 3)),
        "count": count,
        "room": full * dice.uniform(0.0, 0.4, pools) + dice.integers(0, 9, pools),
        "wanted": -beyond @ worth,
        "slope": np.einsum("mpr,mr->mp", bend, beyond),
        "load": load,
    }


def total_usd(case: dict[str, Any], count: np.ndarray) -> float:
    """What the replicas cost, cell by cell from the words of the kernel's module."""
    usd = 0.0
    for m, (units, load) in enumerate(zip(case["unit"], case["load"], strict=True)):
        beyond = [u * n - x for u, n, x in zip(units, count[m], load, strict=True)]
        short = -sum(w * d for w, d in zip(case["worth"], beyond, strict=True))
        usd += case["kappa"] * max(0.0, short)
        usd += sum(c * d for c, d in zip(case["usd"][m], beyond, strict=True))
        pools = range(len(beyond))
        usd += 0.5 * sum(
            beyond[p] * case["bend"][m, p, r] * beyond[r]
            for p, r in itertools.product(pools, pools)
        )
    return usd


def run(case: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """The arrays afterwards, and what the kernel says it gained."""
    after = {name: np.array(value) for name, value in case.items()}
    arguments: list[Any] = [after[name] for name in ORDER]
    arguments[ORDER.index("kappa")] = case["kappa"]
    gained = replica_descent(*arguments)
    return after, gained


@pytest.mark.parametrize("kicks", [0, 6])
@pytest.mark.parametrize("seed", range(25))
def test_the_books_are_right(seed: int, kicks: int) -> None:
    case = drawn(seed, kicks)
    after, gained = run(case)
    count = after["count"]
    assert (count == np.round(count)).all()
    assert (count >= 0).all()
    assert (count[~case["able"]] == case["count"][~case["able"]]).all()
    more = case["unit"] * (count - case["count"])
    np.testing.assert_allclose(after["room"], case["room"] - more.sum(axis=0), atol=1e-9)
    assert (after["room"] >= -1e-9).all()
    beyond = case["unit"] * count - case["load"]
    np.testing.assert_allclose(after["wanted"], -beyond @ case["worth"], atol=1e-8)
    np.testing.assert_allclose(
        after["slope"], np.einsum("mpr,mr->mp", case["bend"], beyond), atol=1e-8
    )
    change = total_usd(case, count) - total_usd(case, case["count"])
    assert gained == pytest.approx(change, abs=1e-7)
    assert gained <= 0


@pytest.mark.parametrize("seed", range(25))
def test_no_single_replica_more_less_or_elsewhere_helps(seed: int) -> None:
    case = drawn(seed, 0)
    after, _ = run(case)
    count, room, unit = after["count"], after["room"], case["unit"]
    least = total_usd(case, count) - 1e-5
    lanes = [(m, p) for m, p in np.argwhere(case["able"]).tolist()]
    for m, p in lanes:
        one = np.zeros(count.shape)
        one[m, p] = 1.0
        if room[p] >= unit[m, p]:
            assert total_usd(case, count + one) >= least
        if count[m, p] < 1:
            continue
        assert total_usd(case, count - one) >= least
        for n, r in lanes:
            free = room[r] + (unit[m, p] if r == p else 0.0)
            # To another pool, or to another model on the same one.
            if (n == m) != (r == p) and free >= unit[n, r]:
                other = one * -1.0
                other[n, r] += 1.0
                if n == m or room[p] < unit[n, p]:
                    assert total_usd(case, count + other) >= least


def test_kicks_do_no_harm_and_sometimes_help() -> None:
    gains = []
    for seed in range(25):
        case = drawn(seed, 12)
        _, plain = run({**case, "kicks": case["kicks"][:0]})
        _, kicked = run(case)
        assert kicked <= plain + 1e-9
        gains.append(plain - kicked)
    assert max(gains) > 0.01

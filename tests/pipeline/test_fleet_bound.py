"""The judge's bound on fleets: no prices, however wrong, prove more than the least cost there is.

Nor do they prove that there is no plan where there is one.
"""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.evaluation.bound import infeasibility_usd, lower_bound
from optimizer.instance.instance import Instance
from optimizer.prices import Prices, shapes_of
from tests.pipeline.fleet_draws import SIZES
from tests.pipeline.test_fleet_agreement import SEEDS, least, problem

DRAWS = 4
USD = (0.0, 0.0, 0.25, 1.0, 3.0, 10.0, 1e-6, 1e4)
"""Prices that are drawn: some 0, some absurd."""


def drawn_prices(rng: np.random.Generator, instance: Instance) -> Prices:
    """Any prices >= 0 on every limit, also on those that are not there.

    What one number limits over the horizon has one price, given in every period.
    """
    most = USD[: int(rng.integers(2, len(USD) + 1))]
    known = {name: rng.choice(most, shape) for name, shape in shapes_of(instance).items()}
    whole = np.array([per == "horizon" for per in instance.shares.per.values()], np.bool_)
    for name in ("share_max_usd", "share_min_usd"):
        known[name] = np.where(whole[:, None], known[name][:, :1], known[name])
    if rng.random() < 0.5:
        known["budget_usd_per_usd"] = np.zeros(())
    return Prices.of(instance, **known)


@pytest.mark.parametrize("kind", SIZES)
def test_bound_is_one_at_any_prices(kind: str) -> None:
    wrong: list[tuple[object, ...]] = []
    above_zero = 0
    for seed in range(SEEDS):
        expected, rng = least(kind, seed), np.random.default_rng(seed)
        if expected is None:
            continue
        for _ in range(DRAWS):
            prices = drawn_prices(rng, problem(kind, seed))
            bound = lower_bound(problem(kind, seed), prices)
            assert bound.rounding_usd >= 0
            above_zero += bound.usd > 0
            if not bound.usd <= expected + 1e-7 * max(1.0, expected):
                wrong.append((seed, bound.usd, expected))
            if infeasibility_usd(problem(kind, seed), prices) > 0:
                wrong.append((seed, "called infeasible", expected))
    assert wrong == []
    assert above_zero >= SEEDS / 2

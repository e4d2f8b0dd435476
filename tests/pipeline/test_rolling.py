"""Rolling: the full run when nothing couples, and a plan that keeps every rule when things do."""

from __future__ import annotations

import pytest

import optimizer
from optimizer.errors import UsageError
from optimizer.methods.direct import Direct
from optimizer.methods.rolling import Rolling
from tests.pipeline.fleet_draws import drawn

PERIODS = 12


@pytest.mark.parametrize(("window", "kept"), [(1, 1), (4, 1), (5, 3), (12, 12), (48, 24)])
def test_it_is_the_full_run_when_nothing_couples(window: int, kept: int) -> None:
    instance = optimizer.generate(workloads=20, pools=6, periods=PERIODS, seed=3)
    full = optimizer.solve(instance)
    rolled = optimizer.solve(instance, method=Rolling(window, kept))
    assert rolled.status == "optimal"
    assert rolled.verified
    assert rolled.objective_usd == pytest.approx(full.objective_usd, rel=1e-9)


def test_one_window_over_everything_is_the_full_run() -> None:
    instance = optimizer.generate(
        workloads=20, pools=6, periods=PERIODS, seed=4, deferrable=0.4, window=4, shares=True
    )
    full = optimizer.solve(instance)
    rolled = optimizer.solve(instance, method=Rolling(PERIODS, PERIODS))
    assert rolled.objective_usd == pytest.approx(full.objective_usd, rel=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_state_is_carried_over_windows(seed: int) -> None:
    instance = optimizer.generate(
        workloads=20, pools=6, periods=PERIODS, seed=seed, deferrable=0.4, window=4, shares=True
    )
    full = optimizer.solve(instance)
    rolled = optimizer.solve(instance, method=Rolling(6, 3))
    assert rolled.verified, rolled.reason
    assert full.objective_usd is not None
    assert rolled.objective_usd is not None
    assert rolled.objective_usd >= full.objective_usd * (1 - 1e-7)
    assert rolled.bound_usd is not None
    assert rolled.bound_usd <= full.objective_usd * (1 + 1e-9)


@pytest.mark.parametrize("kind", ["startup", "contracts", "budget", "power", "priority", "mixed"])
def test_fleets_roll_too(kind: str) -> None:
    verified = 0
    for seed in range(20):
        instance = drawn(kind, seed).build()
        full = optimizer.solve(instance, method=Direct())
        rolled = optimizer.solve(instance, method=Rolling(2, 1))
        if full.status == "infeasible":
            assert not rolled.verified
            continue
        if rolled.verified:
            verified += 1
            assert full.objective_usd is not None
            assert rolled.objective_usd is not None
            assert rolled.objective_usd >= full.objective_usd * (1 - 1e-6) - 1e-6
        assert rolled.status != "infeasible", "a window that has no answer proves nothing"
    assert verified >= 8


def test_windows_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(
        UsageError, match="expected 1 <= kept_periods <= window_periods, got 3 and 2"
    ):
        Rolling(2, 3)

"""Cuts on what pools hold: whole replicas keep them, parts do not, and they prove more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import optimizer
from optimizer.instance.instance import Instance
from optimizer.methods.cut_prices import cut_bound
from optimizer.methods.replica_cuts import ReplicaCuts
from optimizer.methods.replica_market import ReplicaMarket
from tests.pipeline.fleet_rows import FleetRows, ReplicaRow
from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow
from tests.pipeline.test_price_rounding import EXACT, random_fleet, solved


def two_sizes(small_mtok: float = 0.0) -> Instance:
    """Replicas of 64 and of 8 chips on a pool of 100; a Mtok takes a chip-hour, else 50 USD."""
    return Sketch(
        (
            WorkloadRow("w0", 50.0, (200.0,), model="large"),
            WorkloadRow("w1", 50.0, (small_mtok,), model="small"),
        ),
        (PoolRow("p0", (1.0,), (100.0,), chip="alpha"),),
        (RouteRow("w0", "p0", 1.0, 0.0), RouteRow("w1", "p0", 1.0, 0.0)),
        fleet=FleetRows(
            replicas=(
                ReplicaRow("large", "alpha", 64.0, 1.0),
                ReplicaRow("small", "alpha", 8.0, 1.0),
            )
        ),
    ).build()


def test_a_part_of_a_replica_is_not_offered() -> None:
    """One replica of 64 chips runs: 64 USD, and 136 of 200 Mtok at 50; by parts 100 would fit."""
    result = solved(two_sizes())
    assert result.objective_usd == pytest.approx(64 + 136 * 50)
    assert result.bound_usd == pytest.approx(64 + 136 * 50, rel=1e-5)
    assert any("with parts of replicas, proves 5,100.00 USD" in note for note in result.notes)


def test_smaller_replicas_fill_what_is_left() -> None:
    """Beside it four of 8 chips fit: 96 chips run, and 4 of 100 stay free."""
    result = solved(two_sizes(small_mtok=100.0))
    assert result.objective_usd == pytest.approx(96 + (300 - 96) * 50)
    assert result.bound_usd == pytest.approx(96 + (300 - 96) * 50, rel=1e-5)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_fits_a_pool_keeps_its_cuts(seed: int) -> None:
    instance = random_fleet(seed)
    fleet = ReplicaMarket.of(instance)
    cuts = ReplicaCuts.of(instance, fleet)
    assert (cuts.counts >= 0).all()
    assert (cuts.counts <= 1).all()
    models = len(fleet.parts)
    for pool, period in np.ndindex(*fleet.market.capacity.shape):
        room = fleet.market.capacity[pool, period]
        # A model without replicas there may hold any part.
        most = np.floor(room / fleet.unit[:, pool]).astype(int)
        choices = [
            range(most[m] + 1) if fleet.whole[m, pool] else (0.0, room / fleet.unit[m, pool])
            for m in range(models)
        ]
        rows = np.flatnonzero(cuts.pool == pool)
        for count in itertools.product(*choices):
            held = fleet.unit[:, pool] * np.array(count)
            if held.sum() <= room:
                counted = cuts.counts[:, rows].T @ held
                assert (counted <= cuts.limit[rows, period] * (1 + 1e-9)).all()


@pytest.mark.parametrize("seed", range(40, 60))
def test_no_optimum_is_below_the_bound_of_any_prices(seed: int) -> None:
    """Whatever prices the climb begins with, what it ends with proves no more than is true."""
    instance = random_fleet(seed)
    fleet = ReplicaMarket.of(instance)
    dice = np.random.default_rng(seed)
    price = np.where(fleet.market.able, dice.uniform(0, 3, fleet.market.capacity.shape), 0.0)
    made = cut_bound(instance, fleet, price, 1, lambda: False)
    if made is None:
        pytest.skip("no replica is larger than what it leaves over")
    optimum = optimizer.solve(instance, method="direct", limits=EXACT).objective_usd
    assert optimum is not None
    reserved = float(
        (
            instance.pools.purchase.equal("reserved")[:, None]
            * (
                np.nan_to_num(instance.price_usd_per_chip_hour)
                * instance.capacity_chips
                * instance.period_hours
                * ~instance.left_out[:, None]
            )
        ).sum()
    )
    assert made.usd.sum() + reserved <= optimum + 1e-8 * (1 + abs(optimum))

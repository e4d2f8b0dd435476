"""The smooth sweep with windows and limits, against sums written out, and against differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.instance.generate import generate
from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.coupled_sweeps import CoupledSweeps

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Slow:
    """What the sweep gives, for one market, by sums over everything."""

    value: Float
    load: Float
    handled: Float


def slow(coupled: CoupledMarket, price: Float, width: Float) -> Slow:
    """The slow twin: every workload, window and way in turn."""
    market, extra = coupled.market, coupled.coupling.extra
    pools, periods = market.capacity.shape
    value, load = np.zeros(periods), np.zeros(price.shape)
    handled = np.zeros(market.demand.shape)
    for w in range(market.num_workloads):
        routes = np.arange(market.first[w], market.first[w + 1])
        cost = market.usd[routes, None] + market.hours[routes, None] * price[market.pool[routes]]
        cost = cost + extra[:, routes].T @ price[pools:]
        ways = np.vstack([cost, np.full(periods, market.ceiling[w])])
        least = ways.min(axis=0)
        weight = np.exp((least - ways) / width[w])
        soft = least - width[w] * np.log(weight.sum(axis=0))
        part = weight / weight.sum(axis=0)
        for t in range(periods):
            window = np.arange(t, min(t + int(coupled.deadline[w]), periods - 1) + 1)
            best = soft[window].min()
            each = np.exp((best - soft[window]) / width[w])
            value[t] += market.demand[w, t] * (best - width[w] * np.log(each.sum()))
            handled[w, window] += market.demand[w, t] * each / each.sum()
        for place, route in enumerate(routes):
            mtok = handled[w] * part[place]
            load[market.pool[route]] += mtok * market.hours[route]
            load[pools:] += extra[:, route, None] * mtok
    return Slow(value, load, handled)


def drawn(seed: int) -> tuple[CoupledMarket, Float, Float]:
    """A market with windows of every length, prices on all its limits, and widths."""
    rng = np.random.default_rng(seed)
    periods = int(rng.integers(1, 14))
    instance = generate(
        workloads=int(rng.integers(3, 25)),
        pools=int(rng.integers(2, 6)),
        periods=periods,
        seed=seed,
        deferrable=0.6,
        window=int(rng.integers(1, 16)),
        shares=bool(rng.integers(2)),
        power=bool(rng.integers(2)),
    )
    coupled = CoupledMarket.of(instance)
    at = Multipliers(
        rng.random(coupled.limit.shape), 0.1 * rng.random(len(coupled.coupling.whole_limit))
    )
    width = coupled.market.ceiling * 10.0 ** rng.uniform(-3, -1)
    return coupled, coupled.prices(at), np.asarray(width)


@pytest.mark.parametrize("seed", range(25))
def test_sums(seed: int) -> None:
    coupled, price, width = drawn(seed)
    sweeps = CoupledSweeps(coupled, 1)
    found, expected = sweeps.smooth(price, width), slow(coupled, price, width)
    # Ways beyond the reach of exp(-12) are left out.
    assert found.value == pytest.approx(expected.value, rel=1e-4)
    pools = len(coupled.market.capacity)
    for rows in (slice(0, pools), slice(pools, None)):
        size = np.abs(expected.load[rows]).max(initial=0.0)
        assert found.load[rows] == pytest.approx(expected.load[rows], abs=1e-4 * size)
    handled = sweeps.handled(found)
    assert handled == pytest.approx(expected.handled, rel=1e-3, abs=1e-3 * handled.max())
    assert handled.sum(axis=1) == pytest.approx(coupled.market.demand.sum(axis=1), rel=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_bends_are_those_of_the_load(seed: int) -> None:
    coupled, price, width = drawn(seed)
    sweeps = CoupledSweeps(coupled, 1)
    rng = np.random.default_rng(seed + 1000)
    here = sweeps.smooth(price, width)
    change = 1e-5 * rng.standard_normal(price.shape) * np.median(width)
    one, other = sweeps.smooth(price + change, width), sweeps.smooth(price - change, width)
    expected = (other.load - one.load) / 2
    found = np.einsum("tde,et->dt", here.curvature, change)
    found += sweeps.product(here, change, width)
    assert found == pytest.approx(expected, abs=2e-3 * np.abs(expected).max() + 1e-9)


def test_same_sums_whatever_the_threads() -> None:
    instance = generate(workloads=400, pools=6, periods=24, seed=5, deferrable=0.4, window=5)
    coupled = CoupledMarket.of(instance)
    price = coupled.prices(coupled.none())
    one, two = (
        CoupledSweeps(coupled, threads).smooth(price, 0.01 * coupled.market.ceiling)
        for threads in (1, 2)
    )
    assert len(CoupledSweeps(coupled, 2).blocks) > 1
    assert (one.load == two.load).all()
    assert (one.curvature == two.curvature).all()

"""The exact cost of a model on given replicas, against a dense program."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

import optimizer
from optimizer.methods.lane_values import LaneValues
from optimizer.methods.replica_market import ReplicaMarket


@pytest.mark.parametrize("seed", range(12))
def test_lane_values(seed: int) -> None:
    dice = np.random.default_rng(seed)
    instance = optimizer.generate(
        workloads=30, pools=5, periods=2, models=2, seed=seed, replicas=True
    )
    fleet = ReplicaMarket.of(instance)
    model, period = int(dice.integers(2)), int(dice.integers(2))
    part, unit, pools = fleet.parts[model], fleet.unit[model], len(fleet.unit[model])
    need = part.capacity[:, period] / unit
    count = np.floor(need * dice.uniform(0.0, 0.3, pools)) * (dice.random(pools) < 0.7)
    values = LaneValues(part, unit, fleet.whole[model], np.zeros(part.capacity.shape))
    made = values.at(period, count, dice.uniform(0.0, 5.0, pools), 10.0)
    owner = np.repeat(np.arange(part.num_workloads), np.diff(part.first))
    rows = (owner == np.arange(part.num_workloads)[:, None]).astype(float)
    limits = np.zeros((pools, len(owner)))
    limits[part.pool, np.arange(len(owner))] = part.hours
    expected = linprog(
        part.usd - part.ceiling[owner],
        A_ub=np.concatenate([rows, limits]),
        b_ub=np.concatenate([part.demand[:, period], unit * count]),
    )
    assert expected.fun is not None
    assert made.exact
    usd = 10.0 + float(part.ceiling @ part.demand[:, period]) + float(expected.fun)
    assert made.usd == pytest.approx(usd, rel=1e-9)

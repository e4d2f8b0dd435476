"""Made-up routes: which workload can use which pool, how well, and at what extra cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.in_memory import table_of
from optimizer.instance.synthetic_demand import TRAFFIC, Crowd
from optimizer.instance.synthetic_fleet import CHIPS, HOURS_PER_DAY, Fleet, Region
from optimizer.instance.tables import Routes

Float = NDArray[np.float64]
Index = NDArray[np.int64]

SMALLEST, LARGEST = 0.015, 0.3
"""Chip-hours per Mtok of the smallest and the largest model on a chip of speed 1."""
KEENNESS = 20.0
"""How strongly the reference plan prefers cheap routes."""
SAMPLE = 2_000
"""Workloads from which the prices of the reference plan are found."""
ROUNDS = 40
"""Times that those prices are corrected."""


@dataclass(frozen=True)
class Reference:
    """A plan that serves everything in the period it arrives in.

    Attributes
    ----------
    share : (R,) part of the workload's tokens that the route takes, the same all horizon.
    load_chip_hours : (P, T) chip-hours in use.
    """

    share: Float
    load_chip_hours: Float


def make_routes(
    rng: np.random.Generator,
    crowd: Crowd,
    fleet: Fleet,
    models: int,
    eligible: float,
    regions: tuple[Region, ...],
) -> Routes:
    """Draw routes: near pools, and chips that suit the model, are possible more often.

    Every workload has at least one.
    """
    size = np.linspace(0.0, 1.0, models) if models > 1 else np.array([0.5])
    misfit = np.abs(size[:, None] - np.array([kind.suits for kind in CHIPS]))
    apart = _hours_apart(regions)
    workload, pool = _possible_pairs(rng, crowd, fleet, eligible, misfit, apart)
    speed = np.array([kind.speed for kind in CHIPS])
    effort = SMALLEST * (LARGEST / SMALLEST) ** size[:, None] / speed
    effort *= (1.0 + 0.8 * misfit**2) * np.exp(0.1 * rng.standard_normal(misfit.shape))
    own = np.array([kind.effort for kind in TRAFFIC])[crowd.traffic]
    own *= np.exp(0.15 * rng.standard_normal(len(own)))
    hours = effort[crowd.model[workload], fleet.chip[pool]] * own[workload]
    hours *= np.exp(0.03 * rng.standard_normal(len(hours)))
    between = (crowd.region[workload], fleet.region[pool])
    egress = np.round(np.where(apart > 0, 0.002 + 0.0008 * apart, 0.0), 4)
    latency = np.round(4.0 + 15.0 * apart)
    return table_of(
        Routes,
        len(workload),
        workload=workload.astype(np.int32),
        pool=pool.astype(np.int32),
        chip_hours_per_mtok=np.round(hours, 6),
        usd_per_mtok=egress[between],
        latency_ms=latency[between],
    )


def penalties(routes: Routes, crowd: Crowd, fleet: Fleet) -> Float:
    """(W,) USD per Mtok not served: several times the dearest route at its dearest hour."""
    dearest = fleet.price_usd_per_chip_hour.max(axis=1)
    cost = routes.chip_hours_per_mtok * dearest[routes.pool] + routes.usd_per_mtok
    factor = np.array([kind.penalty for kind in TRAFFIC])[crowd.traffic]
    worst = np.maximum.reduceat(cost, _starts(routes, len(factor)))
    return np.asarray(np.ceil(100.0 * factor * worst) / 100.0)


def reference_plan(routes: Routes, fleet: Fleet, demand_mtok: Float) -> Reference:
    """Spread each workload over its routes, the cheap ones first, and fill the pools evenly.

    Prices per pool are raised where the load is more than the weight of the pool, and lowered
    where it is less, until the loads are about in proportion to the weights. A plan at such
    prices wastes little, so that chips counted by it are scarce for the best plan, too.
    """
    workloads, pools = len(demand_mtok), len(fleet.chip)
    total = demand_mtok.sum(axis=1)
    wanted = fleet.weight / fleet.weight.sum()
    usd = fleet.usd_per_chip_hour.copy()
    # The prices of a few thousand workloads are those of all, nearly.
    sample = routes.workload % max(1, workloads // SAMPLE) == 0
    some = _Some(
        *(column[sample] for column in (routes.workload, routes.pool)),
        *(column[sample] for column in (routes.chip_hours_per_mtok, routes.usd_per_mtok)),
    )
    for _ in range(ROUNDS):
        work = some.shares(usd) * some.chip_hours * total[some.workload]
        load = np.bincount(some.pool, work, pools)
        ratio = load / (wanted * max(load.sum(), np.finfo(np.float64).tiny))
        usd *= np.clip(ratio, 0.1, 10.0) ** (1.0 / KEENNESS)
    every = _Some(routes.workload, routes.pool, routes.chip_hours_per_mtok, routes.usd_per_mtok)
    share = every.shares(usd)
    # The work of one Mtok of each workload, pool by pool: a matrix product gives the load.
    per_mtok = np.zeros((pools, workloads))
    per_mtok[routes.pool, routes.workload] = share * routes.chip_hours_per_mtok
    return Reference(share, per_mtok @ demand_mtok)


@dataclass(frozen=True)
class _Some:
    """All routes of some workloads, in the order of workloads.

    Attributes
    ----------
    workload, pool : (r,) positions.
    chip_hours, usd : (r,) chip-hours and own cost of a Mtok.
    """

    workload: NDArray[np.int32]
    pool: NDArray[np.int32]
    chip_hours: Float
    usd: Float

    def shares(self, usd_per_chip_hour: Float) -> Float:
        """(r,) part of the workload's tokens on each route; much more on the cheap ones."""
        first = np.flatnonzero(np.diff(self.workload, prepend=-1))
        cost = self.chip_hours * usd_per_chip_hour[self.pool] + self.usd
        count = np.diff(first, append=len(cost))
        share = (np.repeat(np.minimum.reduceat(cost, first), count) / cost) ** KEENNESS
        return np.asarray(share / np.repeat(np.add.reduceat(share, first), count))


def _possible_pairs(
    rng: np.random.Generator,
    crowd: Crowd,
    fleet: Fleet,
    eligible: float,
    misfit: Float,
    apart: Float,
) -> tuple[Index, Index]:
    """(R,) workload and pool of the pairs with the best score, in the order of routes."""
    score = rng.random((len(crowd.model), len(fleet.chip)), np.float32)
    score -= 0.4 * misfit.astype(np.float32)[crowd.model][:, fleet.chip]
    score -= 0.02 * apart.astype(np.float32)[crowd.region][:, fleet.region]
    kept = max(1, round(eligible * score.size))
    possible = score >= np.partition(score, score.size - kept, axis=None)[-kept]
    possible[np.arange(len(score)), score.argmax(axis=1)] = True
    workload, pool = np.nonzero(possible)
    return workload, pool


def _hours_apart(regions: tuple[Region, ...]) -> Float:
    """(regions, regions) time zones between two regions, the short way round; 0 within one."""
    offset = np.array([place.utc_offset for place in regions])
    apart = np.abs(offset[:, None] - offset)
    apart = np.minimum(apart, HOURS_PER_DAY - apart)
    # Two regions of one zone are still two places.
    apart = np.maximum(apart, 0.5)
    return np.where(np.eye(len(regions), dtype=np.bool_), 0.0, apart)


def _starts(routes: Routes, workloads: int) -> Index:
    """(W,) first route of each workload."""
    return np.searchsorted(routes.workload, np.arange(workloads, dtype=np.int32))

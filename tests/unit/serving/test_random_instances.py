"""Random tables: every pair is a route or has a reason, whatever is missing."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from optimizer.instance.fleet_tables import Models
from optimizer.instance.in_memory import labels_of, one_label, table_of
from optimizer.instance.instance import Instance
from optimizer.instance.serving_tables import Chips, Exclusions, Network, Profiles
from optimizer.instance.tables import Pools, Residency, Routes, Shares, Sources, Workloads
from optimizer.serving.derivation import Reason, sentence
from optimizer.serving.routes import derive

WORKLOADS, POOLS, MODELS, CHIPS, REGIONS = 25, 12, 3, 4, 4


def random_instance(seed: int) -> Instance:
    rng = np.random.default_rng(seed)
    models, chips, regions = (
        tuple(f"{name}{k}" for k in range(size))
        for name, size in (("m", MODELS), ("c", CHIPS), ("r", REGIONS))
    )
    ways = np.array([(m, c, k) for m in range(MODELS) for c in range(CHIPS) for k in range(2)])
    ways = ways[rng.random(len(ways)) < 0.7]
    links = np.array([(a, b) for a in range(REGIONS) for b in range(REGIONS)])
    links = links[rng.random(len(links)) < 0.8]

    def some(values: np.ndarray, part: float) -> np.ndarray:
        return np.where(rng.random(len(values)) < part, values, np.nan)

    return Instance(
        name="random",
        start=datetime(2026, 1, 1, tzinfo=UTC),
        workloads=table_of(
            Workloads,
            WORKLOADS,
            workload=tuple(f"w{k}" for k in range(WORKLOADS)),
            model=labels_of(models, rng.integers(0, MODELS, WORKLOADS)),
            traffic_class=one_label("interactive", WORKLOADS),
            region=labels_of(regions, rng.integers(0, REGIONS, WORKLOADS)),
            unserved_usd_per_mtok=np.ones(WORKLOADS),
            input_tokens=some(rng.lognormal(7, 1, WORKLOADS), 0.9),
            output_tokens=some(rng.lognormal(5, 1, WORKLOADS), 0.9),
            ttft_ms=some(rng.uniform(50, 3000, WORKLOADS), 0.8),
            tpot_ms=some(rng.uniform(5, 100, WORKLOADS), 0.8),
            slo_percentile=some(np.full(WORKLOADS, 95.0), 0.5),
            max_round_trip_ms=some(rng.uniform(50, 300, WORKLOADS), 0.3),
        ),
        pools=table_of(
            Pools,
            POOLS,
            pool=tuple(f"p{k}" for k in range(POOLS)),
            provider=labels_of(("a", "b"), np.arange(POOLS) % 2),
            chip=labels_of(chips, np.arange(POOLS) % CHIPS),
            region=labels_of(regions, np.arange(POOLS) % REGIONS),
            purchase=one_label("on_demand", POOLS),
            usd_per_chip_hour=np.ones(POOLS),
        ),
        routes=table_of(Routes, 0),
        shares=table_of(Shares, 0),
        residency=table_of(Residency, 0),
        sources=table_of(Sources, 0),
        models=table_of(
            Models,
            MODELS,
            model=models,
            parameters_billion=np.array([8.0, 70.0, 405.0]),
            kv_bytes_per_token=np.full(MODELS, 1e5),
        ),
        chips=table_of(
            Chips,
            CHIPS,
            chip=chips,
            memory_gb=rng.uniform(30, 200, CHIPS),
            memory_tb_per_second=rng.uniform(1, 8, CHIPS),
            fp8_tflops=rng.uniform(400, 5000, CHIPS),
        ),
        profiles=table_of(
            Profiles,
            len(ways),
            model=labels_of(models, ways[:, 0]),
            chip=labels_of(chips, ways[:, 1]),
            configuration=labels_of(("tp1", "tp4"), ways[:, 2]),
            chips_per_replica=4.0 ** ways[:, 2],
        ),
        network=table_of(
            Network,
            len(links),
            region=labels_of(regions, links[:, 0]),
            pool_region=labels_of(regions, links[:, 1]),
            round_trip_ms=rng.uniform(1, 250, len(links)),
        ),
        exclusions=table_of(
            Exclusions,
            1,
            exclusion=("rule",),
            provider=one_label("b", 1),
            model=labels_of(models, rng.integers(0, MODELS, 1)),
        ),
        demand_mtok=np.ones((WORKLOADS, 1)),
        capacity_chips=np.ones((POOLS, 1)),
        price_usd_per_chip_hour=np.ones((POOLS, 1)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_every_pair_is_a_route_or_has_a_reason(seed: int) -> None:
    instance, derivation = derive(random_instance(seed))
    routes, refusals = instance.routes, derivation.refusals
    seen = np.zeros((WORKLOADS, POOLS), np.int64)
    seen[routes.workload, routes.pool] += 1
    seen[refusals.workload, refusals.pool] += 1
    assert (seen == 1).all()
    assert instance.num_routes > 20
    assert np.isfinite(routes.chip_hours_per_mtok).all()
    assert not np.isin(refusals.reason, [Reason.ROUTE, Reason.DEARER]).any()
    assert all(sentence(instance, refusals, row) for row in range(len(refusals.reason)))
    found = derivation.delivery
    people, workload = instance.workloads, routes.workload
    tail = ~np.isnan(people.slo_percentile[workload])
    for promised, mean, at_percentile in (
        (people.ttft_ms, found.ttft_ms, found.ttft_percentile_ms),
        (people.tpot_ms, found.tpot_ms, found.tpot_percentile_ms),
    ):
        assert not (np.where(tail, at_percentile, mean) > promised[workload] * 1.002).any()


@pytest.mark.parametrize("seed", range(2))
def test_the_same_tables_give_the_same_routes(seed: int) -> None:
    first, second = derive(random_instance(seed))[0], derive(random_instance(seed))[0]
    assert first.digest == second.digest

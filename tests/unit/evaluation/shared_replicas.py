"""Instances in which workloads share replicas, small enough to work out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from optimizer.instance.in_memory import table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.serving_tables import Profiles
from optimizer.instance.tables import (
    Pools,
    Replicas,
    Residency,
    Routes,
    Shares,
    Sources,
    Workloads,
)
from optimizer.serving.routes import derive

TIMES = {
    "decode_base_ms": np.array([10.0]),
    "decode_per_seq_ms": np.array([0.2]),
    "prefill_base_ms": np.array([5.0]),
    "prefill_per_token_ms": np.array([0.05]),
}


def underived(
    *,
    input_tokens: tuple[float, ...] = (500.0, 8000.0),
    ttft_ms: tuple[float, ...] = (400.0, 3000.0),
    tpot_ms: tuple[float, ...] = (18.0, 100.0),
    traffic_class: tuple[str, ...] = ("chat", "docs"),
    demand_mtok: tuple[tuple[float, ...], ...] = ((40.0, 80.0), (120.0, 10.0)),
    shared_by: str = "model",
    chips: float = 10_000.0,
    **more: Any,
) -> Instance:
    """One model on one pool, without routes."""
    count, demand = len(input_tokens), np.array(demand_mtok)
    names = tuple(f"w{row}" for row in range(count))
    return Instance(
        name="shared",
        start=datetime(2026, 5, 4, tzinfo=UTC),
        workloads=table_of(
            Workloads,
            count,
            workload=names,
            model=Labels.of(["m"] * count),
            traffic_class=Labels.of(traffic_class),
            region=Labels.of(["here"] * count),
            unserved_usd_per_mtok=np.full(count, 1000.0),
            input_tokens=np.array(input_tokens),
            output_tokens=np.full(count, 200.0),
            ttft_ms=np.array(ttft_ms),
            tpot_ms=np.array(tpot_ms),
        ),
        pools=table_of(
            Pools,
            1,
            pool=("p",),
            provider=Labels.of(["A"]),
            chip=Labels.of(["c"]),
            region=Labels.of(["here"]),
            purchase=Labels.of(["on_demand"]),
            usd_per_chip_hour=np.array([2.0]),
        ),
        routes=table_of(Routes, 0),
        shares=table_of(Shares, 0),
        residency=table_of(Residency, 0),
        sources=table_of(Sources, 0),
        profiles=table_of(
            Profiles,
            1,
            model=Labels.of(["m"]),
            chip=Labels.of(["c"]),
            configuration=Labels.of(["tp4"]),
            chips_per_replica=np.array([4.0]),
            max_batch=np.array([64.0]),
            **TIMES,
        ),
        demand_mtok=demand,
        capacity_chips=np.full((1, demand.shape[1]), chips),
        price_usd_per_chip_hour=np.full((1, demand.shape[1]), 2.0),
        replicas_shared_by=shared_by,
        **more,
    )


def derived(**given: Any) -> Instance:
    """The same with its routes."""
    return derive(underived(**given))[0]


def in_whole_replicas(**given: Any) -> Instance:
    """The same without routes, on whole replicas of 4 chips."""
    table = table_of(
        Replicas,
        1,
        model=Labels.of(["m"]),
        chip=Labels.of(["c"]),
        chips_per_replica=np.array([4.0]),
    )
    return underived(replicas=table, **given)


def three_of_a_class() -> Instance:
    """Two of a kind and one with long prompts, which holds them up where they share."""
    return derived(
        input_tokens=(500.0, 8000.0, 500.0),
        ttft_ms=(400.0, 3000.0, 400.0),
        tpot_ms=(18.0, 100.0, 18.0),
        traffic_class=("chat",) * 3,
        demand_mtok=((40.0, 80.0), (120.0, 10.0), (30.0, 20.0)),
    )

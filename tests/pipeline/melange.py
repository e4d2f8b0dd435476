"""Melange's inputs as instances: which GPUs to rent for a mix of request lengths.

Melange (T. Griggs et al., "Melange: cost efficient large language model serving by exploiting
GPU heterogeneity", arXiv 2404.14527) knows the rate of requests in each bucket of input and
output length and the highest rate that one GPU of each type keeps up with. It rents whole GPUs
so that the load on each type, in GPUs, is no larger than their number:

    min sum_g cost[g] n[g],   sum_b rate[b] x[b,g] / throughput[b,g] <= n[g],   sum_g x[b,g] = 1

It cuts every bucket into as many equal slices as it is told to, and a slice goes to one type.
With divisible demand the slices are left out, and x is any share.

Here one Mtok stands for one request per second, kept up for the one hour of the only period. A
bucket, or a slice of one, is a workload; slices are pinned. A GPU type is a pool whose price is
paid per hour, and one GPU is one replica of one chip, so that buckets share GPUs. Melange has no
limit on GPUs: a pool has as many as would serve everything. It must serve everything: giving up
costs far more than a new GPU for what is given up.

The files are read where they lie, beside the project; they are no part of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack, kron, vstack

from optimizer.instance.fleet_tables import Replicas
from optimizer.instance.in_memory import labels_of, table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.tables import Pools, Residency, Routes, Shares, Sources, Workloads
from optimizer.plan import Plan
from tests.pipeline.dense_plan import dense
from tests.pipeline.library import FOLDER

Float = NDArray[np.float64]

PENALTY = 20
"""USD per Mtok given up, as a multiple of what the dearest Mtok costs on a GPU that is full."""

SLICED = {1: 6.70, 2: 5.69, 3: 4.68, 4: 5.69}
"""Optima of the shipped example, in USD per hour, by slices of each bucket. 1 is printed by
Melange itself (README of ``tyler-griggs/melange-release``); the others were proved by HiGHS."""

DIVISIBLE = {
    "example": 4.68,
    "syn_b10x6_g4_r8_s1": 15.15,
    "syn_b10x6_g4_r32_s8": 59.54,
    "syn_b10x6_g4_r128_s8": 238.02,
    "syn_b10x6_g16_r32_s8": 22.77,
    "syn_b25x10_g16_r32_s4": 118.516,
    "syn_b25x10_g4_r32_s4": 298.83,
    "syn_b50x20_g8_r32_s4": 361.208,
}
"""Optima with divisible demand, in USD per hour, proved by HiGHS. Files that differ in their
slices only are one problem here, and are named once."""


@dataclass(frozen=True, eq=False)
class Fleet:
    """What a file of Melange says. B buckets with requests, or slices of them, G GPU types.

    Attributes
    ----------
    name : name of the file.
    buckets : (B,) names: rows of the file are input lengths, columns are output lengths.
    gpus : (G,) names.
    usd_per_hour : (G,) price of one GPU.
    requests_per_second : (B,) rate arriving.
    throughput : (B, G) highest rate that one GPU serves within its promise, requests per second.
    sliced : whether what is named must go to one GPU type.
    """

    name: str
    buckets: tuple[str, ...]
    gpus: tuple[str, ...]
    usd_per_hour: Float
    requests_per_second: Float
    throughput: Float
    sliced: bool

    @property
    def load(self) -> Float:
        """(B, G) GPUs that all requests of a bucket keep busy."""
        return self.requests_per_second[:, None] / self.throughput


def fleet(name: str, slices: int | None = None) -> Fleet:
    """Read a file, with every bucket in so many slices, or divisible when none are given."""
    told = json.loads((FOLDER / "melange" / f"{name}.json").read_text(encoding="utf-8"))
    shares = np.array(told["workload_distribution"], np.float64)
    rows, columns = np.nonzero(shares > 0)
    throughput = np.array([gpu["tputs"] for gpu in told["gpu_info"].values()], np.float64)
    rate = told["total_request_rate"] * shares[rows, columns]
    parts = 1 if slices is None else slices
    return Fleet(
        name=name,
        buckets=tuple(
            f"in-{row}-out-{column}" + ("" if slices is None else f"-slice-{part}")
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            for part in range(parts)
        ),
        gpus=tuple(told["gpu_info"]),
        usd_per_hour=np.array([gpu["cost"] for gpu in told["gpu_info"].values()], np.float64),
        requests_per_second=np.repeat(rate / parts, parts),
        throughput=np.repeat(throughput[:, rows, columns].T, parts, axis=0),
        sliced=slices is not None,
    )


def instance_of(fleet: Fleet, *, whole: bool = True) -> Instance:
    """State the problem in the terms of ``docs/problem.md``, with whole GPUs or parts of them."""
    buckets, gpus = fleet.throughput.shape
    w, p = np.meshgrid(np.arange(buckets), np.arange(gpus), indexing="ij")
    # An optimum never rents more of a type than would serve everything.
    enough = np.ceil(fleet.load.sum(axis=0))
    dearest = float((fleet.usd_per_hour / fleet.throughput).max())
    chips = labels_of(fleet.gpus, np.arange(gpus))
    return Instance(
        name=fleet.name,
        start=datetime(2026, 1, 1, tzinfo=UTC),
        workloads=table_of(
            Workloads,
            buckets,
            workload=fleet.buckets,
            model=_same("model", buckets),
            traffic_class=_same("interactive", buckets),
            region=_same("region", buckets),
            unserved_usd_per_mtok=np.full(buckets, float(np.ceil(PENALTY * dearest))),
            single_pool=np.full(buckets, fleet.sliced),
        ),
        pools=table_of(
            Pools,
            gpus,
            pool=fleet.gpus,
            provider=_same("provider", gpus),
            chip=chips,
            region=_same("region", gpus),
            purchase=_same("on_demand", gpus),
            usd_per_chip_hour=fleet.usd_per_hour,
        ),
        routes=table_of(
            Routes,
            buckets * gpus,
            workload=w.ravel().astype(np.int32),
            pool=p.ravel().astype(np.int32),
            chip_hours_per_mtok=(1 / fleet.throughput).ravel(),
        ),
        replicas=table_of(
            Replicas,
            gpus,
            model=_same("model", gpus),
            chip=chips,
            chips_per_replica=np.ones(gpus),
        )
        if whole
        else table_of(Replicas, 0),
        shares=table_of(Shares, 0),
        residency=table_of(Residency, 0),
        sources=table_of(Sources, 0),
        demand_mtok=fleet.requests_per_second[:, None].copy(),
        capacity_chips=enough[:, None],
        price_usd_per_chip_hour=fleet.usd_per_hour[:, None].copy(),
    )


def least_cost(fleet: Fleet) -> float:
    """USD per hour of an optimum in Melange's own terms, which no instance takes part in.

    Columns are x in the order of (B, G), then n.
    """
    buckets, gpus = fleet.load.shape
    cells = np.arange(buckets * gpus)
    load = csr_array((fleet.load.ravel(), (cells % gpus, cells)), (gpus, buckets * gpus))
    whole = kron(eye_array(buckets), np.ones((1, gpus)))
    nothing = csr_array((buckets, gpus))
    rows = vstack([hstack([load, -eye_array(gpus)]), hstack([whole, nothing])])
    found = milp(
        np.concatenate([np.zeros(buckets * gpus), fleet.usd_per_hour]),
        integrality=np.repeat([int(fleet.sliced), 1], [buckets * gpus, gpus]),
        bounds=Bounds(0, np.repeat([1, np.inf], [buckets * gpus, gpus])),
        constraints=LinearConstraint(
            csr_array(rows),
            np.repeat([-np.inf, 1], [gpus, buckets]),
            np.repeat([0.0, 1.0], [gpus, buckets]),
        ),
        options={"mip_rel_gap": 1e-7},
    )
    assert found.status == 0, found.message
    return float(found.fun)


def check_in_melanges_terms(fleet: Fleet, instance: Instance, plan: Plan, usd: float) -> None:
    """Assert that a plan serves Melange's requests with GPUs that cost so much."""
    served = dense(instance, plan)[0][:, :, 0]
    assert served.sum(axis=1) == _near(fleet.requests_per_second)
    if fleet.sliced:
        assert int((served > 0).sum(axis=1).max()) == 1
    rented = plan.replicas.dense((1, len(fleet.gpus), 1))[0, :, 0]
    assert (rented == np.round(rented)).all()
    assert (served / fleet.throughput).sum(axis=0).tolist() <= (rented + 1e-6).tolist()
    assert float(rented @ fleet.usd_per_hour) == _near(usd)


def _near(expected: Any) -> Any:
    return pytest.approx(expected, rel=1e-6, abs=1e-6)


def _same(name: str, count: int) -> Labels:
    return labels_of([name], np.zeros(count, np.int32))

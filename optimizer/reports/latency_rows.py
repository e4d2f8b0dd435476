"""Predicted latency by workload, as reports show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.latency import PERCENTILE, Latency
from optimizer.instance.instance import Instance
from optimizer.result import Result

Int = NDArray[np.int64]

SPECK = 1e-9
"""Part of a replica by which one more than a whole number is that number."""


@dataclass(frozen=True)
class LatencyRow:
    """One workload over the horizon, on all its pools.

    Attributes
    ----------
    ttft_ms, tpot_ms : mean over its requests.
    percentile : percentile of the next two.
    ttft_percentile_ms, tpot_percentile_ms : worst over its pools and periods.
    ttft_promised_ms, tpot_promised_ms : promises, None where there is none.
    on_average : whether they hold on average and not at the percentile.
    attainment : part of its requests that keep both promises; None where nothing is promised.
    broken : pools and periods in which a promise is broken.
    places : pools and periods that serve it.
    untrusted : of them, those in which the queue's formulas are known to be less exact.
    pools : pools that serve it.
    own_replicas : of them, those on which it shares replicas with nobody.
    """

    workload: str
    ttft_ms: float
    tpot_ms: float
    percentile: float
    ttft_percentile_ms: float
    tpot_percentile_ms: float
    ttft_promised_ms: float | None
    tpot_promised_ms: float | None
    on_average: bool
    attainment: float | None
    broken: int
    places: int
    untrusted: int
    pools: int
    own_replicas: int


@dataclass(frozen=True)
class LatencySummary:
    """What a plan's requests see.

    Attributes
    ----------
    attainment : part of all requests with a promise that keep it.
    broken, places : pools, workloads and periods in which one is broken, and all of them.
    untrusted : of them, those in which the formulas are known to be less exact.
    unpredicted : placements of routes about whose speed nothing is known.
    tightening_rounds : searches after the first.
    tightened_routes : routes that are slower than derived, so that promises are kept.
    may_share : sets of workloads that may share replicas: of a model on a pool, as policy has it.
    split : of them, those that are split into groups, so that promises are kept.
    replica_groups : groups after that, those that are not split among them.
    rounding_up : part of the replicas' chip-hours that would come on top were the replicas of
        every group in every period rounded up to whole ones; 0 where they are whole.
    workloads : by workload, the least attainment first.
    """

    attainment: float
    broken: int
    places: int
    untrusted: int
    unpredicted: int
    tightening_rounds: int
    tightened_routes: int
    may_share: int
    split: int
    replica_groups: int
    rounding_up: float
    workloads: tuple[LatencyRow, ...]


def latency_summary(result: Result) -> LatencySummary | None:
    """Add the classes of a result up; None where nothing is predicted."""
    found = result.latency
    if found is None:
        return None
    slower, groups = result.slower, found.groups
    kinds = np.unique(np.stack([groups.lane, groups.number]), axis=1)
    return LatencySummary(
        attainment=found.attainment_of_all,
        broken=found.broken,
        places=len(found.kept),
        untrusted=int((~found.trusted).sum()),
        unpredicted=found.groups.unpredicted,
        tightening_rounds=result.tightening_rounds,
        tightened_routes=0 if slower is None else int((slower > 1).sum()),
        may_share=len(np.unique(groups.lane)),
        split=len(np.unique(groups.lane[groups.number > 0])),
        replica_groups=kinds.shape[1],
        rounding_up=_rounding_up(found),
        workloads=latency_rows(result.instance, found),
    )


def _rounding_up(latency: Latency) -> float:
    """Chip-hours of replicas rounded up, above those of the replicas, as a part of these."""
    groups = latency.groups
    chips = groups.chips_per_replica[groups.lane]
    whole = np.ceil(groups.replicas * (1.0 - SPECK))
    return max(0.0, float((chips * whole).sum() / (chips * groups.replicas).sum() - 1.0))


def latency_rows(instance: Instance, latency: Latency) -> tuple[LatencyRow, ...]:
    """A row per workload that is served, the least attainment first."""
    workload = instance.routes.workload[latency.groups.route]
    count, weight = instance.num_workloads, latency.weight

    def mean(values: np.ndarray) -> np.ndarray:
        total = np.bincount(workload, weight, count)
        return np.bincount(workload, weight * values, count) / np.where(total > 0, total, 1.0)

    def number(where: np.ndarray) -> np.ndarray:
        return np.bincount(workload, where, count).astype(np.int64)

    def most(values: np.ndarray) -> np.ndarray:
        found = np.zeros(count)
        np.maximum.at(found, workload, values)
        return found

    pools, own = _pools(instance, latency)
    table = instance.workloads
    columns = {
        "ttft_ms": mean(latency.ttft_ms),
        "tpot_ms": mean(latency.tpot_ms),
        "percentile": np.where(np.isnan(table.slo_percentile), PERCENTILE, table.slo_percentile),
        "ttft_percentile_ms": most(latency.ttft_percentile_ms),
        "tpot_percentile_ms": most(latency.tpot_percentile_ms),
        "broken": number(~latency.kept),
        "places": number(np.ones(len(workload))),
        "untrusted": number(~latency.trusted),
        "pools": pools,
        "own_replicas": own,
    }
    attained = mean(latency.attainment)
    promised = ~(np.isnan(table.ttft_ms) & np.isnan(table.tpot_ms))
    rows = [
        LatencyRow(
            workload=table.workload[row],
            ttft_promised_ms=_known(table.ttft_ms[row]),
            tpot_promised_ms=_known(table.tpot_ms[row]),
            on_average=bool(np.isnan(table.slo_percentile[row])),
            attainment=float(attained[row]) if promised[row] else None,
            **{name: values[row].item() for name, values in columns.items()},
        )
        for row in np.flatnonzero(columns["places"]).tolist()
    ]
    return tuple(sorted(rows, key=lambda row: 2.0 if row.attainment is None else row.attainment))


def _pools(instance: Instance, latency: Latency) -> tuple[Int, Int]:
    """(W,) pools that serve a workload, and of them those on which it never has company."""
    groups = latency.groups
    company = np.bincount(groups.group)[groups.group] > 1
    served, shared = np.zeros((2, instance.num_routes), np.bool_)
    served[groups.route] = shared[groups.route[company]] = True
    count, workload = instance.num_workloads, instance.routes.workload
    return (
        np.bincount(workload[served], minlength=count),
        np.bincount(workload[served & ~shared], minlength=count),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

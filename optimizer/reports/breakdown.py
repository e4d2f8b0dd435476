"""Numbers of a result as a planner wants them: by pool, provider, model, basis, fleet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.evaluate import Evaluation
from optimizer.evaluation.shadow_prices import UNITS, Family
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.reports.fleet_rows import FleetRows, fleet_rows
from optimizer.result import Result

Float = NDArray[np.float64]

TOP = 10
"""Shadow prices in the summary."""


@dataclass(frozen=True)
class PoolRow:
    """One pool of a plan.

    Attributes
    ----------
    chip_hours_used : in use, busy or not: idle replicas and chips in reserve included.
    chip_hours_available : bought blocks included.
    utilisation : chip-hours in use per chip-hour available; None without any chips.
    usd : chips, contracts and routes; fees and starts aside.
    usd_per_mtok : None when it serves nothing.
    """

    pool: str
    provider: str
    chip: str
    region: str
    purchase: str
    usd: float
    chip_hours_used: float
    chip_hours_available: float
    utilisation: float | None
    placed_mtok: float
    usd_per_mtok: float | None


@dataclass(frozen=True)
class PriceRow:
    """One limit and what it is worth.

    Attributes
    ----------
    value : mean over the periods in which it is not zero.
    unit : unit of ``value``.
    periods : in how many periods it is not zero; None for limits over the horizon.
    worth_usd : saved over the horizon if the limit were 1 % wider, at the margin, as
        :class:`~optimizer.evaluation.shadows.family.Family` says for each family.
    """

    family: str
    name: str
    value: float
    unit: str
    periods: int | None
    worth_usd: float


@dataclass(frozen=True)
class Breakdown:
    """A result by pool, provider, chip, model and basis, and how its fleet is run."""

    pools: tuple[PoolRow, ...]
    share_of_compute: dict[str, float]
    share_of_compute_by_chip: dict[str, float]
    usd_per_mtok_by_model: dict[str, float | None]
    mtok_by_model: dict[str, tuple[float, float]]
    cost_usd_by_basis: dict[str, float]
    top_prices: tuple[PriceRow, ...]
    fleet: FleetRows


def breakdown(result: Result) -> Breakdown:
    """Break a result down; everything is empty when there is no plan."""
    found = result.evaluation
    if found is None or not found.verified:
        return Breakdown((), {}, {}, {}, {}, {}, (), FleetRows())
    instance = result.instance
    used = found.held_chip_hours.sum(axis=1)
    models = instance.workloads.model
    usd, mtok = _by(models, found.workload_usd), _by(models, found.placed_mtok)
    unserved = _by(models, found.unserved_mtok)
    return Breakdown(
        pools=_pool_rows(instance, found, used),
        share_of_compute=_parts(instance.pools.provider, used),
        share_of_compute_by_chip=_parts(instance.pools.chip, used),
        usd_per_mtok_by_model={m: usd[m] / mtok[m] if mtok[m] > 0 else None for m in usd},
        mtok_by_model={m: (mtok[m], unserved[m]) for m in mtok},
        cost_usd_by_basis=_by_basis(instance, found),
        top_prices=top_prices(result.families),
        fleet=fleet_rows(result),
    )


def top_prices(families: tuple[Family, ...], count: int = TOP) -> tuple[PriceRow, ...]:
    """The limits worth most; the cost of demand is no limit and is not among them."""
    rows = []
    for family in families:
        if family.family in ("demand", "deadline"):
            continue
        for row in np.argsort(-family.worth_usd, kind="stable")[:count].tolist():
            worth = float(family.worth_usd[row])
            if worth <= 0:
                continue
            value = family.value[row]
            known = value[value > 0]
            rows.append(
                PriceRow(
                    family.family,
                    family.names[row],
                    float(known.mean()),
                    UNITS[family.family],
                    None if family.horizon else len(known),
                    worth,
                )
            )
    return tuple(sorted(rows, key=lambda row: (-row.worth_usd, row.family, row.name))[:count])


def _pool_rows(instance: Instance, found: Evaluation, used: Float) -> tuple[PoolRow, ...]:
    pools = instance.pools
    available = found.available_chip_hours.sum(axis=1)
    rows = []
    for p, name in enumerate(pools.pool):
        usd = float(found.pool_chip_usd[p] + found.pool_route_usd[p])
        mtok = float(found.pool_mtok[p])
        rows.append(
            PoolRow(
                name,
                pools.provider[p],
                pools.chip[p],
                pools.region[p],
                pools.purchase[p],
                usd,
                float(used[p]),
                float(available[p]),
                float(used[p] / available[p]) if available[p] > 0 else None,
                mtok,
                usd / mtok if mtok > 0 else None,
            )
        )
    return tuple(rows)


def _by(labels: Labels, amount: Float) -> dict[str, float]:
    sums = np.bincount(labels.codes, amount, len(labels.names))
    return dict(zip(labels.names, sums.tolist(), strict=True))


def _parts(labels: Labels, amount: Float) -> dict[str, float]:
    total = float(amount.sum())
    return {
        name: (value / total if total > 0 else 0.0) for name, value in _by(labels, amount).items()
    }


def _by_basis(instance: Instance, found: Evaluation) -> dict[str, float]:
    """Cost by how firm the number behind it is: all parts, so that it adds up to the cost.

    Chips, fees of pools and routes by their pool, contracts and their fees by the contract, starts
    by the row of replicas, the penalty by the workload.
    """
    contracts, lanes = instance.contracts, instance.replica_rows
    bought = np.bincount(contracts.pool, found.contract_usd, instance.num_pools)
    chips = found.pool_chip_usd - bought + found.pool_route_usd + found.pool_activation_usd
    terms = [(instance.pools.basis, chips)]
    fees = np.where(found.blocks > 0, contracts.activation_usd, 0.0)
    terms.append((contracts.basis, found.contract_usd + fees))
    penalty = found.unserved_mtok * instance.workloads.unserved_usd_per_mtok
    terms.append((instance.workloads.basis, penalty))
    starts = np.zeros(len(instance.replicas.model))
    counted = (lanes >= 0) & ~instance.left_out
    np.add.at(starts, lanes[counted], found.starts[counted])
    terms.append((instance.replicas.basis, starts * instance.replicas.startup_usd))
    sums: dict[str, float] = {}
    for labels, amount in terms:
        for basis, usd in _by(labels, amount).items():
            sums[basis] = sums.get(basis, 0.0) + usd
    return {basis: usd for basis, usd in sorted(sums.items()) if usd > 0}

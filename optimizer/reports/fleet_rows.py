"""How the fleet of a plan is run, as a planner wants it: replicas, contracts, outages, power."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optimizer.evaluation.evaluate import Evaluation
from optimizer.instance.groups import group_mask
from optimizer.instance.instance import Instance
from optimizer.plan import Plan
from optimizer.result import Result


@dataclass(frozen=True)
class ReplicaRow:
    """Replicas of one model on all pools together.

    Attributes
    ----------
    peak, mean : most of any period, and mean over the horizon.
    starts, stops : started and stopped over the horizon, moves between pools included.
    """

    model: str
    peak: float
    mean: float
    starts: float
    stops: float


@dataclass(frozen=True)
class ContractRow:
    """One contract of which blocks are bought.

    Attributes
    ----------
    chips : of all its blocks together.
    usd : paid for them over the periods in force, the fee included.
    """

    contract: str
    pool: str
    blocks: float
    max_blocks: int
    chips: float
    usd: float


@dataclass(frozen=True)
class OutageRow:
    """One loss that the plan survives.

    Attributes
    ----------
    reserve_chips : most chips in reserve in any period on pools that are not lost.
    failover_mtok : Mtok that would be served elsewhere, were the group lost in every period.
    """

    outage: str
    attribute: str
    value: str
    served: float
    reserve_chips: float
    failover_mtok: float


@dataclass(frozen=True)
class PowerRow:
    """One limit on power and the most that is drawn under it in any period."""

    limit: str
    peak_mw: float
    max_mw: float


@dataclass(frozen=True)
class Budget:
    """The budget, and what the plan spends of it."""

    budget_usd: float
    spent_usd: float


@dataclass(frozen=True)
class FleetRows:
    """All of it; what an instance has no rules for is empty."""

    replicas: tuple[ReplicaRow, ...] = ()
    contracts: tuple[ContractRow, ...] = ()
    outages: tuple[OutageRow, ...] = ()
    power: tuple[PowerRow, ...] = ()
    budget: Budget | None = None


def fleet_rows(result: Result) -> FleetRows:
    """Look a verified result through."""
    instance, found, plan = result.instance, result.evaluation, result.plan
    if found is None or plan is None or not found.verified:
        return FleetRows()
    limit = instance.budget_usd
    return FleetRows(
        replicas=tuple(_replicas(instance, found)),
        contracts=tuple(_contracts(instance, found)),
        outages=tuple(_outages(instance, found, plan)),
        power=tuple(_power(instance, found)),
        budget=None if limit is None else Budget(float(limit), found.spent_usd),
    )


def _replicas(instance: Instance, found: Evaluation) -> Iterator[ReplicaRow]:
    """Models that run in replicas anywhere."""
    models = len(instance.model_names)
    running = np.zeros((models, instance.num_periods))
    model, _, period = found.replicas.axes
    np.add.at(running, (model, period), found.replicas.value)
    for m in np.flatnonzero((instance.replica_rows >= 0).any(axis=1)).tolist():
        yield ReplicaRow(
            instance.model_names[m],
            float(running[m].max()),
            float(running[m].mean()),
            float(found.starts[m].sum()),
            float(found.stops[m].sum()),
        )


def _contracts(instance: Instance, found: Evaluation) -> Iterator[ContractRow]:
    table = instance.contracts
    for c in np.flatnonzero(found.blocks > 0).tolist():
        yield ContractRow(
            table.contract[c],
            instance.pools.pool[int(table.pool[c])],
            float(found.blocks[c]),
            int(table.max_blocks[c]),
            float(found.blocks[c] * table.block_chips[c]),
            float(found.contract_usd[c] + table.activation_usd[c]),
        )


def _outages(instance: Instance, found: Evaluation, plan: Plan) -> Iterator[OutageRow]:
    table, cells = instance.outages, plan.failover
    for g, name in enumerate(table.outage):
        lost = group_mask(instance.pools, table.attribute[g], table.value[g])
        held = found.reserve_chip_hours[~lost].sum(axis=0)
        yield OutageRow(
            name,
            table.attribute[g],
            table.value[g],
            float(table.served[g]),
            float(held.max()) / instance.period_hours,
            float(cells.value[cells.axes[0] == g].sum()),
        )


def _power(instance: Instance, found: Evaluation) -> Iterator[PowerRow]:
    for e, name in enumerate(instance.power.limit):
        yield PowerRow(name, float(found.power_mw[e].max()), float(instance.power.max_mw[e]))

"""Rows of the tables that say how a fleet is run, as plain records, and the tables of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from optimizer.instance.fleet_tables import (
    LAST_PERIOD,
    Contracts,
    InForce,
    Models,
    Outages,
    Power,
    Qualification,
    Replicas,
)
from optimizer.instance.in_memory import table_of
from optimizer.instance.labels import Labels

NAN = float("nan")


@dataclass(frozen=True)
class ReplicaRow:
    """A model that runs in whole replicas on a chip; None = any number of changes."""

    model: str
    chip: str
    chips_per_replica: float
    target_utilisation: float = 1.0
    startup_usd: float = 0.0
    startup_hours: float = 0.0
    max_changes_per_period: float | None = None


@dataclass(frozen=True)
class ContractRow:
    """Blocks on offer; the last period of the default is past every horizon."""

    name: str
    pool: str
    block_chips: float
    usd_per_chip_hour: float
    first_period: int = 0
    last_period: int = LAST_PERIOD
    max_blocks: int = 1
    activation_usd: float = 0.0


@dataclass(frozen=True)
class OutageRow:
    """A group of pools that is lost at once, and the part to be served without it."""

    name: str
    attribute: str
    value: str
    served: float = 1.0


@dataclass(frozen=True)
class PowerRow:
    """A limit on what a group of pools draws."""

    name: str
    attribute: str
    value: str
    max_mw: float


@dataclass(frozen=True)
class QualificationRow:
    """A chip that a model may run on, from some hours after the start; None = always."""

    model: str
    chip: str
    use: str = "both"
    from_hours: float | None = None


@dataclass(frozen=True)
class FleetRows:
    """All such tables of a problem; min_replicas by model, in_force by model and pool."""

    min_replicas: tuple[tuple[str, int], ...] = ()
    replicas: tuple[ReplicaRow, ...] = ()
    in_force: tuple[tuple[str, str, int], ...] = ()
    contracts: tuple[ContractRow, ...] = ()
    outages: tuple[OutageRow, ...] = ()
    power: tuple[PowerRow, ...] = ()
    qualification: tuple[QualificationRow, ...] = ()

    def tables(self, pool_at: Mapping[str, int], start: datetime) -> dict[str, Any]:
        """Tables by the name of the attribute of an instance."""
        return {
            "models": _models(self.min_replicas),
            "replicas": _replicas(self.replicas),
            "in_force": _in_force(self.in_force, pool_at),
            "contracts": _contracts(self.contracts, pool_at),
            "outages": _outages(self.outages),
            "power": _power(self.power),
            "qualification": _qualification(self.qualification, start),
        }


def _models(rows: tuple[tuple[str, int], ...]) -> Models:
    return table_of(
        Models,
        len(rows),
        model=tuple(name for name, _ in rows),
        min_replicas=np.array([least for _, least in rows], np.int64),
    )


def _replicas(rows: tuple[ReplicaRow, ...]) -> Replicas:
    return table_of(
        Replicas,
        len(rows),
        model=Labels.of(row.model for row in rows),
        chip=Labels.of(row.chip for row in rows),
        chips_per_replica=_numbers([row.chips_per_replica for row in rows]),
        target_utilisation=_numbers([row.target_utilisation for row in rows]),
        startup_usd=_numbers([row.startup_usd for row in rows]),
        startup_hours=_numbers([row.startup_hours for row in rows]),
        max_changes_per_period=_numbers([row.max_changes_per_period for row in rows]),
    )


def _in_force(rows: tuple[tuple[str, str, int], ...], pool_at: Mapping[str, int]) -> InForce:
    return table_of(
        InForce,
        len(rows),
        model=Labels.of(model for model, _, _ in rows),
        pool=np.array([pool_at[pool] for _, pool, _ in rows], np.int32),
        replicas=np.array([count for _, _, count in rows], np.int64),
    )


def _contracts(rows: tuple[ContractRow, ...], pool_at: Mapping[str, int]) -> Contracts:
    return table_of(
        Contracts,
        len(rows),
        contract=tuple(row.name for row in rows),
        pool=np.array([pool_at[row.pool] for row in rows], np.int32),
        block_chips=_numbers([row.block_chips for row in rows]),
        usd_per_chip_hour=_numbers([row.usd_per_chip_hour for row in rows]),
        first_period=np.array([row.first_period for row in rows], np.int64),
        last_period=np.array([row.last_period for row in rows], np.int64),
        max_blocks=np.array([row.max_blocks for row in rows], np.int64),
        activation_usd=_numbers([row.activation_usd for row in rows]),
    )


def _outages(rows: tuple[OutageRow, ...]) -> Outages:
    return table_of(
        Outages,
        len(rows),
        outage=tuple(row.name for row in rows),
        attribute=Labels.of(row.attribute for row in rows),
        value=Labels.of(row.value for row in rows),
        served=_numbers([row.served for row in rows]),
    )


def _power(rows: tuple[PowerRow, ...]) -> Power:
    return table_of(
        Power,
        len(rows),
        limit=tuple(row.name for row in rows),
        attribute=Labels.of(row.attribute for row in rows),
        value=Labels.of(row.value for row in rows),
        max_mw=_numbers([row.max_mw for row in rows]),
    )


def _qualification(rows: tuple[QualificationRow, ...], start: datetime) -> Qualification:
    hours = _numbers([row.from_hours for row in rows])
    return table_of(
        Qualification,
        len(rows),
        model=Labels.of(row.model for row in rows),
        chip=Labels.of(row.chip for row in rows),
        use=Labels.of(row.use for row in rows),
        qualified_from=start.timestamp() + 3600.0 * hours,
    )


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([NAN if value is None else value for value in values], np.float64)

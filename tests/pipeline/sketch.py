"""A planning problem as plain rows, easy to draw, print, shrink and transform.

``Sketch.build`` turns the rows into an :class:`~optimizer.instance.instance.Instance`;
the columns that no test cares about get the declared defaults of the format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from optimizer.instance.declare import columns_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.tables import Pools, Residency, Routes, Shares, Sources, Workloads
from tests.pipeline.fleet_rows import FleetRows

NAN = float("nan")
START = datetime(2026, 5, 4, tzinfo=UTC)


@dataclass(frozen=True)
class WorkloadRow:
    """A workload with its demand; no regions = any region."""

    name: str
    unserved_usd_per_mtok: float
    demand_mtok: tuple[float, ...]
    deadline_periods: int = 0
    regions: tuple[str, ...] = ()
    single_pool: bool = False
    model: str = "model"
    traffic_class: str = "interactive"
    protected: bool = False
    priority: int = 1


@dataclass(frozen=True)
class PoolRow:
    """A pool with its price and capacity in each period; a price of None is not known."""

    name: str
    usd_per_chip_hour: tuple[float | None, ...]
    capacity_chips: tuple[float, ...]
    purchase: str = "on_demand"
    provider: str = "north"
    chip: str = "alpha"
    region: str = "east"
    activation_usd: float = 0.0
    watts_per_chip: float | None = None

    @property
    def left_out(self) -> bool:
        """Whether the price of some period is not known."""
        return any(price is None for price in self.usd_per_chip_hour)

    def label(self, attribute: str) -> str:
        """Value of the column that a share may group by."""
        columns = {"provider": self.provider, "chip": self.chip, "region": self.region}
        return self.name if attribute == "pool" else columns[attribute]


@dataclass(frozen=True)
class RouteRow:
    """A pair of names that may be used."""

    workload: str
    pool: str
    chip_hours_per_mtok: float = 1.0
    usd_per_mtok: float = 0.0


@dataclass(frozen=True)
class ShareRow:
    """A limit on the part that a group holds; None = not limited on that side."""

    name: str
    attribute: str
    value: str
    measure: str
    min: float | None = None
    max: float | None = None
    per: str = "horizon"


@dataclass(frozen=True)
class Sketch:
    """Rows in any order; all workloads and pools have as many periods."""

    workloads: tuple[WorkloadRow, ...]
    pools: tuple[PoolRow, ...]
    routes: tuple[RouteRow, ...]
    shares: tuple[ShareRow, ...] = ()
    period_hours: float = 1.0
    fleet: FleetRows = field(default_factory=FleetRows)
    budget_usd: float | None = None

    def build(self) -> Instance:
        """Make the instance that these rows describe."""
        return Instance(
            name="sketch",
            start=START,
            period_hours=self.period_hours,
            workloads=_workloads(self.workloads),
            pools=_pools(self.pools),
            routes=_routes(self),
            shares=_shares(self.shares),
            residency=_residency(self.workloads),
            sources=_table(Sources, 0, source=(), address=Labels.of([])),
            demand_mtok=_matrix([row.demand_mtok for row in self.workloads]),
            capacity_chips=_matrix([row.capacity_chips for row in self.pools]),
            price_usd_per_chip_hour=_matrix([row.usd_per_chip_hour for row in self.pools]),
            budget_usd=self.budget_usd,
            **self.fleet.tables({row.name: at for at, row in enumerate(self.pools)}, START),
        )


def _workloads(rows: tuple[WorkloadRow, ...]) -> Workloads:
    return _table(
        Workloads,
        len(rows),
        workload=tuple(row.name for row in rows),
        model=Labels.of(row.model for row in rows),
        traffic_class=Labels.of(row.traffic_class for row in rows),
        region=Labels.of("origin" for _ in rows),
        unserved_usd_per_mtok=_numbers([row.unserved_usd_per_mtok for row in rows]),
        deadline_periods=np.array([row.deadline_periods for row in rows], np.int64),
        single_pool=np.array([row.single_pool for row in rows], np.bool_),
        protected=np.array([row.protected for row in rows], np.bool_),
        priority=np.array([row.priority for row in rows], np.int64),
    )


def _pools(rows: tuple[PoolRow, ...]) -> Pools:
    return _table(
        Pools,
        len(rows),
        pool=tuple(row.name for row in rows),
        provider=Labels.of(row.provider for row in rows),
        chip=Labels.of(row.chip for row in rows),
        region=Labels.of(row.region for row in rows),
        purchase=Labels.of(row.purchase for row in rows),
        usd_per_chip_hour=_numbers([row.usd_per_chip_hour[0] for row in rows]),
        activation_usd=_numbers([row.activation_usd for row in rows]),
        watts_per_chip=_numbers([row.watts_per_chip for row in rows]),
    )


def _routes(sketch: Sketch) -> Routes:
    workload_at = {row.name: index for index, row in enumerate(sketch.workloads)}
    pool_at = {row.name: index for index, row in enumerate(sketch.pools)}
    rows = sorted(sketch.routes, key=lambda row: (workload_at[row.workload], pool_at[row.pool]))
    return _table(
        Routes,
        len(rows),
        workload=np.array([workload_at[row.workload] for row in rows], np.int32),
        pool=np.array([pool_at[row.pool] for row in rows], np.int32),
        chip_hours_per_mtok=_numbers([row.chip_hours_per_mtok for row in rows]),
        usd_per_mtok=_numbers([row.usd_per_mtok for row in rows]),
    )


def _shares(rows: tuple[ShareRow, ...]) -> Shares:
    return _table(
        Shares,
        len(rows),
        share=tuple(row.name for row in rows),
        attribute=Labels.of(row.attribute for row in rows),
        value=Labels.of(row.value for row in rows),
        measure=Labels.of(row.measure for row in rows),
        min=_numbers([row.min for row in rows]),
        max=_numbers([row.max for row in rows]),
        per=Labels.of(row.per for row in rows),
    )


def _residency(rows: tuple[WorkloadRow, ...]) -> Residency:
    pairs = [(index, region) for index, row in enumerate(rows) for region in row.regions]
    return _table(
        Residency,
        len(pairs),
        workload=np.array([index for index, _ in pairs], np.int32),
        region=Labels.of(region for _, region in pairs),
    )


def _table(record: type[Any], length: int, **given: Any) -> Any:
    """Make a table from the columns given and the declared default of every other one."""
    dtypes = {"number": np.float64, "integer": np.int64, "boolean": np.bool_}
    columns = dict(given)
    for name, declared in columns_of(record):
        if name in columns:
            continue
        if declared.kind == "label":
            columns[name] = Labels.of([declared.default] * length)
        else:
            columns[name] = np.full(length, declared.default, dtypes[declared.kind])
    return record(**columns)


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array([NAN if value is None else value for value in values], np.float64)


def _matrix(rows: list[tuple[float | None, ...]]) -> np.ndarray:
    return np.array([_numbers(list(row)) for row in rows], np.float64)

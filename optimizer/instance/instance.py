"""The instance: one planning problem as frozen, validated arrays with names."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError
from optimizer.instance.labels import Labels
from optimizer.instance.rules import broken_rules
from optimizer.instance.tables import (
    Float,
    Index,
    Pools,
    Residency,
    Routes,
    Shares,
    Sources,
    Workloads,
)

__all__ = ["Instance"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Instance:
    """One planning problem: who asks for what, what could serve it, at what price.

    Axes are written W (workloads), P (pools), T (periods), R (routes), S (shares).
    Every array is read-only; a changed problem is a new instance.

    Attributes
    ----------
    name, title : what the instance is called, and in a few words what it is.
    start : beginning of period 0, with a time zone.
    period_hours : length of a period, in hours.
    workloads, pools, routes, shares, residency, sources : the tables.
    demand_mtok : (W, T) Mtok arriving.
    capacity_chips : (P, T) chips that can be used.
    price_usd_per_chip_hour : (P, T) price in force; NaN where no price is known.
    budget_usd : limit on the cost over the horizon, None when there is none.
    origin : file each table was read from, for messages; empty when made in memory.

    Raises
    ------
    InputError
        With every rule that the data break, all together.
    """

    name: str
    title: str = ""
    start: datetime
    period_hours: float = 1.0
    workloads: Workloads
    pools: Pools
    routes: Routes
    shares: Shares
    residency: Residency
    sources: Sources
    demand_mtok: Float
    capacity_chips: Float
    price_usd_per_chip_hour: Float
    budget_usd: float | None = None
    origin: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = broken_rules(self)
        if problems:
            raise InputError(problems)
        for array in self._arrays().values():
            array.flags.writeable = False

    @property
    def num_workloads(self) -> int:
        """Length of axis W."""
        return len(self.workloads.workload)

    @property
    def num_pools(self) -> int:
        """Length of axis P."""
        return len(self.pools.pool)

    @property
    def num_periods(self) -> int:
        """Length of axis T."""
        return int(self.demand_mtok.shape[1])

    @property
    def num_routes(self) -> int:
        """Length of axis R."""
        return len(self.routes.workload)

    @cached_property
    def reserved(self) -> NDArray[np.bool_]:
        """(P,) pools that are paid for whether used or not."""
        return self.pools.purchase.equal("reserved")

    @cached_property
    def left_out(self) -> NDArray[np.bool_]:
        """(P,) pools that take no part because a price is not known in every period."""
        return np.asarray(np.isnan(self.price_usd_per_chip_hour).any(axis=1))

    @cached_property
    def route_allowed(self) -> NDArray[np.bool_]:
        """(R,) routes that residency leaves open, whatever their price."""
        allowed = np.ones(self.num_routes, np.bool_)
        residency = self.residency
        if len(residency.workload) == 0:
            return allowed
        regions = self.pools.region
        # Region labels of the two tables have codes of their own; match them by text.
        code_of = {name: code for code, name in enumerate(regions.names)}
        codes = np.array([code_of[name] for name in residency.region.names], np.int64)
        pairs = residency.workload.astype(np.int64) * len(regions.names)
        pairs = pairs + codes[residency.region.codes]
        bound = np.zeros(self.num_workloads, np.bool_)
        bound[residency.workload] = True
        wanted = self.routes.workload.astype(np.int64) * len(regions.names)
        wanted = wanted + regions.codes[self.routes.pool]
        return np.asarray(~bound[self.routes.workload] | np.isin(wanted, pairs))

    def with_prices(self, usd_per_chip_hour: Mapping[str, float]) -> Instance:
        """Give some pools a price for the whole horizon.

        Parameters
        ----------
        usd_per_chip_hour : price in USD per chip-hour, by name of the pool.

        Raises
        ------
        InputError
            When a pool is not known or a price is not a finite number >= 0.
        """
        from optimizer.instance.rules import unknown_name

        price = self.price_usd_per_chip_hour.copy()
        own = self.pools.usd_per_chip_hour.copy()
        problems = []
        for pool, usd in usd_per_chip_hour.items():
            if pool not in self.pools.pool:
                problems.append(unknown_name("price", "pool", pool, self.pools.pool))
                continue
            position = self.pools.pool.index(pool)
            price[position] = usd
            own[position] = usd
        if problems:
            raise InputError(problems)
        pools = dataclasses.replace(self.pools, usd_per_chip_hour=own)
        return dataclasses.replace(self, pools=pools, price_usd_per_chip_hour=price)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, the same whatever files it was read from."""
        digest = hashlib.sha256()
        budget = None if self.budget_usd is None else float(self.budget_usd)
        start = self.start.astimezone(UTC).isoformat()
        head = (self.name, start, float(self.period_hours), budget)
        digest.update(repr(head).encode())
        for record in (self.workloads, self.pools, self.routes, self.shares, self.residency):
            for entry in dataclasses.fields(record):
                value = getattr(record, entry.name)
                digest.update(entry.name.encode())
                if isinstance(value, Labels):
                    value = value.compact()
                    digest.update("\0".join(value.names).encode())
                    value = value.codes
                if isinstance(value, tuple):
                    digest.update("\0".join(value).encode())
                else:
                    digest.update(np.ascontiguousarray(value).data)
        for matrix in (self.demand_mtok, self.capacity_chips, self.price_usd_per_chip_hour):
            digest.update(repr(matrix.shape).encode())
            digest.update(np.ascontiguousarray(matrix).data)
        return digest.hexdigest()

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        found: dict[str, NDArray[np.generic]] = {
            "demand": self.demand_mtok,
            "capacity": self.capacity_chips,
            "prices": self.price_usd_per_chip_hour,
        }
        for record in (self.workloads, self.pools, self.routes, self.shares, self.residency):
            for entry in dataclasses.fields(record):
                value = getattr(record, entry.name)
                if isinstance(value, Labels):
                    value = value.codes
                if isinstance(value, np.ndarray):
                    found[f"{type(record).__name__}.{entry.name}"] = value
        return found


def route_starts(instance: Instance) -> Index:
    """(W + 1,) where each workload's routes begin in the sorted route table."""
    bounds = np.searchsorted(instance.routes.workload, np.arange(instance.num_workloads + 1))
    return bounds.astype(np.int32)

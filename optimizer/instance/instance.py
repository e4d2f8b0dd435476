"""The instance: one planning problem as frozen, validated arrays with names."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.errors import InputError, UsageError
from optimizer.instance.fleet_tables import (
    Contracts,
    InForce,
    Models,
    Outages,
    Power,
    Qualification,
    Replicas,
)
from optimizer.instance.in_memory import compacted, table_of
from optimizer.instance.labels import Labels
from optimizer.instance.rules import broken_rules
from optimizer.instance.serving_tables import Chips, Exclusions, Network, Profiles, Throughputs
from optimizer.instance.tables import (
    TABLES,
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

    Axes are written W (workloads), P (pools), T (periods), R (routes), S (shares), M (models),
    C (contracts), G (outages), E (limits on power).
    Every array is read-only; a changed problem is a new instance.

    Attributes
    ----------
    name, title : what the instance is called, and in a few words what it is.
    start : beginning of period 0, with a time zone.
    period_hours : length of a period, in hours.
    workloads, pools, routes, shares, residency, sources : the tables.
    models, replicas, in_force, contracts, outages, power, qualification : the tables that say
        how the fleet is run; without rows when there are no such rules.
    chips, profiles, throughputs, network, exclusions : the tables that say what a chip delivers;
        :mod:`optimizer.serving` derives routes from them.
    demand_mtok : (W, T) Mtok arriving.
    capacity_chips : (P, T) chips that can be used.
    price_usd_per_chip_hour : (P, T) price in force; NaN where no price is known.
    budget_usd : limit on the cost over the horizon, None when there is none.
    replicas_shared_by : which workloads of a model share its replicas on a pool: all of the
        "model", those of a "traffic_class", or each "workload" has its own. Predictions of latency
        rest on it.
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
    models: Models = field(default_factory=lambda: table_of(Models, 0))
    replicas: Replicas = field(default_factory=lambda: table_of(Replicas, 0))
    in_force: InForce = field(default_factory=lambda: table_of(InForce, 0))
    contracts: Contracts = field(default_factory=lambda: table_of(Contracts, 0))
    outages: Outages = field(default_factory=lambda: table_of(Outages, 0))
    power: Power = field(default_factory=lambda: table_of(Power, 0))
    qualification: Qualification = field(default_factory=lambda: table_of(Qualification, 0))
    chips: Chips = field(default_factory=lambda: table_of(Chips, 0))
    profiles: Profiles = field(default_factory=lambda: table_of(Profiles, 0))
    throughputs: Throughputs = field(default_factory=lambda: table_of(Throughputs, 0))
    network: Network = field(default_factory=lambda: table_of(Network, 0))
    exclusions: Exclusions = field(default_factory=lambda: table_of(Exclusions, 0))
    demand_mtok: Float
    capacity_chips: Float
    price_usd_per_chip_hour: Float
    budget_usd: float | None = None
    replicas_shared_by: str = "traffic_class"
    origin: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Names that no row has would be models, chips and regions that are not there.
        for spec in TABLES:
            object.__setattr__(self, spec.name, compacted(getattr(self, spec.name)))
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

    @property
    def model_names(self) -> tuple[str, ...]:
        """Names of axis M: the models of the workloads; ``workloads.model.codes`` points here."""
        return self.workloads.model.names

    @cached_property
    def first_route(self) -> Index:
        """(W + 1,) where each workload's routes begin in the sorted route table."""
        # Numbers of the same type: others would make a copy of the column.
        each = np.arange(self.num_workloads + 1, dtype=np.int32)
        return np.searchsorted(self.routes.workload, each).astype(np.int32)

    @cached_property
    def replica_rows(self) -> NDArray[np.int32]:
        """(M, P) row of ``replicas`` for each model and pool, -1 where it needs none."""
        table = self.replicas
        rows = np.full((len(self.model_names), self.num_pools), -1, np.int32)
        model_of = {name: code for code, name in enumerate(self.model_names)}
        for row in range(len(table.model)):
            if table.model[row] in model_of:
                rows[model_of[table.model[row]], self.pools.chip.equal(table.chip[row])] = row
        return rows

    @cached_property
    def in_force_replicas(self) -> NDArray[np.int64] | None:
        """(M, P) replicas that run before period 0; None when nothing is said about them."""
        table = self.in_force
        if len(table.model) == 0:
            return None
        model_of = {name: code for code, name in enumerate(self.model_names)}
        found = np.zeros((len(self.model_names), self.num_pools), np.int64)
        for row in range(len(table.model)):
            found[model_of[table.model[row]], table.pool[row]] = table.replicas[row]
        return found

    @cached_property
    def period_start_seconds(self) -> NDArray[np.float64]:
        """(T,) beginning of each period, in seconds since 1970 in UTC."""
        # Rounded to microseconds, as start is: hours as 1/7 must meet the full hour again.
        seconds = np.round(np.arange(self.num_periods) * (self.period_hours * 3600), 6)
        return np.asarray(self.start.timestamp() + seconds)

    @cached_property
    def contract_in_force(self) -> NDArray[np.bool_]:
        """(C, T) periods in which a contract, if bought, adds its chips."""
        periods = np.arange(self.num_periods)
        table = self.contracts
        begun = periods[None, :] >= table.first_period[:, None]
        return np.asarray(begun & (periods[None, :] <= table.last_period[:, None]))

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

    def with_prices(self, usd_per_chip_hour: Mapping[str, float | ArrayLike]) -> Instance:
        """Give some pools a price for the whole horizon, or one for each period.

        Parameters
        ----------
        usd_per_chip_hour : price in USD per chip-hour, or (T,) prices, by name of the pool.

        Raises
        ------
        InputError
            When a pool is not known or a price is not a finite number >= 0.
        UsageError
            When there are several prices and not as many as periods.
        """
        from optimizer.instance.groups import unknown_name

        price = self.price_usd_per_chip_hour.copy()
        own = self.pools.usd_per_chip_hour.copy()
        problems = []
        for pool, usd in usd_per_chip_hour.items():
            if pool not in self.pools.pool:
                problems.append(unknown_name("price", "pool", pool, self.pools.pool))
                continue
            given = np.asarray(usd, np.float64)
            if given.shape not in ((), (self.num_periods,)):
                raise UsageError(
                    f"price of {pool}: expected one number or {self.num_periods}, one a period, "
                    f"got shape {given.shape}"
                )
            position = self.pools.pool.index(pool)
            price[position] = given
            if given.ndim == 0:
                own[position] = given
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
        head = (self.name, start, float(self.period_hours), budget, self.replicas_shared_by)
        digest.update(repr(head).encode())
        for record in self._tables():
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

    def _tables(self) -> list[Any]:
        """Tables that say something about the problem: all but the references."""
        return [getattr(self, spec.name) for spec in TABLES if spec.name != "sources"]

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        found: dict[str, NDArray[np.generic]] = {
            "demand": self.demand_mtok,
            "capacity": self.capacity_chips,
            "prices": self.price_usd_per_chip_hour,
        }
        for record in self._tables():
            for entry in dataclasses.fields(record):
                value = getattr(record, entry.name)
                if isinstance(value, Labels):
                    value = value.codes
                if isinstance(value, np.ndarray):
                    found[f"{type(record).__name__}.{entry.name}"] = value
        return found


def route_starts(instance: Instance) -> Index:
    """(W + 1,) where each workload's routes begin in the sorted route table."""
    return instance.first_route

"""The plan: the answer in the user's terms, kept sparse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.instance.table import Table, text_of

if TYPE_CHECKING:
    import polars as pl

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]

__all__ = ["Cells", "Plan"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Numbers at some places of a matrix; everywhere else it is zero.

    Attributes
    ----------
    axes : positions along each axis, (N,) each.
    value : (N,) numbers, none of them zero.
    """

    axes: tuple[Index, ...]
    value: Float

    def __post_init__(self) -> None:
        for axis in self.axes:
            axis.flags.writeable = False
        self.value.flags.writeable = False

    def __len__(self) -> int:
        return len(self.value)

    @classmethod
    def of(cls, axes: tuple[Index, ...], value: Float) -> Cells:
        """Cells in any order: sorted by their axes, those that are not above zero dropped."""
        kept = np.flatnonzero(value > 0)
        order = kept[np.lexsort(tuple(axis[kept] for axis in axes[::-1]))]
        return cls(tuple(axis[order].astype(np.int32) for axis in axes), value[order])

    @classmethod
    def of_dense(cls, matrix: NDArray[np.floating] | NDArray[np.integer]) -> Cells:
        """Cells of a matrix of any number of axes."""
        where = np.nonzero(matrix > 0)
        value = np.asarray(matrix[where], np.float64)
        return cls(tuple(axis.astype(np.int32) for axis in where), value)

    def dense(self, shape: tuple[int, ...]) -> Float:
        """The matrix."""
        matrix = np.zeros(shape)
        matrix[self.axes] = self.value
        return matrix


def no_cells(axes: int) -> Cells:
    """No cell at all of a matrix with so many axes."""
    return Cells(tuple(np.empty(0, np.int32) for _ in range(axes)), np.empty(0))


@dataclass(frozen=True, eq=False)
class Plan:
    """Mtok placed and given up, and how the fleet is run; what is not listed is zero.

    Rows are sorted by workload, then pool, then period. Axis K counts placements, axis U
    unserved cells; every integer is a position on an axis of the instance.

    Attributes
    ----------
    instance_digest : digest of the instance the plan is for.
    workloads, pools, models, contracts, outages : names of the axes, so that a plan can be
        read by itself.
    workload, pool, period : (K,) where tokens are placed.
    placed_mtok : (K,) how many.
    unserved_workload, unserved_period : (U,) where tokens are given up.
    unserved_mtok : (U,) how many.
    replicas : replicas that run, by model, pool and period; whole numbers.
    blocks : (C,) blocks bought of each contract; whole numbers.
    reserve : chip-hours held in reserve, by pool and period.
    failover : Mtok that would be served elsewhere, by outage, workload, pool and period.
    replica_groups : number, from 1, of the replicas that a workload shares on a pool with those
        of the same number, by workload and pool; where there is none it shares as policy has it.
    """

    instance_digest: str
    workloads: tuple[str, ...]
    pools: tuple[str, ...]
    models: tuple[str, ...]
    contracts: tuple[str, ...]
    outages: tuple[str, ...]
    workload: Index
    pool: Index
    period: Index
    placed_mtok: Float
    unserved_workload: Index
    unserved_period: Index
    unserved_mtok: Float
    replicas: Cells
    blocks: Float
    reserve: Cells
    failover: Cells
    replica_groups: Cells

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @classmethod
    def nothing_served(cls, instance: Instance) -> Plan:
        """The plan that gives every token up."""
        nowhere = np.empty(0, np.int32)
        return from_cells(instance, nowhere, nowhere, nowhere, np.empty(0), instance.demand_mtok)

    def placements(self, begin: int = 0, end: int | None = None) -> Table:
        """Names, periods and Mtok of placements, as an Arrow-ready table.

        Parameters
        ----------
        begin, end : first row that is meant, and the one after the last; all without them.
        """
        rows = slice(begin, end)
        return Table.of(
            workload=Table.names(self._workload_text, self.workload[rows]),
            pool=Table.names(self.pools, self.pool[rows]),
            period=self.period[rows],
            placed_mtok=self.placed_mtok[rows],
        )

    def unserved(self, begin: int = 0, end: int | None = None) -> Table:
        """Names, periods and Mtok of what is given up, as an Arrow-ready table; rows as above."""
        rows = slice(begin, end)
        return Table.of(
            workload=Table.names(self._workload_text, self.unserved_workload[rows]),
            period=self.unserved_period[rows],
            unserved_mtok=self.unserved_mtok[rows],
        )

    @cached_property
    def _workload_text(self) -> pl.Series:
        return text_of(self.workloads)

    def replica_table(self) -> Table:
        """Model, pool, period and number of the replicas that run, as an Arrow-ready table."""
        model, pool, period = self.replicas.axes
        return Table.of(
            model=Table.names(self.models, model),
            pool=Table.names(self.pools, pool),
            period=period,
            replicas=self.replicas.value.astype(np.int64),
        )

    def block_table(self) -> Table:
        """Contract and number of the blocks that are bought, as an Arrow-ready table."""
        bought = np.flatnonzero(self.blocks > 0).astype(np.int32)
        return Table.of(
            contract=Table.names(self.contracts, bought),
            blocks=self.blocks[bought].astype(np.int64),
        )

    def reserve_table(self) -> Table:
        """Pool, period and chip-hours held in reserve, as an Arrow-ready table."""
        pool, period = self.reserve.axes
        return Table.of(
            pool=Table.names(self.pools, pool),
            period=period,
            reserve_chip_hours=self.reserve.value,
        )

    def failover_table(self) -> Table:
        """Where protected tokens would go in each outage, as an Arrow-ready table."""
        outage, workload, pool, period = self.failover.axes
        return Table.of(
            outage=Table.names(self.outages, outage),
            workload=Table.names(self.workloads, workload),
            pool=Table.names(self.pools, pool),
            period=period,
            served_mtok=self.failover.value,
        )

    def replica_group_table(self) -> Table:
        """Workload, pool and number of the replicas it shares, where not all do that may."""
        workload, pool = self.replica_groups.axes
        return Table.of(
            workload=Table.names(self._workload_text, workload),
            pool=Table.names(self.pools, pool),
            replica_group=self.replica_groups.value.astype(np.int64),
        )

    def tables(self) -> Mapping[str, Table]:
        """Every table of the plan by the name of its file; those without rows only if basic."""
        return {"placements": self.placements(), "unserved": self.unserved(), **self._fleet()}

    def table_parts(self, rows: int) -> Mapping[str, Iterator[Table]]:
        """The same in parts of so many rows, made as they are asked for; at least one of each."""

        def parts(make: Callable[[int, int], Table], count: int) -> Iterator[Table]:
            for begin in range(0, max(count, 1), rows):
                yield make(begin, begin + rows)

        return {
            "placements": parts(self.placements, len(self.placed_mtok)),
            "unserved": parts(self.unserved, len(self.unserved_mtok)),
            **{name: iter((table,)) for name, table in self._fleet().items()},
        }

    def _fleet(self) -> Mapping[str, Table]:
        """Tables that say how the fleet is run, those with rows."""
        return {
            name: make()
            for name, cells, make in (
                ("replicas", len(self.replicas), self.replica_table),
                ("blocks", int((self.blocks > 0).sum()), self.block_table),
                ("reserve", len(self.reserve), self.reserve_table),
                ("failover", len(self.failover), self.failover_table),
                ("replica_groups", len(self.replica_groups), self.replica_group_table),
            )
            if cells
        }


def from_cells(
    instance: Instance,
    workload: Index,
    pool: Index,
    period: Index,
    placed_mtok: Float,
    unserved_mtok: Float | Cells,
    *,
    replicas: Cells | None = None,
    blocks: Float | None = None,
    reserve: Cells | None = None,
    failover: Cells | None = None,
    replica_groups: Cells | None = None,
) -> Plan:
    """Make a plan from placements in any order and unserved Mtok.

    Placements that are not above zero are dropped. Arrays that are in the plan's order already, and
    of its types, are taken over as they are and can not be written to any more.

    Parameters
    ----------
    unserved_mtok : (W, T) Mtok, or its cells by workload and period, sorted.
    """
    axes, mtok = _sorted_placements(instance.num_workloads, (workload, pool, period), placed_mtok)
    if not isinstance(unserved_mtok, Cells):
        unserved_mtok = Cells.of_dense(unserved_mtok)
    return Plan(
        instance_digest=instance.digest,
        workloads=instance.workloads.workload,
        pools=instance.pools.pool,
        models=instance.model_names,
        contracts=instance.contracts.contract,
        outages=instance.outages.outage,
        workload=axes[0],
        pool=axes[1],
        period=axes[2],
        placed_mtok=mtok,
        unserved_workload=unserved_mtok.axes[0],
        unserved_period=unserved_mtok.axes[1],
        unserved_mtok=unserved_mtok.value,
        replicas=no_cells(3) if replicas is None else replicas,
        blocks=np.zeros(len(instance.contracts.contract)) if blocks is None else np.array(blocks),
        reserve=no_cells(2) if reserve is None else reserve,
        failover=no_cells(4) if failover is None else failover,
        replica_groups=no_cells(2) if replica_groups is None else replica_groups,
    )


def _sorted_placements(
    workloads: int, axes: tuple[Index, Index, Index], amount: Float
) -> tuple[tuple[Index, Index, Index], Float]:
    """The same in the order of a plan."""
    from optimizer.kernels.plan_order import in_order, order_of

    who, where, when = (np.asarray(axis, np.int32) for axis in axes)
    amount = np.asarray(amount, np.float64)
    if not in_order(who, where, when, amount):
        _, order = order_of(who, where, when, amount, workloads)
        who, where, when, amount = who[order], where[order], when[order], amount[order]
    return (who, where, when), amount

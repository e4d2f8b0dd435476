"""The plan: the answer in the user's terms, kept sparse."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.instance.table import Table

Float = NDArray[np.float64]
Index = NDArray[np.int32]

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Mtok placed and given up; what is not listed is zero.

    Rows are sorted by workload, then pool, then period. Axis K counts placements, axis U
    unserved cells; every integer is a position on an axis of the instance.

    Attributes
    ----------
    instance_digest : digest of the instance the plan is for.
    workloads, pools : names of the axes, so that a plan can be read by itself.
    workload, pool, period : (K,) where tokens are placed.
    placed_mtok : (K,) how many.
    unserved_workload, unserved_period : (U,) where tokens are given up.
    unserved_mtok : (U,) how many.
    """

    instance_digest: str
    workloads: tuple[str, ...]
    pools: tuple[str, ...]
    workload: Index
    pool: Index
    period: Index
    placed_mtok: Float
    unserved_workload: Index
    unserved_period: Index
    unserved_mtok: Float

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

    def placements(self) -> Table:
        """Names, periods and Mtok of every placement, as an Arrow-ready table."""
        return Table.of(
            workload=Table.names(self.workloads, self.workload),
            pool=Table.names(self.pools, self.pool),
            period=self.period,
            placed_mtok=self.placed_mtok,
        )

    def unserved(self) -> Table:
        """Names, periods and Mtok of what is given up, as an Arrow-ready table."""
        return Table.of(
            workload=Table.names(self.workloads, self.unserved_workload),
            period=self.unserved_period,
            unserved_mtok=self.unserved_mtok,
        )


def from_cells(
    instance: Instance,
    workload: Index,
    pool: Index,
    period: Index,
    placed_mtok: Float,
    unserved_mtok: Float,
) -> Plan:
    """Make a plan from placements in any order and a (W, T) matrix of unserved Mtok.

    Cells that are zero are dropped.
    """
    kept = np.flatnonzero(placed_mtok > 0)
    order = kept[np.lexsort((period[kept], pool[kept], workload[kept]))]
    given_up, when = np.nonzero(unserved_mtok > 0)
    return Plan(
        instance_digest=instance.digest,
        workloads=instance.workloads.workload,
        pools=instance.pools.pool,
        workload=workload[order],
        pool=pool[order],
        period=period[order],
        placed_mtok=placed_mtok[order],
        unserved_workload=given_up.astype(np.int32),
        unserved_period=when.astype(np.int32),
        unserved_mtok=unserved_mtok[given_up, when],
    )

"""A program and what its rows and columns mean: values to plans and back, duals to prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.encode import encoded
from optimizer.model.fleet import fleet_of
from optimizer.model.multipliers import multipliers
from optimizer.model.repair import NOISE, settle_deferrable, unserved_after, without_noise
from optimizer.model.settle import given_up_in_turn, placed_in_turn, settled_failover
from optimizer.plan import Cells, Plan, from_cells
from optimizer.prices import Prices
from optimizer.program import Program

Float = NDArray[np.float64]
Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Model:
    """A program and what its rows and columns mean.

    Attributes
    ----------
    instance : what the program states.
    program : the matrices.
    columns : what the columns mean.
    rows : rows by name, -1 where there is none. By family:

        demand, deadline (W, T); capacity, paid (P, T); single_pool (W,), pinned (X,);
        signed (C,); share_max, share_min (S, T), a limit over the horizon with the same row in
        every period; replicas, starts, changes_up, changes_down (M, P, T); min_replicas (M, T);
        outages (G, W, T), failover_replicas (G, M, P, T), failover_chips (G, P, T);
        power (E, T); priority (R, T); budget (1,). Families that an instance or a formulation
        does not use have no entries, or no name.
    """

    instance: Instance
    program: Program
    columns: Columns
    rows: Mapping[str, Index]

    @property
    def capacity_rows(self) -> Index:
        """(P, T) row of each pool limit, -1 where none."""
        none = np.full(self.instance.capacity_chips.shape, -1, np.int32)
        return self.rows.get("capacity", none)

    @property
    def pinned_rows(self) -> Index:
        """(X,) row that links each placement of a pinned workload to the choice of its pool."""
        return self.rows.get("pinned", np.full(len(self.columns.place), -1, np.int32))

    def decode(self, instance: Instance, values: Float) -> Plan:
        """Turn column values into a plan, rounding noise removed."""
        columns = self.columns
        placed = placed_in_turn(instance, columns, values)
        placed, fleet = without_noise(instance, columns, placed, fleet_of(columns, values))
        given_up = np.zeros(instance.demand_mtok.shape)
        known = columns.unserved >= 0
        given_up[known] = values[columns.unserved[known]]
        placed, given_up = settle_deferrable(instance, columns, placed, given_up)
        at_once = instance.workloads.deadline_periods == 0
        given_up[at_once] = self._unserved_at_once(instance, placed, given_up)[at_once]
        found = columns.failover
        failover = settled_failover(instance, columns, values[found.column], placed)
        cell = found.cell
        return from_cells(
            instance,
            columns.workload,
            columns.pool,
            columns.period,
            placed,
            given_up_in_turn(instance, given_up),
            replicas=Cells.of_dense(fleet.replicas),
            blocks=fleet.blocks,
            reserve=Cells.of_dense(fleet.reserve),
            failover=Cells.of(
                (found.outage, columns.workload[cell], columns.pool[cell], columns.period[cell]),
                failover,
            ),
        )

    def encode(self, plan: Plan) -> Float:
        """Column values of a plan, all that follow from it included: (n,).

        A plan that keeps every rule becomes a feasible point, unless it uses the later of two
        equal pools. What it has no column for is left out.
        """
        return encoded(self.instance, self.program, self.columns, self.rows, plan)

    def _unserved_at_once(self, instance: Instance, placed: Float, given_up: Float) -> Float:
        """(W, T) the solver's own figure, or what is really missing where the two agree."""
        missing = unserved_after(instance, self.columns, placed)
        close = np.abs(missing - given_up) <= NOISE * instance.demand_mtok
        return np.asarray(np.where(close, missing, np.maximum(given_up, 0.0)))

    def prices(self, duals: Float) -> Prices:
        """Multipliers on the limits from the duals of the rows."""
        return multipliers(self.instance, self.program, self.columns, self.rows, duals)

"""The formulation: one field per family of rules, and the program they make together."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UnsupportedError
from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns, claim_columns, open_routes
from optimizer.model.constraints.activation import Activation
from optimizer.model.constraints.capacity import Capacity
from optimizer.model.constraints.deadline import Deadline
from optimizer.model.constraints.demand import Demand
from optimizer.model.constraints.shares import ShareRows, Shares, in_group
from optimizer.model.constraints.single_pool import SinglePool
from optimizer.model.costs import constant_usd, placement_usd_per_mtok
from optimizer.model.repair import NOISE, settle_deferrable, unserved_after, without_noise
from optimizer.plan import Plan, from_cells
from optimizer.prices import Prices
from optimizer.program import Program, ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Model:
    """A program and what its rows and columns mean.

    Attributes
    ----------
    program : the matrices.
    columns : what the columns mean.
    capacity_rows : (P, T) row of each pool limit, -1 where none.
    share_rows : row of each share limit.
    pinned_rows : (X,) row that links each placement of a pinned workload to the choice of its
        pool, -1 where none.
    """

    program: Program
    columns: Columns
    capacity_rows: Index
    share_rows: ShareRows
    pinned_rows: Index

    def decode(self, instance: Instance, values: Float) -> Plan:
        """Turn column values into a plan, rounding noise removed."""
        columns = self.columns
        placed = without_noise(instance, columns, values[columns.place])
        given_up = np.zeros(instance.demand_mtok.shape)
        known = columns.unserved >= 0
        given_up[known] = values[columns.unserved[known]]
        placed, given_up = settle_deferrable(instance, columns, placed, given_up)
        at_once = instance.workloads.deadline_periods == 0
        given_up[at_once] = self._unserved_at_once(instance, placed, given_up)[at_once]
        return from_cells(
            instance, columns.workload, columns.pool, columns.period, placed, given_up
        )

    def encode(self, plan: Plan) -> Float:
        """Column values of a plan, as far as decoding looks at them: (n,)."""
        columns = self.columns
        periods = columns.unserved.shape[1]
        values = np.zeros(self.program.num_columns)
        keys = _keys(columns.workload, columns.pool, columns.period, periods)
        wanted = _keys(plan.workload, plan.pool, plan.period, periods)
        where = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        if len(keys):
            known = keys[where] == wanted
            values[columns.place[where[known]]] = plan.placed_mtok[known]
        given_up = columns.unserved[plan.unserved_workload, plan.unserved_period]
        values[given_up] = plan.unserved_mtok
        return values

    def _unserved_at_once(self, instance: Instance, placed: Float, given_up: Float) -> Float:
        """(W, T) the solver's own figure, or what is really missing where the two agree."""
        missing = unserved_after(instance, self.columns, placed)
        close = np.abs(missing - given_up) <= NOISE * instance.demand_mtok
        return np.asarray(np.where(close, missing, np.maximum(given_up, 0.0)))

    def prices(self, duals: Float) -> Prices:
        """Multipliers on pool and share limits from the duals of the rows.

        A dual is the change of the least cost per unit of right-hand side, so that of a
        binding upper limit is <= 0 and that of a binding lower limit is >= 0.
        """
        return Prices(
            _worth(-duals, self.capacity_rows),
            _worth(-duals, self.share_rows.max),
            _worth(duals, self.share_rows.min),
        )


@dataclass(frozen=True)
class Formulation:
    """Which family is stated how; None leaves a family out, which only tests do.

    The order of the fields is the order of the rows. Routes that residency forbids and
    pools that are left out have no columns at all, so these two families cost nothing.
    """

    demand: Demand | None = Demand()
    deadline: Deadline | None = Deadline()
    activation: Activation | None = Activation()
    single_pool: SinglePool | None = SinglePool()
    capacity: Capacity | None = Capacity()
    shares: Shares | None = Shares()
    residency: bool = True

    def build(self, instance: Instance) -> Model:
        """State the instance as a program.

        Raises
        ------
        UnsupportedError
            When the instance has a rule that this formulation cannot state; no rule is
            ever dropped in silence.
        """
        refuse_unknown_rules(instance)
        builder = ProgramBuilder()
        routes = open_routes(instance, residency=self.residency)
        columns = claim_columns(builder, instance, placement_usd_per_mtok(instance, routes), routes)
        if self.demand is not None:
            self.demand.add(builder, instance, columns)
        if self.deadline is not None:
            self.deadline.add(builder, instance, columns)
        if self.activation is not None:
            self.activation.add(builder, instance, columns)
        pinned = np.full(len(columns.place), -1, np.int32)
        if self.single_pool is not None:
            pinned = self.single_pool.add(builder, instance, columns)
        capacity = np.full(instance.capacity_chips.shape, -1, np.int32)
        if self.capacity is not None:
            capacity = self.capacity.add(builder, instance, columns)
        none = np.full(len(instance.shares.share), -1, np.int32)
        shares = ShareRows(none, none, none)
        if self.shares is not None:
            shares = self.shares.add(builder, instance, columns)
        program = builder.build(constant_usd(instance))
        return Model(program, columns, capacity, shares, pinned)

    @classmethod
    def families(cls) -> tuple[str, ...]:
        """Names of the families, one per field."""
        return tuple(entry.name for entry in fields(cls))


def _worth(duals: Float, rows: Index) -> Float:
    """Values at some rows as multipliers: 0 where there is no row, never below 0."""
    worth = np.zeros(rows.shape)
    known = rows >= 0
    worth[known] = np.maximum(duals[rows[known]], 0.0)
    return worth


def _keys(workload: Index, pool: Index, period: Index, periods: int) -> NDArray[np.int64]:
    """One number per (workload, pool, period), ascending in the order of the columns."""
    pools = 2**31
    return (workload.astype(np.int64) * pools + pool) * periods + period


def refuse_unknown_rules(instance: Instance) -> None:
    """Raise when the instance asks for what no method of this version can keep."""
    asked = []
    if instance.budget_usd is not None:
        asked.append(f"limits.budget_usd = {instance.budget_usd:g}")
    if len(np.unique(instance.workloads.priority)) > 1:
        asked.append("priority with more than one value")
    if asked:
        raise UnsupportedError(
            "this version cannot keep these rules, and drops none in silence: "
            + "; ".join(asked)
            + ". Remove them from the instance to plan without them."
        )
    for position, name in enumerate(instance.shares.share):
        group = in_group(instance, position)
        if instance.shares.min[position] > 0 and bool(instance.left_out[group].all()):
            raise UnsupportedError(
                f"share {name!r} asks for at least {instance.shares.min[position]:g} of "
                f"{instance.shares.measure[position]} in pools that are all left out because "
                "their price is unknown: give a price (--price POOL=USD) or remove its min"
            )

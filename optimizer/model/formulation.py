"""The formulation: one field per family of rules, and the program they make together."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UnsupportedError
from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns, claim_columns, open_routes
from optimizer.model.constraints.activation import Activation
from optimizer.model.constraints.budget import Budget
from optimizer.model.constraints.capacity import Capacity
from optimizer.model.constraints.contracts import add_paid, claim_blocks
from optimizer.model.constraints.deadline import Deadline
from optimizer.model.constraints.demand import Demand
from optimizer.model.constraints.outages import Outages
from optimizer.model.constraints.power import Power
from optimizer.model.constraints.priority import Priority
from optimizer.model.constraints.qualification import qualified_cells
from optimizer.model.constraints.replicas import Replicas, claim_replicas
from optimizer.model.constraints.shares import Shares
from optimizer.model.constraints.single_pool import SinglePool
from optimizer.model.constraints.startup import Startup
from optimizer.model.costs import constant_usd, placement_usd_per_mtok
from optimizer.model.groups import pools_of
from optimizer.model.model import Model
from optimizer.program import ProgramBuilder

__all__ = ["Formulation", "Model", "refuse_unknown_rules"]

Index = NDArray[np.int32]


@dataclass(frozen=True)
class Formulation:
    """Which family is stated how; None or False leaves a family out, which only tests do.

    The order of the fields is the order of the rows. Cells that residency and qualification
    forbid and pools that are left out have no columns at all, so these families cost nothing.
    The rules on contracts are limits of columns: without them there are any number of blocks,
    and parts of blocks. What is decided stays in the program without the rules on it; only
    what a rule alone gives a meaning (starts, failover, fees, who gives way) goes with it.
    """

    demand: Demand | None = Demand()
    deadline: Deadline | None = Deadline()
    activation: Activation | None = Activation()
    single_pool: SinglePool | None = SinglePool()
    capacity: Capacity | None = Capacity()
    replicas: Replicas | None = Replicas()
    startup: Startup | None = Startup()
    outages: Outages | None = Outages()
    power: Power | None = Power()
    priority: Priority | None = Priority()
    shares: Shares | None = Shares()
    budget: Budget | None = Budget()
    contracts: bool = True
    residency: bool = True
    qualification: bool = True

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
        columns = self._claim(builder, instance)
        columns, paid = add_paid(builder, instance, columns)
        rows: dict[str, Index] = {"paid": paid}
        for family in (
            self.demand,
            self.deadline,
            self.activation,
            self.single_pool,
            self.capacity,
            self.replicas,
            self.startup,
            self.outages,
            self.power,
            self.priority,
            self.shares,
        ):
            if family is not None:
                rows |= family.add(builder, instance, columns)
        program = builder.build(constant_usd(instance))
        if self.budget is not None:
            program, limit = self.budget.stated(program, instance, columns)
            rows |= limit
        return Model(instance, program, columns, rows)

    def _claim(self, builder: ProgramBuilder, instance: Instance) -> Columns:
        """Claim every column that another family's rows may refer to."""
        routes = open_routes(instance, residency=self.residency)
        usd = placement_usd_per_mtok(instance, routes)
        qualified = qualified_cells(instance, routes) if self.qualification else None
        columns = claim_columns(builder, instance, usd, routes, qualified)
        columns = claim_replicas(builder, instance, columns)
        columns = claim_blocks(builder, instance, columns, whole=self.contracts)
        for family in (self.startup, self.outages, self.activation, self.priority):
            if family is not None:
                columns = family.claim(builder, instance, columns)
        return columns

    @classmethod
    def families(cls) -> tuple[str, ...]:
        """Names of the families, one per field."""
        return tuple(entry.name for entry in fields(cls))


def refuse_unknown_rules(instance: Instance) -> None:
    """Raise when the instance asks for what could only be kept by serving nothing."""
    shares = instance.shares
    for position, name in enumerate(shares.share):
        group = pools_of(instance, shares.attribute[position], shares.value[position])
        if shares.min[position] > 0 and bool(instance.left_out[group].all()):
            raise UnsupportedError(
                f"share {name!r} asks for at least {shares.min[position]:g} of "
                f"{shares.measure[position]} in pools that are all left out because "
                "their price is unknown: give a price (--price POOL=USD) or remove its min"
            )

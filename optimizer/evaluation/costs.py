"""The cost of a plan, recomputed from the instance alone (docs/problem.md, "Cost")."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import SPECK
from optimizer.instance.instance import Instance

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Costs:
    """Cost over the horizon by part, in USD.

    Attributes
    ----------
    reserved : reserved chips, in use or not.
    usage : chip-hours held on on_demand and spot pools, beyond the blocks bought there.
    contracts : chips of the blocks bought, in use or not.
    routes : the routes' own cost.
    startup : starts of replicas.
    activation : fees of the pools that serve or hold anything, and of the contracts bought.
    unserved : penalty for what is given up.
    """

    reserved: float
    usage: float
    contracts: float
    routes: float
    startup: float
    activation: float
    unserved: float

    @property
    def spent(self) -> float:
        """All but the penalty: what a budget limits."""
        return math.fsum(
            (
                self.reserved,
                self.usage,
                self.contracts,
                self.routes,
                self.startup,
                self.activation,
            )
        )

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return math.fsum((self.spent, self.unserved))


def reserved_usd(instance: Instance) -> Float:
    """(P, T) USD paid for reserved chips, used or not; 0 elsewhere and where left out."""
    paid = instance.reserved & ~instance.left_out
    usd = instance.price_usd_per_chip_hour * instance.capacity_chips * instance.period_hours
    return np.where(paid[:, None], usd, 0.0)


def usage_usd(instance: Instance, sums: Tally) -> Float:
    """(P, T) USD paid as held: what no block covers; 0 for reserved pools and left out ones."""
    paid = ~instance.reserved & ~instance.left_out
    hours = sums.held_chip_hours - sums.block_chips * instance.period_hours
    usd = instance.price_usd_per_chip_hour * np.maximum(hours, 0.0)
    return np.where(paid[:, None], usd, 0.0)


def contract_usd(instance: Instance, sums: Tally) -> Float:
    """(C, T) USD paid for the chips of each contract, used or not; 0 where left out."""
    table = instance.contracts
    blocks = np.where(instance.left_out[table.pool], 0.0, sums.blocks)
    usd = table.usd_per_chip_hour * table.block_chips * blocks * instance.period_hours
    return np.where(instance.contract_in_force, usd[:, None], 0.0)


def chip_usd(instance: Instance, sums: Tally) -> Float:
    """(P, T) USD paid for chips: reserved, as held, and by contract."""
    usd = reserved_usd(instance) + usage_usd(instance, sums)
    np.add.at(usd, instance.contracts.pool, contract_usd(instance, sums))
    return usd


def activation_usd(instance: Instance, sums: Tally) -> Float:
    """(P,) fee of each pool that serves or holds more than a speck."""
    used = (sums.pool_mtok.sum(axis=1) > SPECK) | (sums.held_chip_hours.sum(axis=1) > SPECK)
    return np.where(used & ~instance.left_out, instance.pools.activation_usd, 0.0)


def contract_fee_usd(instance: Instance, sums: Tally) -> Float:
    """(C,) fee of each contract of which a block is bought."""
    table = instance.contracts
    bought = (sums.blocks > SPECK) & ~instance.left_out[table.pool]
    return np.where(bought, table.activation_usd, 0.0)


def costs_of(instance: Instance, sums: Tally) -> Costs:
    """Cost of a plan that has been added up."""
    lanes = sums.lanes
    each = np.where(instance.left_out[lanes.pool], 0.0, lanes.startup_usd)
    penalty = instance.workloads.unserved_usd_per_mtok
    fees = (activation_usd(instance, sums), contract_fee_usd(instance, sums))
    return Costs(
        reserved=_total(reserved_usd(instance)),
        usage=_total(usage_usd(instance, sums)),
        contracts=_total(contract_usd(instance, sums)),
        routes=_total(sums.pool_route_usd),
        startup=_total(each[:, None] * sums.starts),
        activation=math.fsum(np.concatenate(fees).tolist()),
        unserved=math.fsum((sums.unserved_by_workload * penalty).tolist()),
    )


def _total(usd: Float) -> float:
    """Exact sum, rounded once; of numbers that no plan of sense has, whatever NumPy says."""
    try:
        return math.fsum(usd.ravel().tolist())
    except (OverflowError, ValueError):
        return float(usd.sum())

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
    usage : chip-hours used on on_demand and spot pools.
    routes : the routes' own cost.
    activation : fees of the pools that serve anything.
    unserved : penalty for what is given up.
    """

    reserved: float
    usage: float
    routes: float
    activation: float
    unserved: float

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return math.fsum((self.reserved, self.usage, self.routes, self.activation, self.unserved))


def pool_chip_usd(instance: Instance, load_chip_hours: Float) -> Float:
    """(P,) USD paid for chips: all of a reserved pool's, otherwise those used; 0 if left out."""
    paid = np.zeros(instance.num_pools)
    for pool in range(instance.num_pools):
        price = instance.price_usd_per_chip_hour[pool]
        if bool(np.isnan(price).any()):
            continue  # left out: nothing is bought there
        hours = load_chip_hours[pool]
        if instance.pools.purchase[pool] == "reserved":
            hours = instance.capacity_chips[pool] * instance.period_hours
        paid[pool] = math.fsum((price * hours).tolist())
    return paid


def costs_of(instance: Instance, sums: Tally) -> Costs:
    """Cost of a plan that has been added up."""
    chips = pool_chip_usd(instance, sums.load_chip_hours)
    reserved = [kind == "reserved" for kind in instance.pools.purchase.values()]
    penalty = instance.workloads.unserved_usd_per_mtok
    return Costs(
        reserved=math.fsum(usd for usd, flag in zip(chips, reserved, strict=True) if flag),
        usage=math.fsum(usd for usd, flag in zip(chips, reserved, strict=True) if not flag),
        routes=math.fsum(sums.pool_route_usd.tolist()),
        activation=math.fsum(activation_usd(instance, sums).tolist()),
        unserved=math.fsum((sums.unserved_mtok.sum(axis=1) * penalty).tolist()),
    )


def activation_usd(instance: Instance, sums: Tally) -> Float:
    """(P,) fee of each pool that serves more than a speck."""
    return np.where(sums.pool_mtok > SPECK, instance.pools.activation_usd, 0.0)


def pool_spend_usd(instance: Instance, sums: Tally) -> Float:
    """(P,) USD spent per pool, chips and routes: the measure "spend" of shares."""
    return pool_chip_usd(instance, sums.load_chip_hours) + sums.pool_route_usd

"""Terms of the objective, in USD over the horizon."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.fleet_data import runs_in_replicas
from optimizer.model.offer import block_chips, most_block_chips

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


def usage_usd_per_chip_hour(instance: Instance) -> Float:
    """(P, T) what one more chip-hour costs that no block covers: nothing on reserved pools.

    Pools that are left out get 0; no column refers to them.
    """
    price = np.where(instance.left_out[:, None], 0.0, instance.price_usd_per_chip_hour)
    return np.where(instance.reserved[:, None], 0.0, price)


def paid_apart(instance: Instance) -> Bool:
    """(P, T) where blocks may cover a part of what an on_demand or spot pool holds.

    What is paid there is no sum over what is held, and has a column of its own.
    """
    payable = ~instance.reserved & ~instance.left_out
    return np.asarray(payable[:, None] & (most_block_chips(instance) > 0))


def held_usd_per_chip_hour(instance: Instance) -> Float:
    """(P, T) cost of a chip-hour for whoever holds it; 0 where that is paid apart."""
    return np.where(paid_apart(instance), 0.0, usage_usd_per_chip_hour(instance))


def reserved_usd(instance: Instance) -> Float:
    """(P, T) what reserved chips cost, in use or not."""
    paid = (instance.reserved & ~instance.left_out)[:, None]
    price = np.where(paid, instance.price_usd_per_chip_hour, 0.0)
    return np.asarray(price * instance.capacity_chips * instance.period_hours)


def block_usd(instance: Instance) -> Float:
    """(C, T) what one block costs, borne by the periods in which it is in force."""
    price = instance.contracts.usd_per_chip_hour[:, None]
    return np.asarray(price * block_chips(instance) * instance.period_hours)


def route_usd_per_mtok(instance: Instance, routes: Index) -> Float:
    """(R', T) e[w,p] + a[w,p] c[p,t]: what a Mtok costs when it pays for its own chips."""
    table = instance.routes
    usage = usage_usd_per_chip_hour(instance)
    cost = table.chip_hours_per_mtok[routes][:, None] * usage[table.pool[routes]]
    cost += table.usd_per_mtok[routes][:, None]
    return np.asarray(cost)


def placement_usd_per_mtok(instance: Instance, routes: Index) -> Float:
    """(R', T) cost of a Mtok placed: e[w,p] + a[w,p] c[p,t].

    Where replicas hold the chips, or where what is held is paid apart, e[w,p] alone.
    """
    table = instance.routes
    pool = table.pool[routes]
    price = held_usd_per_chip_hour(instance)[pool]
    held = runs_in_replicas(instance, table.workload[routes], pool)
    hours = np.where(held, 0.0, table.chip_hours_per_mtok[routes])
    cost = hours[:, None] * price
    cost += table.usd_per_mtok[routes][:, None]
    return np.asarray(cost)


def constant_usd(instance: Instance) -> float:
    """Part of the cost that no decision changes."""
    return math.fsum(reserved_usd(instance).sum(axis=1).tolist())

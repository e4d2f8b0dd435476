"""Terms of the objective, in USD over the horizon."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]
Index = NDArray[np.int32]


def usage_usd_per_chip_hour(instance: Instance) -> Float:
    """(P, T) what one more chip-hour in use costs: nothing on reserved pools.

    Pools that are left out get 0; no column refers to them.
    """
    price = np.where(instance.left_out[:, None], 0.0, instance.price_usd_per_chip_hour)
    return np.where(instance.reserved[:, None], 0.0, price)


def reserved_usd(instance: Instance) -> Float:
    """(P,) what reserved chips cost over the horizon, in use or not."""
    paid = instance.reserved & ~instance.left_out
    hourly = instance.price_usd_per_chip_hour * instance.capacity_chips * instance.period_hours
    return np.where(paid, np.where(paid[:, None], hourly, 0.0).sum(axis=1), 0.0)


def placement_usd_per_mtok(instance: Instance, routes: Index) -> Float:
    """(R', T) cost of a Mtok placed: e[w,p] + a[w,p] c[p,t]."""
    table = instance.routes
    usage = usage_usd_per_chip_hour(instance)
    cost = table.chip_hours_per_mtok[routes][:, None] * usage[table.pool[routes]]
    cost += table.usd_per_mtok[routes][:, None]
    return np.asarray(cost)


def constant_usd(instance: Instance) -> float:
    """Part of the cost that no decision changes."""
    return math.fsum(reserved_usd(instance).tolist())

"""What a Mtok costs on each route at list price, whatever is scarce."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]


def chip_hours_per_mtok(instance: Instance) -> Float:
    """(R,) chip-hours that a Mtok holds: those of a full replica at its target utilisation."""
    table, rows = instance.routes, instance.replica_rows
    if len(instance.replicas.model) == 0:
        return table.chip_hours_per_mtok
    row = rows[instance.workloads.model.codes[table.workload], table.pool]
    target = np.where(row >= 0, instance.replicas.target_utilisation[row], 1.0)
    return np.asarray(table.chip_hours_per_mtok / target)


def list_usd_per_mtok(instance: Instance) -> Float:
    """(R, T) e + a c: the route's own cost and chip-hours at the pool's price, reserved or not.

    NaN where the price is not known.
    """
    price = instance.price_usd_per_chip_hour[instance.routes.pool]
    own = instance.routes.usd_per_mtok[:, None]
    return np.asarray(own + chip_hours_per_mtok(instance)[:, None] * price)


def least_paid_usd_per_mtok(instance: Instance) -> Float:
    """(R, T) least that serving one more Mtok can cost while nothing is scarce.

    Chips that are paid for anyway, reserved or of contracts, cost nothing more.
    """
    free = instance.reserved.copy()
    free[instance.contracts.pool[instance.contracts.max_blocks > 0]] = True
    pool = instance.routes.pool
    price = np.where(free[:, None], 0.0, instance.price_usd_per_chip_hour)[pool]
    own = instance.routes.usd_per_mtok[:, None]
    return np.asarray(own + chip_hours_per_mtok(instance)[:, None] * price)

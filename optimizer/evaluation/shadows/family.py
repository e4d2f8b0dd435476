"""A family of shadow prices: rows, values, and what the limit is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.kernels.blocks import over_blocks, row_blocks

Float = NDArray[np.float64]

POINT = 0.01
"""A point of share."""
PART = 0.01
"""How much wider a limit is made to say what it is worth."""

UNITS = {
    "demand": "USD/Mtok",
    "deadline": "USD/Mtok",
    "capacity": "USD/chip-hour",
    "shares": "USD/point",
    "replicas": "USD/chip-hour",
    "min_replicas": "USD/replica",
    "startup": "USD/replica",
    "contracts": "USD/block",
    "activation": "USD",
    "outages": "USD/point",
    "power": "USD/MWh",
    "budget": "USD/USD",
    "priority": "USD/Mtok",
    "deadline_extension": "USD/Mtok",
    "residency": "USD/Mtok",
    "qualification": "USD/Mtok",
}


@dataclass(frozen=True, eq=False)
class Family:
    """Shadow prices of one family.

    Attributes
    ----------
    family : its name, a key of ``UNITS``; shares that count by period and shares that count
        over the horizon are two records of one name.
    names : name of each row: workloads, pools, ``model@pool``, models or limits.
    value : (rows, T) per period, or (rows, 1) over the horizon.
    worth_usd : (rows,) USD saved over the horizon if the limit were 1 % wider: 1 % more
        chips, work, replicas, blocks, power or budget, a 1 % lower fee, one point of share or of
        what is protected, one period longer, no residency, no qualification or no priority for
        1 % of the tokens; for demand and deadline, the cost of 1 % more demand.
    horizon : whether a value is for the whole horizon.
    """

    family: str
    names: tuple[str, ...]
    value: Float
    worth_usd: Float
    horizon: bool = False


def named(names: tuple[str, ...], rows: NDArray[np.integer[Any]]) -> tuple[str, ...]:
    """Names at some positions of an axis."""
    return tuple(names[row] for row in rows.tolist())


def usd_over_horizon(instance: Instance, usd_per_mtok: Float) -> Float:
    """(W,) USD that all demand of each workload makes at so many USD per Mtok, (W, T)."""
    demand = instance.demand_mtok
    sums = over_blocks(
        lambda begin, end: (usd_per_mtok[begin:end] * demand[begin:end]).sum(axis=1),
        row_blocks(*demand.shape),
    )
    return np.concatenate([np.empty(0), *sums])

"""Prices of limits, spread over pools and periods: what a unit of each measure costs there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.groups import members
from optimizer.instance.instance import Instance
from optimizer.prices import Prices

Float = NDArray[np.float64]

WATTS_PER_MW = 1e6


@dataclass(frozen=True, eq=False)
class LimitPrices:
    """What the plan pays, at prices on limits, for what it does on a pool in a period.

    A price on a limit that the instance does not set proves nothing and is passed over; so is
    one on a pool that is left out, where nothing may happen.

    Attributes
    ----------
    weight : how often a USD of cost counts: 1, or 0 in a Farkas proof, and the budget's price.
    spend : (P, T) USD per USD spent there, from shares of spend; (P, 1) when always the same.
    tokens : (P, T) USD per Mtok placed there, or (P, 1).
    compute : (P, T) USD per chip-hour held there, or (P, 1).
    spend_less, tokens_less, compute_less : (P, T) or (P, 1), the negative parts of the three,
        as positive numbers: what rounding is measured against.
    capacity : (P, T) USD per chip-hour of the pool's limit.
    power : (P, T) USD per chip-hour held, for its power, or (P, 1).
    budget : USD per USD of the budget.
    """

    weight: float
    spend: Float
    tokens: Float
    compute: Float
    spend_less: Float
    tokens_less: Float
    compute_less: Float
    capacity: Float
    power: Float
    budget: float

    @property
    def factor(self) -> Float:
        """(P, T) or (P, 1) how often a USD spent on a pool counts, its share limits included."""
        return self.weight + self.spend


def limit_prices(instance: Instance, prices: Prices, weight: float = 1.0) -> LimitPrices:
    """Spread prices over pools and periods.

    For each share with multipliers, a unit of its measure adds ``max_usd (in group - max)``
    and ``min_usd (min - in group)``. Over the horizon one multiplier holds; of T that should
    be equal the smallest is believed.
    """
    budget = 0.0 if instance.budget_usd is None else float(prices.budget_usd_per_usd)
    units = {name: np.zeros((instance.num_pools, 1)) for name in ("spend", "tokens", "compute")}
    less = dict(units)
    shares = instance.shares
    groups = members(instance, shares).astype(np.float64)
    for position in range(len(shares.share)):
        measure = shares.measure[position]
        for sign, limit, usd in (
            (1.0, float(shares.max[position]), prices.share_max_usd[position]),
            (-1.0, float(shares.min[position]), prices.share_min_usd[position]),
        ):
            if shares.per[position] == "horizon":
                usd = usd.min(keepdims=True)
            if math.isnan(limit) or not bool((usd > 0).any()):
                continue
            term = sign * (groups[position] - limit)[:, None] * usd
            units[measure] = units[measure] + term
            less[measure] = less[measure] + np.maximum(-term, 0.0)
    power = np.zeros((instance.num_pools, 1))
    if bool((prices.power_usd_per_mwh > 0).any()):
        watts = np.nan_to_num(instance.pools.watts_per_chip) / WATTS_PER_MW
        counted = members(instance, instance.power) * watts
        power = counted.T @ prices.power_usd_per_mwh
    return LimitPrices(
        weight=weight + budget,
        spend=units["spend"],
        tokens=units["tokens"],
        compute=units["compute"],
        spend_less=less["spend"],
        tokens_less=less["tokens"],
        compute_less=less["compute"],
        capacity=np.where(instance.left_out[:, None], 0.0, prices.capacity_usd_per_chip_hour),
        power=power,
        budget=budget,
    )

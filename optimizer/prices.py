"""Prices: multipliers on the limits of the instance.

They are what a method hands to the judge beside its plan. The judge believes nothing
about them except their signs: any prices >= 0 give a valid bound, good ones a tight one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Prices:
    """Multipliers >= 0; axes as in :class:`~optimizer.instance.instance.Instance`.

    Attributes
    ----------
    capacity_usd_per_chip_hour : (P, T) worth of one more chip-hour, beyond its price.
    share_max_usd : (S, T) worth of one more unit of the measure above the max. Of a limit over
        the horizon the same in every period.
    share_min_usd : (S, T) worth of one unit of the measure less below the min; as above.
    power_usd_per_mwh : (E, T) worth of one more MWh.
    budget_usd_per_usd : () worth of one more USD of budget.
    replica_usd_per_chip_hour : (M, P, T) worth of one more chip-hour of work on the replicas.
    min_replicas_usd : (M, T) worth of one replica less asked for, by axis M.
    change_usd : (M, P, T) worth of one more change allowed.
    contract_usd : (C,) worth of one more block on offer.
    outage_usd_per_mtok : (G, W, T) worth of one Mtok less to be served after the loss.
    priority_usd_per_mtok : (W, T) worth of one Mtok that may be given up out of turn.
    """

    capacity_usd_per_chip_hour: Float
    share_max_usd: Float
    share_min_usd: Float
    power_usd_per_mwh: Float
    budget_usd_per_usd: Float
    replica_usd_per_chip_hour: Float
    min_replicas_usd: Float
    change_usd: Float
    contract_usd: Float
    outage_usd_per_mtok: Float
    priority_usd_per_mtok: Float

    def __post_init__(self) -> None:
        for entry in fields(self):
            array = getattr(self, entry.name)
            if not bool((np.isfinite(array) & (array >= 0)).all()):
                raise ValueError(f"prices, {entry.name}: expected finite numbers >= 0")
            array.flags.writeable = False

    @classmethod
    def none(cls, instance: Instance) -> Prices:
        """Prices of zero: what a method gives that knows none."""
        return cls.of(instance)

    @classmethod
    def of(cls, instance: Instance, **known: Float) -> Prices:
        """Prices of which only some are known; all others are zero.

        Families that an instance does not use have arrays without entries.

        Parameters
        ----------
        known : some of the attributes, by name, in their shapes.
        """
        shapes = shapes_of(instance)
        given = {
            name: np.array(np.broadcast_to(known[name], shape))
            if name in known
            else np.zeros(shape)
            for name, shape in shapes.items()
        }
        return cls(**given)


def shapes_of(instance: Instance) -> dict[str, tuple[int, ...]]:
    """Shape of each array of prices for an instance; empty where a family is not used."""
    periods, pools, models = instance.num_periods, instance.num_pools, len(instance.model_names)
    fleet = models if len(instance.replicas.model) else 0
    bounded = models if bool((instance.models.min_replicas > 0).any()) else 0
    changing = fleet if not bool(np.isnan(instance.replicas.max_changes_per_period).all()) else 0
    ranked = instance.num_workloads if len(np.unique(instance.workloads.priority)) > 1 else 0
    shares, outages = len(instance.shares.share), len(instance.outages.outage)
    return {
        "capacity_usd_per_chip_hour": (pools, periods),
        "share_max_usd": (shares, periods),
        "share_min_usd": (shares, periods),
        "power_usd_per_mwh": (len(instance.power.limit), periods),
        "budget_usd_per_usd": (),
        "replica_usd_per_chip_hour": (fleet, pools, periods),
        "min_replicas_usd": (bounded, periods),
        "change_usd": (changing, pools, periods),
        "contract_usd": (len(instance.contracts.contract),),
        "outage_usd_per_mtok": (outages, instance.num_workloads, periods),
        "priority_usd_per_mtok": (ranked, periods),
    }

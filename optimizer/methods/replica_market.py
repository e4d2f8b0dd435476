"""The market of an instance whose models run in whole replicas, and its parts.

Without costs of starting, replicas that may be fractions only divide chip-hours by the target:
the relaxed problem is a plain market in which a Mtok holds ``a / target`` chip-hours. With whole
numbers of replicas fixed, models know nothing of each other: each is a market of its own whose
pools are its lanes, and lanes are paid for already.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.market import Market

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

STEPS = 1024
"""Parts into which a pool is cut, at least, for models that need no replicas there."""


@dataclass(frozen=True, eq=False)
class ReplicaMarket:
    """Axes M, W, P, T as in the instance.

    Attributes
    ----------
    market : the relaxed problem, with chip-hours held instead of chip-hours of work.
    parts : the workloads of each model by themselves, with the same pools.
    members : of each model, which workloads they are.
    unit : (M, P) chip-hours that a replica holds in a period, > 0; a small amount where a model
        needs no replicas.
    whole : (M, P) where it needs them; elsewhere it pays for what it uses only.
    """

    market: Market
    parts: tuple[Market, ...]
    members: tuple[Int, ...]
    unit: Float
    whole: Bool

    @classmethod
    def of(cls, instance: Instance) -> ReplicaMarket:
        """Look everything up once."""
        market, table, row = Market.of(instance), instance.replicas, instance.replica_rows
        whole = row >= 0
        target = np.where(whole, table.target_utilisation[row] if len(table.model) else 1.0, 1.0)
        chips = np.where(whole, table.chips_per_replica[row] if len(table.model) else 1.0, 1.0)
        small = instance.capacity_chips.max(axis=1) / STEPS
        small = np.where(small > 0, np.minimum(small, 1.0), 1.0)
        chips = np.where(whole, chips, small)
        model = instance.workloads.model.codes
        owner = np.repeat(np.arange(market.num_workloads), np.diff(market.first))
        held = replace(market, hours=market.hours / target[model[owner], market.pool])
        members = tuple(np.flatnonzero(model == each) for each in range(len(row)))
        return cls(
            market=held,
            parts=tuple(only(held, each) for each in members),
            members=members,
            unit=chips * instance.period_hours,
            whole=whole,
        )

    @property
    def held_usd(self) -> Float:
        """(P, T) USD per chip-hour held; 0 where there are no chips."""
        return np.where(self.market.able, self.market.used_usd, 0.0)

    def paid_usd(self, count: Float) -> Float:
        """(M, T) USD for replicas, whatever they do."""
        hours = np.where(self.whole, self.unit, 0.0)
        return np.asarray(np.einsum("mp,mpt,pt->mt", hours, count, self.held_usd))

    def lanes(self, model: int, held: Float, pools: Int, crowd: Market | None = None) -> Market:
        """The market of one model with its replicas fixed.

        Parameters
        ----------
        held : (P, T) chip-hours that they hold; no lane where there are none.
        pools : (k,) pools that are its lanes, ascending; no other is looked at.
        crowd : workloads that stand for those of the model.
        """
        part = self.parts[model] if crowd is None else crowd
        place = np.full(len(held), -1, np.int32)
        place[pools] = np.arange(len(pools), dtype=np.int32)
        kept = np.flatnonzero(place[part.pool] >= 0)
        used = np.where(self.whole[model, pools, None], 0.0, part.used_usd[pools])
        return replace(
            part,
            first=np.searchsorted(kept, part.first),
            route=part.route[kept],
            pool=place[part.pool[kept]],
            opens=part.opens[kept],
            usd=part.usd[kept],
            hours=part.hours[kept],
            capacity=held[pools],
            used_usd=np.where(held[pools] > 0, used, np.inf),
        )


def only(market: Market, workloads: Int) -> Market:
    """Some of the workloads, with all chips."""
    some = market.sample(workloads)
    return replace(some, capacity=market.capacity)

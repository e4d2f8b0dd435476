"""What whole replicas leave over on a pool, as limits that have prices.

A pool of K chips holds whole replicas only: ``sum_m q[m] n[m] <= K``. Divided by any u > 0 and
rounded down on both sides, which whole n >= 0 allow, this is

    sum_m floor(q[m] / u) n[m]  <=  floor(K / u),

(V. Chvatal, "Edmonds polytopes and a hierarchy of combinatorial problems", Discrete Mathematics 4,
1973). Where every size divides the next larger one, the cuts at these sizes say all that there is
to say about one pool: beside replicas of 64 chips those of 8 fill what is left, but 100 chips hold
one of 64 and not one and a half. Each cut is one more limit with a price, which a model pays on
its chip-hours in so far as its replicas count, so that at prices workloads still find their way
alone and the bound is a sweep as before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.replica_market import ReplicaMarket

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

ROUNDING = 1e-9
"""Part of a pool's chips by which the judge lets a plan be over."""


@dataclass(frozen=True, eq=False)
class ReplicaCuts:
    """Limits on what pools hold: first all pools as they are, then the cuts. Axes M, P, T; R: rows.

    Attributes
    ----------
    pool : (R,) where each row is.
    counts : (M, R) how much of a chip-hour that a model holds there counts; from 0 to 1.
    limit : (R, T) chip-hours.
    binds : (R, T) cuts that say more than the pool's own limit; of that, where there are chips.
    num_pools : rows that are pools as they are.
    """

    pool: Int
    counts: Float
    limit: Float
    binds: Bool
    num_pools: int

    @classmethod
    def of(cls, instance: Instance, fleet: ReplicaMarket) -> ReplicaCuts:
        """One cut for each pool and size of replicas there that does not divide its chips."""
        table, row, able = instance.replicas, instance.replica_rows, fleet.market.able
        pools, models = len(able), len(row)
        found = [(pool, np.ones(models), able[pool]) for pool in range(pools)]
        limit = [*fleet.market.capacity]
        for pool in range(pools):
            whole, offered = fleet.whole[:, pool], instance.capacity_chips[pool]
            chips = np.ones(models)
            chips[whole] = table.chips_per_replica[row[whole, pool]]
            for size in np.unique(chips[whole]).tolist():
                # A plan that is over by a hair passes the judge, so it counts here too.
                held = np.floor(offered * (1.0 + ROUNDING) / size) * size
                less = able[pool] & (held < offered)
                if bool(less.any()):
                    # Of a division the remainder is exact in float64; the quotient is not.
                    kept = (chips - np.fmod(chips, size)) / chips
                    found.append((pool, np.where(whole, kept, 0.0), less))
                    limit.append(np.where(less, held, offered) * instance.period_hours)
        return cls(
            pool=np.array([one[0] for one in found], np.int64),
            counts=np.stack([one[1] for one in found], axis=1),
            limit=np.stack(limit),
            binds=np.stack([one[2] for one in found]),
            num_pools=pools,
        )

    @property
    def num_cuts(self) -> int:
        """Rows beyond the pools as they are."""
        return len(self.pool) - self.num_pools

    def paid(self, counts: Float, price: Float) -> Float:
        """(P, t) USD per chip-hour for those whose chip-hours count so, (R,).

        Parameters
        ----------
        price : (R, t) USD per chip-hour of each row.
        """
        paid = price[: self.num_pools].copy()
        for row in range(self.num_pools, len(self.pool)):
            paid[self.pool[row]] += counts[row] * price[row]
        return paid

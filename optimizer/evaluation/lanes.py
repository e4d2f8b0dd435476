"""Lanes: the pairs of model and pool that run in whole replicas, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lanes:
    """Pairs of a model and a pool for whose chip ``replicas`` has a row. Axis L.

    Attributes
    ----------
    model, pool : (L,) the pair.
    of : (M, P) lane of each pair, -1 where the model's tokens need no replicas.
    chips : (L,) chips of one replica.
    target : (L,) part of a replica's time that may be planned for.
    startup_usd, startup_hours : (L,) of each start.
    max_changes : (L,) most changes from one period to the next; infinity where not limited.
    before : (L,) replicas that run before period 0; None when nothing is said about them.
    """

    model: Int
    pool: Int
    of: Int
    chips: Float
    target: Float
    startup_usd: Float
    startup_hours: Float
    max_changes: Float
    before: Float | None

    def __len__(self) -> int:
        return len(self.model)


def lanes_of(instance: Instance) -> Lanes:
    """Every lane of an instance, by model, then pool."""
    rows = instance.replica_rows
    model, pool = np.nonzero(rows >= 0)
    of = np.full(rows.shape, -1, np.int64)
    of[model, pool] = np.arange(len(model))
    row, table = rows[model, pool], instance.replicas
    changes = table.max_changes_per_period[row]
    before = instance.in_force_replicas
    return Lanes(
        model=model,
        pool=pool,
        of=of,
        chips=table.chips_per_replica[row],
        target=table.target_utilisation[row],
        startup_usd=table.startup_usd[row],
        startup_hours=table.startup_hours[row],
        max_changes=np.where(np.isnan(changes), np.inf, changes),
        before=None if before is None else before[model, pool].astype(np.float64),
    )


def lane_names(instance: Instance, lanes: Lanes) -> tuple[str, ...]:
    """(L,) each lane as ``model@pool``."""
    models, pools = instance.model_names, instance.pools.pool
    pairs = zip(lanes.model.tolist(), lanes.pool.tolist(), strict=True)
    return tuple(f"{models[model]}@{pools[pool]}" for model, pool in pairs)

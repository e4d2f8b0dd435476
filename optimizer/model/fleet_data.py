"""The tables of the fleet along the axes of the program: by model and pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.offer import chips_on_offer

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Index = NDArray[np.int32]
Long = NDArray[np.int64]

WHOLE = 1e-9
"""Part by which a number may be below a whole one and still count as it: 0.3 / 0.1 is 3."""


def fleet_shape(instance: Instance) -> tuple[int, int, int]:
    """(M, P, T), with M = 0 when no model runs in replicas."""
    models = len(instance.model_names) if len(instance.replicas.model) else 0
    return models, instance.num_pools, instance.num_periods


def runs_in_replicas(instance: Instance, workload: Index, pool: Index) -> Bool:
    """(N,) whether the workload's model runs in replicas on the pool."""
    if len(instance.replicas.model) == 0:
        return np.zeros(len(workload), np.bool_)
    model = instance.workloads.model.codes[workload]
    return np.asarray(instance.replica_rows[model, pool] >= 0)


def of_pairs(instance: Instance, column: Float) -> Float:
    """(M, P) a column of ``replicas`` for each model and pool, 0 where it has no row."""
    if len(column) == 0:
        return np.zeros(fleet_shape(instance)[:2])
    rows = instance.replica_rows
    return np.where(rows >= 0, column[rows], 0.0)


def replica_chips(instance: Instance) -> Float:
    """(M, P) chips of one replica, q; 0 where none are needed."""
    return of_pairs(instance, instance.replicas.chips_per_replica)


def planned_chips(instance: Instance) -> Float:
    """(M, P) chips of one replica that may be planned for: target utilisation times q."""
    table = instance.replicas
    return of_pairs(instance, table.chips_per_replica * table.target_utilisation)


def most_replicas(instance: Instance) -> Float:
    """(M, P, T) replicas that all chips on offer would hold, as whole numbers."""
    chips = replica_chips(instance)
    size = np.where(chips > 0, chips, np.inf)[:, :, None]
    return np.asarray(np.floor(chips_on_offer(instance)[None] / size * (1 + WHOLE)))


def least_replicas(instance: Instance) -> Long:
    """(M,) replicas that a model has to run in every period."""
    least = np.zeros(fleet_shape(instance)[0], np.int64)
    if len(least):
        model_of = {name: code for code, name in enumerate(instance.model_names)}
        for name, count in zip(
            instance.models.model, instance.models.min_replicas.tolist(), strict=True
        ):
            least[model_of[name]] = count
    return least


def replicas_before(instance: Instance, replicas: Float) -> Float:
    """(M, P, T) replicas of the period before.

    NaN in period 0 when nothing is said of what is in force, so that nothing counts there.

    Parameters
    ----------
    replicas : (M, P, T) replicas that run.
    """
    before = np.full(replicas.shape, np.nan)
    before[:, :, 1:] = replicas[:, :, :-1]
    if instance.in_force_replicas is not None and len(before):
        before[:, :, 0] = instance.in_force_replicas
    return before


def counted_starts(instance: Instance, replicas: Float) -> Float:
    """(M, P, T) starts s = max(0, n[t] - n[t-1])."""
    rise = replicas - replicas_before(instance, replicas)
    return np.maximum(np.nan_to_num(rise, nan=0.0), 0.0)

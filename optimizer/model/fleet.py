"""The fleet of a plan: what runs, what is bought, what is held in reserve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.fleet_data import (
    counted_starts,
    of_pairs,
    planned_chips,
    replica_chips,
)
from optimizer.model.offer import bought_chips

Float = NDArray[np.float64]
Index = NDArray[np.int32]

ROUNDED = 1e-4
"""Distance from a whole number that is taken for a solver's tolerance."""


@dataclass(frozen=True, eq=False)
class Fleet:
    """How the fleet is run.

    Attributes
    ----------
    replicas : (M, P, T) replicas that run; M has no entries when there are none.
    blocks : (C,) blocks bought.
    reserve : (P, T) chip-hours in reserve.
    """

    replicas: Float
    blocks: Float
    reserve: Float

    def available(self, instance: Instance) -> Float:
        """(P, T) chip-hours that may be held: (K + B) H."""
        chips = instance.capacity_chips + bought_chips(instance, self.blocks)
        return np.asarray(chips * instance.period_hours)

    def replica_hours(self, instance: Instance) -> Float:
        """(P, T) chip-hours that replicas hold."""
        if self.replicas.size == 0:
            return np.zeros(self.reserve.shape)
        held = np.einsum("mp,mpt->pt", replica_chips(instance), self.replicas)
        return np.asarray(held * instance.period_hours)

    def work_hours(self, instance: Instance) -> Float:
        """(M, P, T) chip-hours of work that may be planned for."""
        lost = of_pairs(instance, instance.replicas.startup_hours)[:, :, None]
        ready = instance.period_hours * self.replicas
        ready = ready - lost * counted_starts(instance, self.replicas)
        return np.asarray(planned_chips(instance)[:, :, None] * ready)


def fleet_of(columns: Columns, values: Float) -> Fleet:
    """The fleet that column values say, whole numbers rounded where they nearly are."""
    return Fleet(
        whole(_at(values, columns.replicas)),
        whole(_at(values, columns.blocks)),
        np.maximum(_at(values, columns.reserve), 0.0),
    )


def whole(values: Float) -> Float:
    """Nearest whole numbers; what is too far from one stays, for the judge to see."""
    nearest = np.round(values)
    return np.where(np.abs(values - nearest) <= ROUNDED, np.maximum(nearest, 0.0), values)


def _at(values: Float, columns: Index) -> Float:
    """Values of some columns, 0 where there is no column."""
    found = np.zeros(columns.shape)
    known = columns >= 0
    found[known] = values[columns[known]]
    return found

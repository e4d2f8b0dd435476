"""Made-up replicas: how many chips a model takes on a chip, and how busy one may be planned.

The numbers are round ones of a plausible size. They are not measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.fleet_tables import Replicas
from optimizer.instance.in_memory import labels_of, table_of
from optimizer.instance.synthetic_demand import Crowd, model_names
from optimizer.instance.synthetic_fleet import CHIPS, Fleet
from optimizer.instance.tables import Routes

Float = NDArray[np.float64]

FEWEST_CHIPS, MOST_CHIPS = 4, 64
"""Chips of a replica of the smallest and of the largest model."""
TARGETS = (0.8, 0.85, 0.9, 0.95, 1.0)
"""Parts of a replica's time that may be planned for; each comes about equally often."""
CHIPS_PER_HOST = 8
"""Chips come in whole hosts where models run in replicas."""


@dataclass(frozen=True)
class ReplicaSizes:
    """What a replica of each model is on each kind of chip.

    Attributes
    ----------
    chips : (models, kinds of chips) chips of one replica.
    target : (models, kinds of chips) part of its time that may be planned for.
    """

    chips: Float
    target: Float

    @classmethod
    def draw(cls, rng: np.random.Generator, models: int) -> ReplicaSizes:
        """Powers of two: more for large models, and for chips that suit small ones.

        Chips that suit small models have little memory.
        """
        size = np.linspace(0.0, 1.0, models) if models > 1 else np.array([0.5])
        suits = np.array([kind.suits for kind in CHIPS])
        low, high = np.log2(FEWEST_CHIPS), np.log2(MOST_CHIPS)
        doublings = low + (high - low) * size[:, None] + (0.5 - suits)
        chips = 2.0 ** np.clip(np.round(doublings), low, high)
        return cls(chips, np.array(TARGETS)[rng.integers(len(TARGETS), size=chips.shape)])

    def table(self, crowd: Crowd, fleet: Fleet) -> Replicas:
        """Rows for every model that has workloads and every kind of chip that is there."""
        present, kinds = np.unique(crowd.model), np.unique(fleet.chip)
        model, chip = np.repeat(present, len(kinds)), np.tile(kinds, len(present))
        return table_of(
            Replicas,
            len(model),
            model=labels_of(model_names(len(self.chips)), model),
            chip=labels_of([kind.name for kind in CHIPS], chip),
            chips_per_replica=self.chips[model, chip],
            target_utilisation=self.target[model, chip],
        )

    def held(self, routes: Routes, crowd: Crowd, fleet: Fleet) -> Routes:
        """Routes with the chip-hours that replicas hold for a Mtok, not only work."""
        target = self.target[crowd.model[routes.workload], fleet.chip[routes.pool]]
        return replace(routes, chip_hours_per_mtok=routes.chip_hours_per_mtok / target)


def whole_hosts(chips: Float) -> Float:
    """Chips rounded up to whole hosts; at least one replica of the largest model fits."""
    hosts = np.ceil(chips / CHIPS_PER_HOST)
    return np.asarray(np.maximum(CHIPS_PER_HOST * hosts, MOST_CHIPS))

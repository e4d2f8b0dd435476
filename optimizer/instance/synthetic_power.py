"""Made-up power: what chips draw, and what the site of each region can give.

The numbers are round ones of a plausible size. They are not facts about any product.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.fleet_tables import Power
from optimizer.instance.in_memory import labels_of, table_of
from optimizer.instance.labels import Labels
from optimizer.instance.synthetic_fleet import CHIPS, Fleet
from optimizer.instance.tables import Pools

Float = NDArray[np.float64]

IDLE_WATTS, WATTS_PER_SPEED = 250.0, 450.0
"""What a chip draws: so much, and so much more for each unit of speed."""
LEAST_PART, MOST_PART = 0.85, 0.95
"""What a site can give, as a part of what all its chips draw."""


def with_watts(pools: Pools, fleet: Fleet) -> Pools:
    """Pools with what each chip draws in use."""
    watts = np.array([IDLE_WATTS + WATTS_PER_SPEED * kind.speed for kind in CHIPS])
    return replace(pools, watts_per_chip=watts[fleet.chip])


def make_power(rng: np.random.Generator, pools: Pools, capacity_chips: Float) -> Power:
    """One limit for each region that has pools, below what its chips draw at the peak."""
    region, places = pools.region.codes, len(pools.region.names)
    watts = np.bincount(region, pools.watts_per_chip * capacity_chips.max(axis=1), places)
    part = rng.uniform(LEAST_PART, MOST_PART, places)
    return table_of(
        Power,
        places,
        limit=tuple(f"{name}-power" for name in pools.region.names),
        attribute=Labels.of(["region"] * places),
        value=labels_of(pools.region.names, np.arange(places)),
        max_mw=np.maximum(np.round(1e-6 * part * watts, 3), 0.001),
    )

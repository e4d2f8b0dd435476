"""Made-up pools: kinds of chips in regions under ways of buying, with their prices.

The numbers are round ones of a plausible size. They are not facts about any product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.in_memory import labels_of, table_of
from optimizer.instance.tables import PURCHASES, Pools

Float = NDArray[np.float64]
Index = NDArray[np.int64]


class Chip(NamedTuple):
    """A kind of chip: ``speed`` relative to the first, ``suits`` the size of model it likes best.

    Sizes of models are on a scale from 0 (the smallest) to 1 (the largest).
    """

    name: str
    provider: str
    usd_per_chip_hour: float
    speed: float
    suits: float


class Region(NamedTuple):
    """A region: hours ahead of UTC, weight of its demand, price relative to the first."""

    name: str
    utc_offset: float
    demand: float
    price: float


CHIPS = (
    Chip("trn2", "AWS", 1.6, 1.0, 0.4),
    Chip("trn3", "AWS", 2.6, 1.9, 0.7),
    Chip("tpu6", "Google", 1.9, 1.3, 0.2),
    Chip("tpu7", "Google", 3.4, 2.6, 0.8),
    Chip("maia2", "Microsoft", 2.9, 2.1, 0.6),
    Chip("h200", "CoreWeave", 2.5, 1.4, 0.5),
    Chip("b200", "CoreWeave", 4.0, 2.8, 0.9),
    Chip("l40", "Lambda", 0.8, 0.4, 0.0),
)
REGIONS = (
    Region("us-east", -5.0, 3.0, 1.0),
    Region("eu-west", 0.0, 2.2, 1.1),
    Region("us-west", -8.0, 2.0, 1.03),
    Region("ap-northeast", 9.0, 1.6, 1.2),
    Region("eu-central", 1.0, 1.4, 1.12),
    Region("ap-south", 5.5, 1.3, 0.97),
    Region("ap-southeast", 8.0, 1.0, 1.15),
    Region("sa-east", -3.0, 0.7, 1.25),
    Region("ca-central", -5.0, 0.5, 1.02),
    Region("au-east", 10.0, 0.5, 1.22),
    Region("me-central", 4.0, 0.4, 1.18),
    Region("af-south", 2.0, 0.3, 1.24),
)
PURCHASE_ODDS = (0.5, 0.3, 0.2)
PURCHASE_PRICE = (1.0, 1.45, 0.75)
"""Price of each way of buying relative to reserved, in the order of PURCHASES."""
HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class Fleet:
    """Pools as positions, before their chips have been counted.

    Attributes
    ----------
    chip, region, purchase : (P,) positions in CHIPS, in the regions, in PURCHASES.
    weight : (P,) size of the pool relative to the others.
    usd_per_chip_hour : (P,) price of the pools table.
    price_usd_per_chip_hour : (P, T) price in force; that of spot pools moves.
    """

    chip: Index
    region: Index
    purchase: Index
    weight: Float
    usd_per_chip_hour: Float
    price_usd_per_chip_hour: Float

    @property
    def reserved(self) -> NDArray[np.bool_]:
        """(P,) pools that are paid for whether used or not."""
        return np.asarray(self.purchase == PURCHASES.index("reserved"))


def regions_of(count: int) -> tuple[Region, ...]:
    """As many regions as asked for; from the thirteenth on the names carry a number."""
    found = []
    for position in range(count):
        region = REGIONS[position % len(REGIONS)]
        lap = position // len(REGIONS)
        found.append(region._replace(name=f"{region.name}-{lap + 1}") if lap else region)
    return tuple(found)


def make_fleet(
    rng: np.random.Generator,
    pools: int,
    periods: int,
    period_hours: float,
    regions: tuple[Region, ...],
) -> Fleet:
    """Draw pools; every kind of chip and every region comes about equally often."""
    chip = rng.permutation(pools) % len(CHIPS)
    region = rng.permutation(pools) % len(regions)
    purchase = rng.choice(len(PURCHASES), pools, p=PURCHASE_ODDS)
    usd = np.array([kind.usd_per_chip_hour for kind in CHIPS])[chip]
    usd = usd * np.array([place.price for place in regions])[region]
    usd = usd * np.array(PURCHASE_PRICE)[purchase] * np.exp(0.06 * rng.standard_normal(pools))
    usd = np.round(usd, 3)
    price = np.repeat(usd[:, None], periods, axis=1)
    spot = np.flatnonzero(purchase == PURCHASES.index("spot"))
    price[spot] = np.round(usd[spot, None] * _spot_moves(rng, len(spot), periods, period_hours), 3)
    weight = np.exp(0.5 * rng.standard_normal(pools))
    return Fleet(chip, region, purchase, weight, usd, price)


def pools_table(fleet: Fleet, regions: tuple[Region, ...]) -> Pools:
    """Make the table of the pools; ids are numbered, because two may be of the same kind."""
    count = len(fleet.chip)
    digits = max(2, len(str(count - 1)))
    names = [place.name for place in regions]
    ids = tuple(
        f"p{row:0{digits}d}-{CHIPS[chip].name}-{names[region]}-{PURCHASES[purchase]}"
        for row, (chip, region, purchase) in enumerate(
            zip(fleet.chip.tolist(), fleet.region.tolist(), fleet.purchase.tolist(), strict=True)
        )
    )
    providers = sorted({kind.provider for kind in CHIPS})
    provider = np.array([providers.index(kind.provider) for kind in CHIPS])[fleet.chip]
    return table_of(
        Pools,
        count,
        pool=ids,
        provider=labels_of(providers, provider),
        chip=labels_of([kind.name for kind in CHIPS], fleet.chip),
        region=labels_of(names, fleet.region),
        purchase=labels_of(PURCHASES, fleet.purchase),
        usd_per_chip_hour=fleet.usd_per_chip_hour,
    )


def _spot_moves(rng: np.random.Generator, pools: int, periods: int, period_hours: float) -> Float:
    """(pools, T) price of spot pools relative to their mean: a daily wave and a slow drift."""
    hours = np.arange(periods) * period_hours
    phase = rng.uniform(0.0, 2 * np.pi, (pools, 2))
    daily = 0.15 * np.sin(2 * np.pi * hours / HOURS_PER_DAY + phase[:, :1])
    slow = 0.10 * np.sin(2 * np.pi * hours / (4.6 * HOURS_PER_DAY) + phase[:, 1:])
    return np.asarray(1.0 + daily + slow)

"""What is uncertain: least and greatest factor on demand, throughput, prices; who shares them.

Every factor is 1 where things are as stated. Its distribution is triangular with its mode at 1, or
uniform, between the least and the greatest (docs/risk.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UsageError
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels

Float = NDArray[np.float64]
Index = NDArray[np.int64]

TRIANGULAR, UNIFORM = "triangular", "uniform"
DISTRIBUTIONS = (TRIANGULAR, UNIFORM)

__all__ = ["DISTRIBUTIONS", "Ranges", "Spread", "Uncertainty", "ranges_of"]


@dataclass(frozen=True)
class Uncertainty:
    """What holds where the instance says nothing, and how factors are drawn.

    Attributes
    ----------
    distribution : ``triangular`` with the mode at 1, or ``uniform``.
    demand : least and greatest factor on the demand of workloads that state no range.
    throughput : the same for routes whose profile states none, or that have no profile.
    common_demand : part of the variance of the demands' normal scores that all workloads
        share: 0 = each by itself, 1 = all rise and fall together.

    Raises
    ------
    UsageError
        When a range does not hold 1, or a number is out of its bounds.
    """

    distribution: str = TRIANGULAR
    demand: tuple[float, float] = (1.0, 1.0)
    throughput: tuple[float, float] = (1.0, 1.0)
    common_demand: float = 0.5

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            known = ", ".join(DISTRIBUTIONS)
            raise UsageError(f"distribution: expected one of {known}, got {self.distribution!r}")
        for name, (low, high) in (("demand", self.demand), ("throughput", self.throughput)):
            if not (0 <= low <= 1 <= high < math.inf):
                raise UsageError(
                    f"{name}: expected 0 <= LOW <= 1 <= HIGH, parts of what is stated, "
                    f"got {low:g},{high:g}"
                )
        if self.throughput[0] == 0:
            raise UsageError("throughput: expected LOW > 0, since nothing ends at a rate of 0")
        if not 0 <= self.common_demand <= 1:
            raise UsageError(
                f"common_demand: expected a number from 0 to 1, got {self.common_demand:g}"
            )


@dataclass(frozen=True, eq=False)
class Spread:
    """Ranges of factors of one kind, and the streams of chance they are drawn from.

    Attributes
    ----------
    low, high : (N,) least and greatest factor.
    stream : (N,) position of its stream; entries with the same stream rise and fall together.
    names : name of each stream, by which it is drawn.
    """

    low: Float
    high: Float
    stream: Index
    names: tuple[str, ...]

    @property
    def certain(self) -> bool:
        """Whether nothing is drawn at all."""
        return self.drawn == 0

    @property
    def drawn(self) -> int:
        """How many entries have a range."""
        return int((self.low < self.high).sum())


@dataclass(frozen=True, eq=False)
class Ranges:
    """All that is drawn for an instance.

    Attributes
    ----------
    demand : of each workload, a stream each. Axis W.
    throughput : of each class: routes of one model on one chip with the same range. A stream for
        each model and chip. Axis C.
    route_class : (R,) class of each route.
    price : of each pool, a stream for each provider and chip. Axis P.
    notes : what the user should know.
    """

    demand: Spread
    throughput: Spread
    route_class: Index
    price: Spread
    notes: tuple[str, ...]


def ranges_of(instance: Instance, settings: Uncertainty) -> Ranges:
    """Ranges that an instance states, and those of the settings where it states none."""
    demand, price = _demand(instance, settings.demand), _price(instance)
    throughput, route_class = _throughput(instance, settings.throughput)
    notes = list(_notes(instance))
    if demand.certain and throughput.certain and price.certain:
        notes.append("nothing is uncertain: the instance states no ranges, and none were given")
    return Ranges(demand, throughput, route_class, price, tuple(notes))


def _demand(instance: Instance, otherwise: tuple[float, float]) -> Spread:
    table = instance.workloads
    stated = (table.demand_low != 1) | (table.demand_high != 1)
    return Spread(
        low=np.where(stated, table.demand_low, otherwise[0]),
        high=np.where(stated, table.demand_high, otherwise[1]),
        stream=np.arange(instance.num_workloads),
        names=table.workload,
    )


def _throughput(instance: Instance, otherwise: tuple[float, float]) -> tuple[Spread, Index]:
    """Ranges of classes, and the class of each route."""
    routes, chips = instance.routes, instance.pools.chip
    model = instance.workloads.model.codes[routes.workload].astype(np.int64)
    pair = model * len(chips.names) + chips.codes[routes.pool]
    ways = len(routes.configuration.names)
    found, route_class = np.unique(pair * ways + routes.configuration.codes, return_inverse=True)
    pairs, stream = np.unique(found // max(ways, 1), return_inverse=True)
    named = [
        (instance.model_names[key // len(chips.names)], chips.names[key % len(chips.names)])
        for key in pairs.tolist()
    ]
    known = _profile_ranges(instance)
    ranges = np.empty((len(found), 2))
    for row, (key, of) in enumerate(zip(found.tolist(), stream.tolist(), strict=True)):
        way = (*named[of], routes.configuration.names[key % ways])
        ranges[row] = known.get(way, otherwise)
    names = tuple("\0".join(name) for name in named)
    spread = Spread(ranges[:, 0], ranges[:, 1], np.asarray(stream, np.int64), names)
    return spread, np.asarray(route_class, np.int64)


def _profile_ranges(instance: Instance) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Range of each profile that states one, by model, chip and configuration."""
    table = instance.profiles
    return {
        (table.model[row], table.chip[row], table.configuration[row]): (
            float(table.throughput_low[row]),
            float(table.throughput_high[row]),
        )
        for row in range(len(table.model))
        if table.throughput_low[row] != 1 or table.throughput_high[row] != 1
    }


def _price(instance: Instance) -> Spread:
    """Ranges of prices as factors on the price stated in ``pools``."""
    table = instance.pools
    stated = table.usd_per_chip_hour
    scalable = ~np.isnan(stated) & (stated > 0)
    usd = np.where(scalable, stated, 1.0)
    low = np.where(
        scalable & ~np.isnan(table.usd_per_chip_hour_low), table.usd_per_chip_hour_low, usd
    )
    high = np.where(
        scalable & ~np.isnan(table.usd_per_chip_hour_high), table.usd_per_chip_hour_high, usd
    )
    pairs = [_pair(table.provider, table.chip, pool) for pool in range(instance.num_pools)]
    names = tuple(dict.fromkeys(pairs))
    position = {name: stream for stream, name in enumerate(names)}
    return Spread(
        low=np.minimum(low / usd, 1.0),
        high=np.maximum(high / usd, 1.0),
        stream=np.array([position[pair] for pair in pairs], np.int64),
        names=names,
    )


def _pair(one: Labels, other: Labels, row: int) -> str:
    return f"{one[row]}\0{other[row]}"


def _notes(instance: Instance) -> Iterator[str]:
    """Prices whose range says less, or other, than it seems to."""
    table = instance.pools
    stated, taking = table.usd_per_chip_hour, ~instance.left_out
    low, high = table.usd_per_chip_hour_low, table.usd_per_chip_hour_high
    ranged = taking & (~np.isnan(low) | ~np.isnan(high))
    fixed = ranged & ~(stated > 0)
    if fixed.any():
        yield (
            f"price of {_listed(instance, fixed)}: the column usd_per_chip_hour of pools has no "
            "number above 0 that the range could be a multiple of; not drawn"
        )
    outside = ranged & ~fixed & ((low > stated) | (high < stated))
    if outside.any():
        names = _listed(instance, outside)
        yield f"price of {names}: outside its range, which is widened to hold it"


def _listed(instance: Instance, rows: NDArray[np.bool_]) -> str:
    names = [instance.pools.pool[pool] for pool in np.flatnonzero(rows).tolist()]
    more = f" and {len(names) - 5} more pools" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more

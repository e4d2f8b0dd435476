"""A tiny random problem without any of the families of a fleet, and the dice it is drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from tests.pipeline.sketch import PoolRow, RouteRow, Sketch, WorkloadRow

Item = TypeVar("Item")

PENALTIES = (100.0, 50.0, 20.0, 10.0, 5.0, 2.0)
NEAR = (20.0, 10.0, 8.0, 6.0, 5.0, 4.0)
"""Penalties so close that who gives way is a question."""


@dataclass(frozen=True)
class Dice:
    """A generator with the few draws that are needed."""

    rng: np.random.Generator

    def one_of(self, items: Sequence[Item]) -> Item:
        """Draw one of the items."""
        return items[int(self.rng.integers(len(items)))]

    def some(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Draw some of the items, at least one."""
        kept = tuple(item for item in items if self.rng.random() < 0.5)
        return kept or (self.one_of(items),)

    def chance(self, part: float) -> bool:
        """Draw whether."""
        return bool(self.rng.random() < part)

    def quarters(self, low: float, high: float) -> float:
        """Draw a multiple of a quarter, both ends counted."""
        return float(self.rng.integers(round(4 * low), round(4 * high) + 1)) / 4

    def count(self, low: int, high: int) -> int:
        """Draw a whole number, both ends counted."""
        return int(self.rng.integers(low, high + 1))


@dataclass(frozen=True)
class Size:
    """How large a problem may be, and how tight."""

    workloads: tuple[int, int] = (1, 3)
    pools: tuple[int, int] = (1, 3)
    periods: tuple[int, int] = (1, 3)
    chips: float = 8.0
    penalties: tuple[float, ...] = PENALTIES
    models: int = 2


def base(dice: Dice, size: Size) -> Sketch:
    """Draw a problem without any of the families."""
    periods = dice.count(*size.periods)
    pools = tuple(_pool(dice, f"pool-{at}", periods, size) for at in range(dice.count(*size.pools)))
    workloads = tuple(
        WorkloadRow(
            name=f"workload-{at}",
            unserved_usd_per_mtok=dice.one_of(size.penalties),
            demand_mtok=tuple(
                0.0 if dice.chance(0.15) else dice.quarters(0.25, 5) for _ in range(periods)
            ),
            deadline_periods=dice.one_of((0, 0, 0, 1, 2)),
            regions=(dice.one_of(("east", "west")),) if dice.chance(0.05) else (),
            model=f"model-{dice.count(1, size.models)}",
            traffic_class=dice.one_of(("interactive", "interactive", "batch", "training")),
        )
        for at in range(dice.count(*size.workloads))
    )
    known = {pool.region for pool in pools}
    workloads = tuple(
        row if set(row.regions) <= known else replace(row, regions=()) for row in workloads
    )
    routes = tuple(
        RouteRow(
            workload.name,
            pool.name,
            dice.one_of((1.0, 1.0, 0.5, 0.75, 1.5, 2.0)),
            dice.one_of((0.0, 0.0, 0.25, 1.0)),
        )
        for workload in workloads
        for pool in pools
        if not dice.chance(0.1)
    )
    return Sketch(workloads, pools, routes, period_hours=dice.one_of((1.0, 1.0, 0.5, 2.0)))


def _pool(dice: Dice, name: str, periods: int, size: Size) -> PoolRow:
    steady = dice.quarters(0.25, 4)
    prices: tuple[float | None, ...] = (steady,) * periods
    if dice.chance(0.3):
        prices = tuple(dice.quarters(0, 4) for _ in range(periods))
    if dice.chance(0.05):
        prices = (None, *prices[1:])
    return PoolRow(
        name=name,
        usd_per_chip_hour=prices,
        capacity_chips=tuple(
            0.0 if dice.chance(0.1) else dice.quarters(1, size.chips) for _ in range(periods)
        ),
        purchase=dice.one_of(("on_demand", "on_demand", "spot", "reserved")),
        provider=dice.one_of(("north", "south")),
        chip=dice.one_of(("alpha", "beta")),
        region=dice.one_of(("east", "west")),
    )


def models_of(sketch: Sketch) -> tuple[str, ...]:
    """Models of the workloads."""
    return tuple(sorted({row.model for row in sketch.workloads}))


def chips_of(sketch: Sketch) -> tuple[str, ...]:
    """Chips of the pools."""
    return tuple(sorted({row.chip for row in sketch.pools}))

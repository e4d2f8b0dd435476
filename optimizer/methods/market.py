"""The market: workloads that look for the cheapest chip-hours, and pools that limit them.

What an instance is once nothing couples its periods and only pools' limits couple workloads,
as plain arrays for the sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import open_routes
from optimizer.model.constraints.qualification import qualified_cells
from optimizer.model.costs import usage_usd_per_chip_hour

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

AMOUNTS = ("demand_mtok", "capacity_chips")
"""What of an instance may change while nearly everything of its market stays."""
TYPICAL = 4.0
"""Times what its routes cost on average that a Mtok is thought to be worth, at most."""


@dataclass(frozen=True, eq=False)
class Market:
    """Workloads, their open routes, and the pools. Axes W, P, T as in the instance, r: routes.

    Attributes
    ----------
    first : (W + 1,) where each workload's open routes begin.
    route : (r,) which of the instance's routes it is.
    pool : (r,) where it leads.
    opens : (r,) first period in which it may be used.
    usd : (r,) USD per Mtok of the route itself.
    hours : (r,) chip-hours per Mtok.
    ceiling : (W,) USD per Mtok of giving up.
    scale : (W,) USD per Mtok: what prices of a Mtok are measured against; > 0.
    demand : (W, T) Mtok; 0 where giving up costs nothing.
    capacity : (P, T) chip-hours.
    used_usd : (P, T) USD per chip-hour used; infinity where there are no chips.
    """

    first: Int
    route: Index
    pool: Index
    opens: Index
    usd: Float
    hours: Float
    ceiling: Float
    scale: Float
    demand: Float
    capacity: Float
    used_usd: Float

    def __post_init__(self) -> None:
        for entry in fields(self):
            getattr(self, entry.name).flags.writeable = False

    @classmethod
    def of(cls, instance: Instance, *, coupled: bool = False) -> Market:
        """Look everything up once.

        Routes that never beat giving up, and demand that costs nothing to give up, are left out,
        unless the market is ``coupled``: limits on several pools may pay for placing tokens.
        """
        able = (instance.capacity_chips > 0) & ~instance.left_out[:, None]
        used_usd = np.where(able, usage_usd_per_chip_hour(instance), np.inf)
        table, ceiling = instance.routes, instance.workloads.unserved_usd_per_mtok
        route = open_routes(instance)
        least = used_usd.min(axis=1)[table.pool[route]]
        usd = table.usd_per_mtok[route] + table.chip_hours_per_mtok[route] * least
        route = route[np.isfinite(usd) if coupled else usd < ceiling[table.workload[route]]]
        workload, pool = table.workload[route], table.pool[route]
        hours = table.chip_hours_per_mtok[route]
        qualified = qualified_cells(instance, route)
        opens = np.zeros(len(route), np.int32)
        if qualified is not None:
            opens = (~qualified).sum(axis=1).astype(np.int32)
        price = instance.price_usd_per_chip_hour.mean(axis=1)[pool]
        cost = table.usd_per_mtok[route] + hours * price
        return cls(
            first=np.searchsorted(workload, np.arange(instance.num_workloads + 1)),
            route=route,
            pool=pool,
            opens=opens,
            usd=table.usd_per_mtok[route],
            hours=hours,
            ceiling=ceiling,
            scale=_scale(workload, cost, ceiling),
            demand=instance.demand_mtok if coupled else _worth_serving(instance),
            capacity=np.where(able, instance.capacity_chips * instance.period_hours, 0.0),
            used_usd=used_usd,
        )

    def again(self, before: Instance, instance: Instance) -> Market | None:
        """The market of ``before``, not coupled, for one of other demand and chips alone.

        None where the instances differ in something else, or other pools have chips.
        """
        kept = (entry.name for entry in fields(Instance) if entry.name not in AMOUNTS)
        same = all(getattr(before, name) is getattr(instance, name) for name in kept)
        able = (instance.capacity_chips > 0) & ~instance.left_out[:, None]
        if not same or not np.array_equal(able, self.able):
            return None
        capacity = np.where(able, instance.capacity_chips * instance.period_hours, 0.0)
        return replace(self, demand=_worth_serving(instance), capacity=capacity)

    @property
    def able(self) -> Bool:
        """(P, T) where there are chips."""
        return np.isfinite(self.used_usd)

    @property
    def num_periods(self) -> int:
        """Length of axis T."""
        return int(self.demand.shape[1])

    @property
    def num_workloads(self) -> int:
        """Length of axis W."""
        return len(self.ceiling)

    def routes_of(self, workloads: Int) -> tuple[Int, Int]:
        """Routes of some workloads: where each one's begin, and their positions."""
        counts = np.diff(self.first)[workloads]
        first = np.concatenate([[0], np.cumsum(counts)])
        return first, np.arange(first[-1]) + np.repeat(self.first[workloads] - first[:-1], counts)

    def sample(self, workloads: Int) -> Market:
        """Some of the workloads, in order, and chips in proportion to what they need.

        What a workload needs is taken to be its tokens times the mean of its chip-hours per Mtok.
        """
        first, routes = self.routes_of(workloads)
        need = np.add.reduceat(np.append(self.hours, 0.0), self.first[:-1])
        need = np.where(np.diff(self.first) > 0, need, 0.0) / np.maximum(np.diff(self.first), 1)
        whole = need @ self.demand
        part = need[workloads] @ self.demand[workloads]
        ratio = np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 1.0)
        return replace(
            self,
            first=first,
            route=self.route[routes],
            pool=self.pool[routes],
            opens=self.opens[routes],
            usd=self.usd[routes],
            hours=self.hours[routes],
            ceiling=self.ceiling[workloads],
            scale=self.scale[workloads],
            demand=self.demand[workloads],
            capacity=self.capacity * ratio,
        )


def price_units(market: Market, worth: Float) -> Float:
    """(P,) USD per chip-hour that is as much as a pool's typical workload is worth.

    Parameters
    ----------
    worth : (W,) USD per Mtok.
    """
    each, pools = np.repeat(worth, np.diff(market.first)), len(market.capacity)
    number = np.bincount(market.pool, minlength=pools)
    inverse = np.bincount(market.pool, market.hours / each, minlength=pools)
    return np.where(number > 0, number / np.where(number > 0, inverse, 1.0), 1.0)


def _worth_serving(instance: Instance) -> Float:
    """(W, T) demand, 0 where giving up costs nothing."""
    ceiling = instance.workloads.unserved_usd_per_mtok
    if not bool((ceiling <= 0).any()):
        return instance.demand_mtok
    return np.where(ceiling[:, None] > 0, instance.demand_mtok, 0.0)


def _scale(workload: Index, cost: Float, ceiling: Float) -> Float:
    """(W,) the ceiling, or a few times the mean cost of the routes where that is much less."""
    count = np.bincount(workload, minlength=len(ceiling))
    mean = np.bincount(workload, cost, minlength=len(ceiling)) / np.maximum(count, 1)
    scale = np.where(mean > 0, np.minimum(ceiling, TYPICAL * mean), ceiling)
    return np.where(scale > 0, scale, 1.0)

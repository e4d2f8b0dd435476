"""What the greedy fill looks at: routes, rooms and lanes of an instance, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import open_routes
from optimizer.model.constraints.qualification import qualified_cells
from optimizer.model.costs import usage_usd_per_chip_hour
from optimizer.model.fleet_data import least_replicas
from optimizer.model.groups import pools_of
from optimizer.model.offer import bought_chips, chips_on_offer

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

SHY = 1e-12
"""Part of each limit that is left alone, so that rounded sums never pass it."""
WHOLE = 1e-10
"""Part by which a number may miss a whole one and still count as it, as in the kernel."""
SPECK = 1e-9
"""Part of an amount that counts as nothing."""
WATTS_PER_MW = 1e6


@dataclass(frozen=True, eq=False)
class Lanes:
    """Pairs of a model and a pool in whole replicas, pools left out excepted. Axis L.

    Attributes
    ----------
    model, pool : (L,) the pair.
    of : (M, P) lane of each pair, -1 where there is none.
    hold : (L,) chip-hours that a replica holds in a period.
    work : (L,) of them, those that may be planned for.
    lost : (L,) chip-hours of planned work that a start costs.
    target : (L,) part of a replica's time that may be planned for.
    startup_usd : (L,) cost of a start.
    changes : (L,) most changes from one period to the next; infinity where not limited.
    before : (L,) replicas that run before period 0; infinity when starts in it do not count.
    least : (M,) least number of replicas of each model.
    """

    model: Index
    pool: Index
    of: Index
    hold: Float
    work: Float
    lost: Float
    target: Float
    startup_usd: Float
    changes: Float
    before: Float
    least: Index

    def __len__(self) -> int:
        return len(self.model)


@dataclass(frozen=True, eq=False)
class Facts:
    """An instance as the fill sees it.

    Attributes
    ----------
    instance : the instance.
    route : (r,) routes that are open: residency and price; sorted by workload.
    first : (W + 1,) where each workload's open routes begin.
    workload, pool : (r,) of each.
    lane : (r,) lane of each, -1 where no replicas are needed.
    hours, held : (r,) chip-hours of work, and chip-hours held for it, per Mtok.
    qualified : (r, T) periods in which a route may be used; None for all.
    usd : (P, T) cost of a chip-hour held.
    room : (P, T) chip-hours that there are.
    steady : (P, T) of them, those that replicas may take so that they are gone in time when
        chips go.
    offered : (P, T) whether there are chips, or may be bought.
    watts : (E, P) of a chip in use, 0 outside the limit's group.
    power : (E,) watt-hours of each limit in a period.
    lanes : pairs in replicas.
    """

    instance: Instance
    route: Index
    first: Index
    workload: Index
    pool: Index
    lane: Index
    hours: Float
    held: Float
    qualified: Bool | None
    usd: Float
    room: Float
    steady: Float
    offered: Bool
    watts: Float
    power: Float
    lanes: Lanes

    def route_usd(self, period: int) -> Float:
        """(r,) USD per Mtok that pays for the chips it holds; infinity where not qualified."""
        own = self.instance.routes.usd_per_mtok[self.route]
        usd = own + self.held * self.usd[self.pool, period]
        if self.qualified is not None:
            usd[~self.qualified[:, period]] = np.inf
        return np.asarray(usd)


def facts_of(instance: Instance, blocks: Float) -> Facts:
    """Look everything up once.

    Parameters
    ----------
    blocks : (C,) blocks bought. Their chips are there, paid for, so that a chip-hour of their
        pool costs the mean over all of its chips.
    """
    routes = open_routes(instance)
    table = instance.routes
    workload, pool = table.workload[routes].astype(np.int64), table.pool[routes].astype(np.int64)
    lanes = _lanes(instance)
    lane = lanes.of[instance.workloads.model.codes[workload], pool]
    hours = table.chip_hours_per_mtok[routes]
    target = np.append(lanes.target, 1.0)[lane]  # -1: the last
    chips = instance.capacity_chips + bought_chips(instance, blocks)
    part = np.divide(instance.capacity_chips, chips, out=np.ones(chips.shape), where=chips > 0)
    room = chips * instance.period_hours * (1 - SHY)
    power = instance.power
    watts = np.zeros((len(power.limit), instance.num_pools))
    for row in range(len(power.limit)):
        group = pools_of(instance, power.attribute[row], power.value[row])
        watts[row] = np.where(group, np.nan_to_num(instance.pools.watts_per_chip), 0.0)
    return Facts(
        instance=instance,
        route=routes.astype(np.int64),
        first=np.searchsorted(workload, np.arange(instance.num_workloads + 1)),
        workload=workload,
        pool=pool,
        lane=lane,
        hours=hours,
        held=hours / target,
        qualified=qualified_cells(instance, routes),
        usd=usage_usd_per_chip_hour(instance) * part,
        room=room,
        steady=_steady(room, lanes),
        offered=chips_on_offer(instance) > 0,
        watts=watts,
        power=power.max_mw * WATTS_PER_MW * instance.period_hours * (1 - SHY),
        lanes=lanes,
    )


def _lanes(instance: Instance) -> Lanes:
    rows = instance.replica_rows
    model, pool = np.nonzero((rows >= 0) & ~instance.left_out)
    of = np.full(rows.shape, -1, np.int64)
    of[model, pool] = np.arange(len(model))
    table, row = instance.replicas, rows[model, pool]
    hold = table.chips_per_replica[row] * instance.period_hours
    target = table.target_utilisation[row]
    changes = np.floor(table.max_changes_per_period[row])
    running = instance.in_force_replicas
    before = np.full(len(model), np.inf)
    if running is not None:
        before = running[model, pool].astype(np.float64)
    least = np.zeros(len(instance.model_names), np.int64)
    asked = least_replicas(instance)
    least[: len(asked)] = asked
    return Lanes(
        model=model,
        pool=pool,
        of=of,
        hold=hold,
        work=target * hold,
        lost=target * table.chips_per_replica[row] * table.startup_hours[row],
        target=target,
        startup_usd=table.startup_usd[row],
        changes=np.where(np.isnan(changes), np.inf, changes),
        before=before,
        least=least,
    )


def _steady(room: Float, lanes: Lanes) -> Float:
    """(P, T) chip-hours that replicas may hold and still be gone in time when chips go.

    Backward in time: as long as replicas hold anything on a pool, one lane at least can give up
    as many as its limit on changes says from one period to the next.
    """
    step = np.full(len(room), np.inf)
    limited = np.isfinite(lanes.changes)
    np.minimum.at(step, lanes.pool[limited], (lanes.hold * lanes.changes)[limited])
    steady = room.copy()
    for period in range(room.shape[1] - 2, -1, -1):
        np.minimum(steady[:, period], steady[:, period + 1] + step, out=steady[:, period])
    return steady

"""What each column of the program means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.fleet_data import fleet_shape
from optimizer.model.offer import chips_on_offer
from optimizer.program import ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Failover:
    """Columns f[g,w,p,t] of what would be served elsewhere, sorted by their four axes.

    Attributes
    ----------
    outage : (F,) which group is lost.
    cell : (F,) the placement of the same workload, pool and period, on axis X.
    column : (F,) column.
    """

    outage: Index
    cell: Index
    column: Index


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of the program in the words of the instance; -1 where there is none.

    Axis X counts placements. M has no entries when no model runs in replicas.

    Attributes
    ----------
    route, period, place : (X,) route, period and column of each placement x[w,p,t], sorted.
    workload, pool : (X,) workload and pool of each placement.
    activated : (P,) column of z[p], 1 when the pool serves or holds anything.
    chosen : (R,) column of y[w,p], 1 when the pinned workload runs there.
    unserved : (W, T) column of u[w,t].
    backlog : (W, T) column of the backlog at the end of a period.
    replicas, starts : (M, P, T) columns of n[m,p,t] and s[m,p,t].
    blocks : (C,) column of b[k].
    signed : (C,) column that is 1 when a block of a contract with a fee is bought.
    paid : (P, T) chip-hours paid as held, where blocks may cover a part of what is held.
    paying : (P, T) 1 where more is held than blocks cover, where that has to be told.
    reserve : (P, T) column of r[p,t].
    failover : columns of f[g,w,p,t].
    gives_way : (L - 1, P, T) 1 where the workloads of all priorities but the first so many are
        shut out of a pool; L is the number of different priorities.
    window_mtok : (W, T) Mtok that may be handled in the period: what arrives in it or, for
        a deferrable workload, what arrived since its deadline began to run.
    """

    route: Index
    period: Index
    place: Index
    workload: Index
    pool: Index
    activated: Index
    chosen: Index
    unserved: Index
    backlog: Index
    replicas: Index
    starts: Index
    blocks: Index
    signed: Index
    paid: Index
    paying: Index
    reserve: Index
    failover: Failover
    gives_way: Index
    window_mtok: Float


def open_routes(instance: Instance, *, residency: bool = True) -> Index:
    """(R',) routes that the plan may use: allowed by residency and with a price."""
    usable = ~instance.left_out[instance.routes.pool]
    if residency:
        usable &= instance.route_allowed
    return np.flatnonzero(usable).astype(np.int32)


def window_sums(instance: Instance) -> Float:
    """(W, T) arrivals in the periods t - h ... t, which are what can be handled in t."""
    demand = instance.demand_mtok
    deadline = instance.workloads.deadline_periods
    if not deadline.any():
        return demand
    window = demand.copy()
    later = np.flatnonzero(deadline > 0)
    periods = np.arange(instance.num_periods)
    total = np.zeros((len(later), instance.num_periods + 1))
    np.cumsum(demand[later], axis=1, out=total[:, 1:])
    first = np.maximum(periods[None, :] - deadline[later, None], 0)
    summed = total[:, 1:] - np.take_along_axis(total, first, axis=1)
    # Differences of sums leave specks where nothing arrived; a count decides there.
    count = np.zeros((len(later), instance.num_periods + 1), np.int64)
    np.cumsum(demand[later] > 0, axis=1, out=count[:, 1:])
    arrived = count[:, 1:] - np.take_along_axis(count, first, axis=1)
    window[later] = np.where(arrived > 0, np.maximum(summed, 0.0), 0.0)
    return window


def claim_columns(
    builder: ProgramBuilder,
    instance: Instance,
    placement_usd: Float,
    routes: Index,
    qualified: Bool | None = None,
) -> Columns:
    """Claim the columns for placements and unserved tokens.

    Parameters
    ----------
    placement_usd : (R', T) cost of a Mtok on each open route.
    routes : (R',) open routes.
    qualified : (R', T) periods in which a route may be used; None for all.
    """
    window = window_sums(instance)
    able = chips_on_offer(instance) > 0
    workload = instance.routes.workload[routes]
    pool = instance.routes.pool[routes]
    usable = (window > 0)[workload] & able[pool]
    if qualified is not None:
        usable &= qualified
    position, period = np.nonzero(usable)
    place = builder.columns("place", len(position), cost=placement_usd[usable])
    wanted = window > 0
    unserved = _none(*window.shape)
    penalty = np.broadcast_to(instance.workloads.unserved_usd_per_mtok[:, None], window.shape)
    unserved[wanted] = builder.columns("unserved", int(wanted.sum()), cost=penalty[wanted])
    fleet, cells = fleet_shape(instance), able.shape
    contracts = len(instance.contracts.contract)
    return Columns(
        route=routes[position],
        period=period.astype(np.int32),
        place=place,
        workload=workload[position],
        pool=pool[position],
        activated=_none(instance.num_pools),
        chosen=_none(instance.num_routes),
        unserved=unserved,
        backlog=_none(*window.shape),
        replicas=_none(*fleet),
        starts=_none(*fleet),
        blocks=_none(contracts),
        signed=_none(contracts),
        paid=_none(*cells),
        paying=_none(*cells),
        reserve=_none(*cells),
        failover=Failover(_none(0), _none(0), _none(0)),
        gives_way=_none(0, *cells),
        window_mtok=window,
    )


def _none(*shape: int) -> Index:
    return np.full(shape, -1, np.int32)

"""What each column of the program means, and back from values to a plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.program import ProgramBuilder

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of the program in the words of the instance.

    Attributes
    ----------
    route, period, place : (X,) route, period and column of each placement x[w,p,t].
    workload, pool : (X,) workload and pool of each placement.
    activated : (P,) column of z[p], 1 when the pool serves anything; -1 where that is free.
    chosen : (R,) column of y[w,p], 1 when the pinned workload runs there; -1 elsewhere.
    unserved : (W, T) column of u[w,t], -1 where nothing arrives that could be given up.
    backlog : (W, T) column of the backlog at the end of a period, -1 where there is none.
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
    builder: ProgramBuilder, instance: Instance, placement_usd: Float, routes: Index
) -> Columns:
    """Claim the columns for placements and unserved tokens.

    Parameters
    ----------
    placement_usd : (R', T) cost of a Mtok on each open route.
    routes : (R',) open routes.
    """
    window = window_sums(instance)
    able = instance.capacity_chips > 0
    workload = instance.routes.workload[routes]
    pool = instance.routes.pool[routes]
    usable = (window > 0)[workload] & able[pool]
    position, period = np.nonzero(usable)
    place = builder.columns("place", len(position), cost=placement_usd[usable])
    wanted = window > 0
    unserved = np.full(window.shape, -1, np.int32)
    penalty = np.broadcast_to(instance.workloads.unserved_usd_per_mtok[:, None], window.shape)
    unserved[wanted] = builder.columns("unserved", int(wanted.sum()), cost=penalty[wanted])
    return Columns(
        route=routes[position],
        period=period.astype(np.int32),
        place=place,
        workload=workload[position],
        pool=pool[position],
        activated=np.full(instance.num_pools, -1, np.int32),
        chosen=np.full(instance.num_routes, -1, np.int32),
        unserved=unserved,
        backlog=np.full(window.shape, -1, np.int32),
        window_mtok=window,
    )

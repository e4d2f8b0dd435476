"""What chips are worth: one more chip-hour where there are some, the first where there are none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.evaluate import Evaluation
from optimizer.evaluation.lanes import lanes_of
from optimizer.evaluation.priced_routes import PricedRoutes
from optimizer.evaluation.shadows.family import PART, Family
from optimizer.instance.instance import Instance, route_starts
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.prices import Prices

Float = NDArray[np.float64]


def capacity(
    instance: Instance,
    prices: Prices,
    evaluation: Evaluation,
    routes: PricedRoutes,
    marginal: Float,
) -> Family:
    """One more chip-hour of each pool in each period, beyond its price."""
    # What stays closed is worth nothing, whatever its multiplier.
    open_pools = np.zeros(instance.num_pools, np.bool_)
    open_pools[instance.routes.pool[routes.row >= 0]] = True
    value = np.where(open_pools[:, None], prices.capacity_usd_per_chip_hour, 0.0)
    hours = evaluation.available_chip_hours
    empty = (hours <= 0) & ~instance.left_out[:, None]
    if bool(empty.any()):
        value = np.where(empty, _first_chip(instance, routes, marginal, empty), value)
    return Family("capacity", instance.pools.pool, value, PART * (value * hours).sum(axis=1))


def _first_chip(
    instance: Instance, routes: PricedRoutes, marginal: Float, empty: NDArray[np.bool_]
) -> Float:
    """(P, T) worth of the first chip-hour where there is none.

    No limit has a multiplier there; the worth is what the best token that could be served
    would save: (its marginal cost - the route's cost) / its chip-hours. A model in replicas
    can do nothing with a chip-hour alone.
    """
    from optimizer.kernels.shadow_sweeps import first_chip

    table, first, lanes = instance.routes, route_starts(instance), lanes_of(instance)
    by_period = routes.by_period

    def look(begin: int, end: int) -> Float:
        worth = np.zeros(empty.shape)
        reach = _best_waiting(instance, marginal, begin, end)
        added = np.zeros(reach.shape) if routes.added is None else routes.added[begin:end]
        first_chip(
            first, table.pool, routes.row, routes.opens, table.usd_per_mtok,
            table.chip_hours_per_mtok, instance.workloads.model.codes, lanes.of,
            *by_period, routes.hour_usd, added, reach, empty, begin, worth,
        )  # fmt: skip
        return worth

    worth = np.zeros(empty.shape)
    for part in over_blocks(look, row_blocks(*marginal.shape)):
        np.maximum(worth, part, out=worth)
    return worth


def _best_waiting(instance: Instance, marginal: Float, begin: int, end: int) -> Float:
    """Dearest Mtok of some workloads that could be handled in the period; else -infinity."""
    from optimizer.kernels.sweep import window_minimum

    workloads = slice(begin, end)
    arriving = np.where(instance.demand_mtok[workloads] > 0, -marginal[workloads], np.inf)[:, ::-1]
    least = np.empty(arriving.shape)
    deadline = instance.workloads.deadline_periods[workloads]
    window_minimum(np.ascontiguousarray(arriving), deadline, least)
    return np.ascontiguousarray(-least[:, ::-1])


def activation(instance: Instance, evaluation: Evaluation) -> Family:
    """Fees that are paid."""
    asked = np.flatnonzero(instance.pools.activation_usd > 0)
    paid = evaluation.pool_activation_usd[asked]
    names = tuple(instance.pools.pool[pool] for pool in asked.tolist())
    return Family("activation", names, paid[:, None], PART * paid, horizon=True)


def contracts(instance: Instance, prices: Prices, evaluation: Evaluation) -> Family:
    """One more block on offer, where all that are on offer are bought."""
    table = instance.contracts
    value = np.where(evaluation.blocks >= table.max_blocks, prices.contract_usd, 0.0)
    worth = PART * value * table.max_blocks
    return Family("contracts", table.contract, value[:, None], worth, horizon=True)


def replicas(instance: Instance, prices: Prices, running: Float, ready_hours: Float) -> Family:
    """One more chip-hour of work that the replicas running there could do.

    Parameters
    ----------
    running : (L, T) replicas that run.
    ready_hours : (L, T) chip-hours of work that they can do within their target.
    """
    from optimizer.evaluation.lanes import lane_names

    lanes = lanes_of(instance)
    value = prices.replica_usd_per_chip_hour[lanes.model, lanes.pool]
    value = np.where(running > 0, value, 0.0)
    worth = PART * (value * ready_hours).sum(axis=1)
    return Family("replicas", lane_names(instance, lanes), value, worth)

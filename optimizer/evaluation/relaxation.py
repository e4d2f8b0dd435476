"""The relaxed problem at prices: what a Mtok costs, and what is paid whatever is served.

Why the sweep is a bound
------------------------
Take any plan that keeps every rule, and any prices >= 0. Add to its cost, for each priced
limit, price * (what the plan has - what the limit allows): nothing that is added is positive.
So whatever is shown to lie below this sum for all plans lies below the cost of each. Write,
for pool p and period t (indices left out),

    F    how often a USD spent there counts: 1 + budget's price + multipliers of shares of spend
    g    USD per chip-hour held: multipliers of shares of compute, and power
    lam  price of capacity,     c  price of the pool (0 where reserved),     O, B, K, H, q, n
         as in docs/problem.md

The sum then is made of tokens, of chips that are held, of contracts, and of constants.

1. *As used.* ``F c max(0, O - B H) >= theta (O - B H)`` for any theta from 0 to F c, if F >= 0.
   For F < 0, since max(0, O - B H) <= O, it is ``>= F c O``. In both cases it is
   ``>= theta O - max(theta, 0) B H``. Two choices of theta are tried: F c, and the least that
   the pool or a contract in force asks, F usd_per_chip_hour.
2. *Held hours.* They cost ``h O`` with ``h = theta + lam + g``, less what the hours of some are
   worth: those of replicas of m by the price of min_replicas, ``kappa / (q H)``, and any by the
   price of outages (4). Let slope_i be what is left for each kind i of held hours. Every kind
   holds at least its work, ``held_i >= work_i >= 0``: work of replicas is at most target q H n,
   so theirs is a Mtok's chip-hours over the target; free models hold exactly their work. Where
   nothing may be held but work (no replicas on the pool, no outages) ``sum slope_i held_i`` is
   the work at its price, of whatever sign. Elsewhere, with ``low = min(0, all slope_i)``,

       sum slope_i held_i >= sum max(slope_i, 0) work_i + low (K + B) H,

   since all that is held fits into (K + B) H. So a price below nothing, as a min share brings
   it, is bounded by the chips that there are.
3. *Contracts.* ``block_chips b H (F usd - lam - max(theta, 0) + low)``, summed over the periods
   in force, is linear in b, so least at 0 or at max_blocks.
4. *Outages.* With pi[g,w,t] on the tokens that must find a place and kappa[g,i,t] on the room,
   f costs ``a kappa - pi``, which is >= 0 for ``kappa = max pi / a`` over the routes that end
   there, so f is best at 0. A Mtok placed then costs ``sum_g served pi`` more, and a held hour
   of kind i ``sum_g kappa`` less; hours of loading weights would add to it and are dropped.
5. *Dropped*, because they only add to the sum: fees and starts, whose factor is 1 + budget's
   price. Dropped, because leaving a rule out lowers the least cost: whole numbers, changes of
   replicas, priorities, single pools, fees to be paid.

What is left for tokens separates by Mtok: the sweep. Farkas proofs are the same with the cost
itself at 0 (weight 0), where the budget's price still counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.costs import reserved_usd
from optimizer.evaluation.lanes import Lanes, lanes_of
from optimizer.evaluation.limit_prices import LimitPrices, limit_prices
from optimizer.evaluation.openings import route_opens
from optimizer.evaluation.priced_routes import (
    PricedRoutes,
    added_by_outages,
    price_rows,
    protected_usd,
    standby_usd,
)
from optimizer.instance.instance import Instance
from optimizer.prices import Prices

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Terms of the bound.

    Attributes
    ----------
    routes : what a Mtok costs on each route.
    constants : USD that do not depend on where tokens go.
    sizes : sizes of what the constants were made of, at least their absolute values.
    doubt : (W,) USD per Mtok that cancel in the routes' prices: what rounding may hide in.
    limits : number of limits that enter a price.
    """

    routes: PricedRoutes
    constants: list[float]
    sizes: list[float]
    doubt: Float
    limits: int


def relaxation(
    instance: Instance, prices: Prices, weight: float = 1.0, charge: float = 1.0
) -> Relaxation:
    """Terms of the bound at prices; the module says why they are one.

    Parameters
    ----------
    weight : 0 leaves the costs themselves out, for Farkas proofs.
    charge : 1 charges a chip-hour at its pool's price, 0 at the least that any contract in
        force asks, if that is less.
    """
    limits = limit_prices(instance, prices, weight)
    lanes, opens = lanes_of(instance), route_opens(instance)
    shut = opens >= instance.num_periods
    row = np.where(shut, np.int32(-1), price_rows(instance, lanes))
    slope, less = _slopes(instance, prices, limits, lanes, row, opens, charge)
    loose = _loose(instance, lanes)
    low = _low(slope, loose, lanes, instance.num_pools)
    pool_of = np.concatenate([np.arange(instance.num_pools), lanes.pool])
    chip_hours = instance.routes.chip_hours_per_mtok
    if len(lanes):
        target = np.concatenate([np.ones(instance.num_pools), lanes.target])
        chip_hours = chip_hours / target[np.maximum(row, 0)]
    outage_usd = protected_usd(instance, prices.outage_usd_per_mtok)
    routes = PricedRoutes(
        row=row,
        opens=np.where(shut, np.int32(0), opens),
        route_usd=instance.routes.usd_per_mtok,
        chip_hours=chip_hours,
        factor=limits.factor[pool_of],
        per_mtok=limits.tokens[pool_of],
        hour_usd=np.where(loose[pool_of, None], np.maximum(slope, 0.0), slope),
        closed=no_chips(instance)[pool_of],
        ceiling=weight * instance.workloads.unserved_usd_per_mtok,
        added=None if outage_usd is None else added_by_outages(instance, outage_usd),
    )
    constants, sizes = _constants(instance, prices, limits, low, less, charge)
    return Relaxation(
        routes=routes,
        constants=constants,
        sizes=sizes,
        doubt=_doubt(instance, limits, routes, less, pool_of),
        limits=len(instance.shares.share) + len(instance.power.limit),
    )


def no_chips(instance: Instance) -> Bool:
    """(P, T) where nothing can be used: no chips and none on offer, or left out."""
    offered = instance.contract_in_force & (instance.contracts.max_blocks > 0)[:, None]
    empty = instance.capacity_chips <= 0
    np.logical_and.at(empty, instance.contracts.pool, ~offered)
    return np.asarray(empty | instance.left_out[:, None])


def as_used_usd(instance: Instance) -> Float:
    """(P, T) price of on_demand and spot pools; 0 of reserved ones and those left out."""
    paid = ~instance.reserved & ~instance.left_out
    return np.where(paid[:, None], instance.price_usd_per_chip_hour, 0.0)


def _loose(instance: Instance, lanes: Lanes) -> Bool:
    """(P,) pools on which more may be held than is at work."""
    loose = np.full(instance.num_pools, len(instance.outages.outage) > 0)
    loose[lanes.pool] = True
    return loose


def _charged(instance: Instance, limits: LimitPrices, charge: float) -> Float:
    """(P, T) theta: what an hour that is held is charged, at most the pool's own price."""
    full = np.asarray(limits.factor * as_used_usd(instance))
    if charge == 1.0:
        return full
    table = instance.contracts
    asked = np.full(full.shape, np.inf)
    offered = instance.contract_in_force & (table.max_blocks > 0)[:, None]
    np.minimum.at(asked, table.pool, np.where(offered, table.usd_per_chip_hour[:, None], np.inf))
    factor = np.broadcast_to(limits.factor, full.shape)
    least = np.where(np.isinf(asked), full, factor * np.where(np.isinf(asked), 0.0, asked))
    return np.where(factor >= 0, np.minimum(full, least), full)


def _slopes(
    instance: Instance,
    prices: Prices,
    limits: LimitPrices,
    lanes: Lanes,
    row: NDArray[np.int32],
    opens: NDArray[np.int32],
    charge: float,
) -> tuple[Float, Float]:
    """(P + L, T) USD per chip-hour held, of free models and the reserve, then of each lane.

    Returns
    -------
    slope : the price.
    less : the negative parts that are in it, as positive numbers.
    """
    hour = _charged(instance, limits, charge) + limits.capacity
    slope = hour + limits.compute + limits.power
    less = limits.compute_less + limits.spend_less * as_used_usd(instance)
    if len(lanes):
        worth = _minimum_worth(instance, prices, lanes)
        slope = np.concatenate([slope, slope[lanes.pool] - worth])
        less = np.concatenate([less, less[lanes.pool] + worth])
    outage_usd = protected_usd(instance, prices.outage_usd_per_mtok)
    if outage_usd is not None:
        worth = standby_usd(instance, outage_usd, row, opens, len(slope))
        slope, less = slope - worth, less + worth
    return slope, less


def _minimum_worth(instance: Instance, prices: Prices, lanes: Lanes) -> Float:
    """(L, T) USD per chip-hour held by replicas, from the price of min_replicas."""
    table = instance.models
    usd = np.zeros((len(instance.model_names), instance.num_periods))
    if len(prices.min_replicas_usd):
        for row in np.flatnonzero(table.min_replicas > 0).tolist():
            model = instance.model_names.index(table.model[row])
            usd[model] = prices.min_replicas_usd[model]
    hours = lanes.chips * instance.period_hours
    return np.asarray(usd[lanes.model] / hours[:, None])


def _low(slope: Float, loose: Bool, lanes: Lanes, pools: int) -> Float:
    """(P, T) least price of an hour that may be held without work, never above 0."""
    low = np.where(loose[:, None], np.minimum(slope[:pools], 0.0), 0.0)
    np.minimum.at(low, lanes.pool, slope[pools:])
    return np.asarray(low)


def _constants(
    instance: Instance,
    prices: Prices,
    limits: LimitPrices,
    low: Float,
    less: Float,
    charge: float,
) -> tuple[list[float], list[float]]:
    """What does not depend on where tokens go, and the sizes of what it is made of."""
    from optimizer.kernels.sweep import weighted_sums

    constants: list[float] = []
    sizes: list[float] = []

    def add(weights: Float, values: Float) -> None:
        sums, size = weighted_sums(
            np.ascontiguousarray(np.broadcast_to(weights, values.shape), dtype=np.float64),
            np.ascontiguousarray(values, dtype=np.float64),
        )
        constants.extend(sums.tolist())
        sizes.extend(size.tolist())

    reserved = reserved_usd(instance)
    add(np.full((1, 1), limits.weight), reserved)
    if bool(limits.spend.any()):
        add(limits.spend, reserved)
        sizes.append(float((limits.spend_less * reserved).sum()))
    hours = np.where(instance.left_out[:, None], 0.0, instance.capacity_chips)
    hours = hours * instance.period_hours
    add(-limits.capacity, hours)
    if bool((low < 0).any()):
        add(low, hours)
        hidden = np.zeros(hours.shape)
        most = less[: instance.num_pools]
        hidden[:] = most
        np.maximum.at(hidden, lanes_of(instance).pool, less[instance.num_pools :])
        sizes.append(2 * float((hidden * hours)[low < 0].sum()))
    if bool((prices.power_usd_per_mwh > 0).any()):
        add(-prices.power_usd_per_mwh, _power_mwh(instance))
    if limits.budget > 0:
        assert instance.budget_usd is not None
        add(np.full((1, 1), -limits.budget), np.full((1, 1), instance.budget_usd))
    table = instance.models
    for row in np.flatnonzero(table.min_replicas > 0).tolist():
        model = instance.model_names.index(table.model[row])
        usd = prices.min_replicas_usd[model][None, :]
        add(usd, np.full(usd.shape, float(table.min_replicas[row])))
    _add_contracts(instance, limits, low, charge, constants, sizes)
    return constants, sizes


def _power_mwh(instance: Instance) -> Float:
    """(E, T) MWh that each limit on power allows."""
    shape = (len(instance.power.limit), instance.num_periods)
    return np.array(np.broadcast_to(instance.power.max_mw[:, None] * instance.period_hours, shape))


def _add_contracts(
    instance: Instance,
    limits: LimitPrices,
    low: Float,
    charge: float,
    constants: list[float],
    sizes: list[float],
) -> None:
    """Each contract at its best number of blocks: none, or all where a block saves money."""
    table = instance.contracts
    if len(table.contract) == 0:
        return
    theta = np.maximum(_charged(instance, limits, charge), 0.0)
    wide = theta.shape
    factor = np.broadcast_to(limits.factor, wide)
    spend_size = np.broadcast_to(limits.weight + np.abs(limits.spend) + limits.spend_less, wide)
    compute_less = np.broadcast_to(limits.compute_less, wide)
    for contract in range(len(table.contract)):
        pool = int(table.pool[contract])
        if instance.left_out[pool]:
            continue
        when = instance.contract_in_force[contract]
        usd = float(table.usd_per_chip_hour[contract])
        gain = theta[pool] - low[pool] + limits.capacity[pool]
        terms = (factor[pool] * usd - gain)[when]
        parts = (spend_size[pool] * usd + gain + 2 * compute_less[pool])[when]
        blocks = float(table.max_blocks[contract])
        hours = float(table.block_chips[contract]) * instance.period_hours * blocks
        constants.append(hours * min(0.0, math.fsum(terms.tolist())))
        sizes.append(hours * float(parts.sum()))


def _doubt(
    instance: Instance,
    limits: LimitPrices,
    routes: PricedRoutes,
    less: Float,
    pool_of: NDArray[np.int64],
) -> Float:
    """(W,) USD per Mtok that may cancel within the price of a route of each workload.

    Without a multiplier that pays for use (a min share, an outage) nothing can.
    """
    doubt = np.zeros(instance.num_workloads)
    some = bool(limits.spend_less.any() or limits.tokens_less.any() or less.any())
    if some and instance.num_routes:
        line = np.maximum(routes.row, 0)
        own = limits.spend_less.max(axis=1)[pool_of] * 2
        mtok = limits.tokens_less.max(axis=1)[pool_of] * 2
        hour = less.max(axis=1) * 2
        each = own[line] * routes.route_usd + mtok[line] + hour[line] * routes.chip_hours
        np.maximum.at(doubt, instance.routes.workload, np.where(routes.row >= 0, each, 0.0))
    if routes.added is not None:
        doubt += 2 * routes.added.max(axis=1)
    return doubt

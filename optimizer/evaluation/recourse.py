"""What a fixed plan does when demand, throughput and prices turn out otherwise (docs/risk.md).

Who goes where, and what the fleet holds in advance, stays; placements grow or shrink with demand
and slowness; where they no longer fit, all that share the chips are cut by the same part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem
from optimizer.evaluation.attainment import Attainment
from optimizer.evaluation.costs import Costs, costs_of, reserved_usd
from optimizer.evaluation.draws import Factors
from optimizer.evaluation.tally import Tally, tally
from optimizer.evaluation.verdict import HARD
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Int = NDArray[np.int64]

__all__ = ["Outcomes", "Recourse"]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of a plan in each draw of a block.

    Attributes
    ----------
    reserved_usd, usage_usd, route_usd, penalty_usd : (D,) parts of the cost that vary.
    pool_usage_usd : (P, D) usage of each pool at the stated prices.
    fixed_usd : the others: contracts, starts, activation.
    arriving_mtok, unserved_mtok : (D,) over the horizon.
    sent_mtok : (D,) what the plan places, scaled with demand; cut or not.
    crowded_mtok : (D,) of it, what is sent where room is short.
    overloaded : (P, D) whether a pool is short of room in some period.
    cut_mtok : (P, D) what did not fit.
    promised_mtok, kept_mtok : (D,) Mtok sent to groups of the attainment table, and of them those
        served within their promise; None without a table.
    """

    reserved_usd: Float
    usage_usd: Float
    route_usd: Float
    penalty_usd: Float
    pool_usage_usd: Float
    fixed_usd: float
    arriving_mtok: Float
    unserved_mtok: Float
    sent_mtok: Float
    crowded_mtok: Float
    overloaded: NDArray[np.bool_]
    cut_mtok: Float
    promised_mtok: Float | None
    kept_mtok: Float | None

    @property
    def spent_usd(self) -> Float:
        """(D,) cost without the penalty: what a budget limits."""
        return self.reserved_usd + self.usage_usd + self.route_usd + self.fixed_usd

    @property
    def cost_usd(self) -> Float:
        """(D,) cost."""
        return self.spent_usd + self.penalty_usd


@dataclass(frozen=True, eq=False)
class _Table:
    """An attainment table with its placements sorted by group."""

    first: Int
    route: Index
    mtok: Float
    resource: Int
    held: Float
    ratio: Float
    attained: Float


@dataclass(frozen=True, eq=False)
class Recourse:
    """A plan laid out for draws: its placements by the chips they share.

    A resource is a pool in a period, for models without replicas there; or the replicas of a model
    on a pool in a period. Axis I.

    Attributes
    ----------
    instance : the problem, with the routes that the plan was made with.
    served_hours : (R,) chip-hours per Mtok that serving takes; fewer than those planned where
        routes were tightened.
    planned : cost of the plan as stated, by the judge.
    route_class : (R,) class of throughput of each route.
    first : (I + 1,) where each resource's placements begin.
    route, mtok : (K,) placements, sorted by resource.
    pool, room, fixed, price : (I,) pool, chip-hours that placements can have, chip-hours held
        beside them less those of blocks, USD per chip-hour held.
    reserved : (P,) USD for reserved chips at the stated price.
    totals : (4, W) Mtok arriving, placed and given up, and own cost of routes, as stated.
    table : what is known of promises.
    """

    instance: Instance
    served_hours: Float
    planned: Costs
    route_class: Int
    first: Int
    route: Index
    mtok: Float
    pool: Int
    room: Float
    fixed: Float
    price: Float
    reserved: Float
    totals: Float
    table: _Table | None

    @classmethod
    def of(
        cls,
        instance: Instance,
        plan: Plan,
        route_class: Int,
        attainment: Attainment | None = None,
        served_hours: Float | None = None,
    ) -> Recourse:
        """Lay a plan out.

        Parameters
        ----------
        plan : one that :func:`optimizer.evaluation.admission.admit` lets in.
        served_hours : (R,) as above; those of the routes by default.

        Raises
        ------
        InputError
            When placements have no route, or the table is for another plan.
        """
        from optimizer.kernels.placements import find_routes
        from optimizer.kernels.sparse import stable_order

        sums = tally(instance, plan)
        if len(sums.strays):
            got = f"{len(sums.strays)} without"
            raise InputError(Problem("plan, placements", "a route for each of them", got))
        routes = instance.routes
        route = find_routes(instance.first_route, routes.pool, plan.workload, plan.pool)
        room, fixed, price, pool = _resources(instance, sums)
        resource = _resource_of(instance, plan, sums)
        order = stable_order(resource, len(room))
        own = plan.placed_mtok * routes.usd_per_mtok[route]
        totals = np.array(
            [
                instance.demand_mtok.sum(axis=1),
                sums.placed_by_workload,
                sums.unserved_by_workload,
                np.bincount(plan.workload, own, instance.num_workloads),
            ]
        )
        table = None
        if attainment is not None:
            attainment.admit(plan)
            table = _table(attainment, route.astype(np.int32), plan.placed_mtok, resource)
        return cls(
            instance=instance,
            served_hours=routes.chip_hours_per_mtok if served_hours is None else served_hours,
            planned=costs_of(instance, sums),
            route_class=route_class,
            first=_starts(resource, len(room)),
            route=route[order].astype(np.int32),
            mtok=plan.placed_mtok[order],
            pool=pool,
            room=room,
            fixed=fixed,
            price=price,
            reserved=reserved_usd(instance).sum(axis=1),
            totals=totals,
            table=table,
        )

    def outcomes(self, factors: Factors) -> Outcomes:
        """What becomes of the plan under a block of draws."""
        from optimizer.kernels.recourse import fit_to_room, weighted

        instance, routes = self.instance, self.instance.routes
        draws, pools = factors.demand.shape[1], instance.num_pools
        penalty_usd = instance.workloads.unserved_usd_per_mtok
        usage, overloads, cut = (np.zeros((pools, draws)) for _ in range(3))
        crowded, lost_route, lost_penalty = (np.zeros(draws) for _ in range(3))
        margin = bool((self.served_hours != routes.chip_hours_per_mtok).any())
        fit = np.empty((0 if self.table is None else len(self.room), draws))
        fit_to_room(
            self.first, self.route, self.mtok, routes.workload, self.route_class,
            self.served_hours, routes.chip_hours_per_mtok, margin, routes.usd_per_mtok, penalty_usd,
            self.pool, self.room, self.fixed, self.price, HARD, factors.demand, factors.slowness,
            usage, overloads, cut, crowded, lost_route, lost_penalty, fit,
        )  # fmt: skip
        penalties = self.totals[2] * penalty_usd
        weights = np.concatenate([self.totals, penalties[None, :]])
        arriving, sent, given_up, own, penalty = weighted(weights, factors.demand)
        (reserved,) = weighted(self.reserved[None, :], factors.price)
        promised, kept = self._promises(factors, fit)
        planned = self.planned
        return Outcomes(
            reserved_usd=reserved,
            usage_usd=weighted(np.ones((1, pools)), usage * factors.price)[0],
            route_usd=own - lost_route,
            penalty_usd=penalty + lost_penalty,
            pool_usage_usd=usage,
            fixed_usd=planned.contracts + planned.startup + planned.activation,
            arriving_mtok=arriving,
            unserved_mtok=given_up + weighted(np.ones((1, pools)), cut)[0],
            sent_mtok=sent,
            crowded_mtok=crowded,
            overloaded=overloads > 0,
            cut_mtok=cut,
            promised_mtok=promised,
            kept_mtok=kept,
        )

    @cached_property
    def stated(self) -> Outcomes:
        """What becomes of the plan when all is as stated: one draw."""
        classes = int(self.route_class.max(initial=-1)) + 1
        axes = (self.instance.num_workloads, classes, self.instance.num_pools)
        return self.outcomes(Factors(*(np.ones((length, 1)) for length in axes)))

    def price_alone_usd(self, price: Float) -> Float:
        """(D,) cost when prices alone are drawn, (P, D) factors: chip-hours stay as they are."""
        from optimizer.kernels.recourse import weighted

        chips = self.reserved + self.stated.pool_usage_usd[:, 0]
        (more,) = weighted(chips[None, :], price - 1.0)
        return np.asarray(self.stated.cost_usd[0] + more)

    def _promises(self, factors: Factors, fit: Float) -> tuple[Float | None, Float | None]:
        """Mtok sent to groups with a table, and those within their promise."""
        if self.table is None:
            return None, None
        from optimizer.kernels.recourse import attained

        routes, table = self.instance.routes, self.table
        sent, kept = np.zeros(fit.shape[1]), np.zeros(fit.shape[1])
        attained(
            table.first, table.route, table.mtok, table.resource, routes.workload,
            self.route_class, routes.chip_hours_per_mtok, table.held, table.ratio, table.attained,
            factors.demand, factors.slowness, fit, sent, kept,
        )  # fmt: skip
        return sent, kept


def _resources(instance: Instance, sums: Tally) -> tuple[Float, Float, Float, Int]:
    """Room, chip-hours fixed beside, price and pool of each resource: pools, then lanes."""
    lanes, hours = sums.lanes, instance.period_hours
    beside = sums.reserve_chip_hours.copy()
    np.add.at(beside, lanes.pool, lanes.chips[:, None] * sums.replicas * hours)
    blocks = sums.block_chips * hours
    free = instance.capacity_chips * hours + blocks - beside
    # What the plan itself places was judged; whatever its tolerance, it has its room.
    room = np.maximum(free, sums.free_load_chip_hours)
    lane_room = np.maximum(sums.ready_hours(hours), sums.lane_load_chip_hours)
    paid = ~instance.reserved & ~instance.left_out
    price = np.where(paid[:, None], instance.price_usd_per_chip_hour, 0.0)
    nothing = np.zeros(lane_room.shape)
    pool = np.concatenate([np.arange(instance.num_pools), lanes.pool])
    return (
        np.concatenate([room, lane_room]).ravel(),
        np.concatenate([beside - blocks, nothing]).ravel(),
        np.concatenate([price, nothing]).ravel(),
        np.repeat(pool, instance.num_periods),
    )


def _resource_of(instance: Instance, plan: Plan, sums: Tally) -> Int:
    """(K,) resource of each placement, in the order of :func:`_resources`."""
    lane = sums.lanes.of[instance.workloads.model.codes[plan.workload], plan.pool]
    row = np.where(lane < 0, plan.pool, instance.num_pools + lane)
    return np.asarray(row * instance.num_periods + plan.period, np.int64)


def _table(attainment: Attainment, route: Index, mtok: Float, resource: Int) -> _Table:
    """The table with its placements sorted by group, those in none left out."""
    order = np.argsort(attainment.group, kind="stable")
    order = order[attainment.group[order] >= 0]
    return _Table(
        first=_starts(attainment.group[order], len(attainment.held_chip_hours)),
        route=route[order],
        mtok=mtok[order],
        resource=resource[order],
        held=np.asarray(attainment.held_chip_hours, np.float64),
        ratio=np.asarray(attainment.ratio, np.float64),
        attained=np.asarray(attainment.attained, np.float64),
    )


def _starts(keys: Int, size: int) -> Int:
    """(size + 1,) where each key's entries begin once they are sorted."""
    return np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=size))]).astype(np.int64)

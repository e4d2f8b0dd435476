"""Doubts: what is legal in an instance but seldom meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.fleet_doubts import (
    dear_contracts,
    idle_power_limits,
    left_out_contracts,
    never_in_force,
    pointless_outages,
    too_large_replicas,
    without_qualification,
)
from optimizer.instance.instance import Instance
from optimizer.instance.serving_doubts import spare_network, spare_profiles

MOST_NAMED = 5


def doubts(instance: Instance) -> list[str]:
    """Sentences about what a planner should look at again; empty when there is nothing."""
    found = []
    found += _named(
        "no route, so all of their demand will be given up",
        "workload",
        instance.workloads.workload,
        _without_route(instance),
    )
    found += _named(
        "no workload has a route to them",
        "pool",
        instance.pools.pool,
        ~np.isin(np.arange(instance.num_pools), instance.routes.pool),
    )
    found += _named(
        "no chips in any period",
        "pool",
        instance.pools.pool,
        np.asarray(~(instance.capacity_chips > 0).any(axis=1)),
    )
    found += _named(
        "price unknown, so they take no part", "pool", instance.pools.pool, instance.left_out
    )
    found += _named(
        "giving up costs no more than the cheapest route, so tokens will be given up "
        "although there is room",
        "workload",
        instance.workloads.workload,
        _cheap_penalty(instance),
    )
    found += _magnitude(instance)
    return found + _fleet(instance) + _serving(instance)


def _fleet(instance: Instance) -> list[str]:
    """Doubts about the tables that say how the fleet is run."""
    replicas, contracts = instance.replicas, instance.contracts.contract
    pairs = zip(replicas.model.values(), replicas.chip.values(), strict=True)
    found = _named(
        "every route leads to a chip that its model is not qualified for within the horizon",
        "workload",
        instance.workloads.workload,
        without_qualification(instance),
    )
    found += _named(
        "larger than any pool of the chip, so none can run",
        "replica",
        tuple(f"{model} on {chip}" for model, chip in pairs),
        too_large_replicas(instance),
    )
    found += pointless_outages(instance)
    for what, mask in (
        ("of a pool that takes no part", left_out_contracts(instance)),
        ("never in force within the horizon", never_in_force(instance)),
        (
            "no cheaper than the pool's own chips, so of use only when these are full",
            dear_contracts(instance),
        ),
    ):
        found += _named(what, "contract", contracts, mask)
    return found + _named(
        "all chips together cannot draw so much, so it limits nothing",
        "power limit",
        instance.power.limit,
        idle_power_limits(instance),
    )


def _serving(instance: Instance) -> list[str]:
    """Doubts about the tables that say what a chip delivers."""
    profiles, network = instance.profiles, instance.network
    ways = zip(
        profiles.model.values(),
        profiles.chip.values(),
        profiles.configuration.values(),
        strict=True,
    )
    pairs = zip(network.region.values(), network.pool_region.values(), strict=True)
    return _named(
        "of a model that no workload asks for, or a chip that no pool has",
        "profile",
        tuple(f"{model} on {chip} ({name})" for model, chip, name in ways),
        spare_profiles(instance),
    ) + _named(
        "no workload comes from the one region, or no pool stands in the other",
        "network row",
        tuple(f"{region} to {there}" for region, there in pairs),
        spare_network(instance),
    )


def _without_route(instance: Instance) -> NDArray[np.bool_]:
    usable = instance.route_allowed & ~instance.left_out[instance.routes.pool]
    served = np.zeros(instance.num_workloads, np.bool_)
    served[instance.routes.workload[usable]] = True
    return np.asarray(~served & (instance.demand_mtok > 0).any(axis=1))


def _cheap_penalty(instance: Instance) -> NDArray[np.bool_]:
    routes = instance.routes
    price = np.where(instance.reserved, 0.0, instance.price_usd_per_chip_hour.min(axis=1))
    usd = routes.usd_per_mtok + routes.chip_hours_per_mtok * price[routes.pool]
    usd = np.where(np.isnan(usd) | ~instance.route_allowed, np.inf, usd)
    least = np.full(instance.num_workloads, np.inf)
    np.minimum.at(least, routes.workload, usd)
    return np.asarray((instance.workloads.unserved_usd_per_mtok <= least) & np.isfinite(least))


def _magnitude(instance: Instance) -> list[str]:
    """Throughputs that look like a mistaken unit: tokens per second and chip."""
    hours = instance.routes.chip_hours_per_mtok
    if len(hours) == 0:
        return []
    middle = 1e6 / 3600 / float(np.median(hours))
    if 1 <= middle <= 1e6:
        return []
    return [
        f"the median route gives {middle:.3g} tokens per second and chip: is chip_hours_per_mtok "
        "in chip-hours per 1,000,000 tokens? (chip-seconds are 3,600 times as many, per 1,000 "
        "tokens a thousandth)"
    ]


def _named(what: str, noun: str, names: tuple[str, ...], mask: NDArray[np.bool_]) -> list[str]:
    rows = np.flatnonzero(mask)
    if len(rows) == 0:
        return []
    listed = ", ".join(names[row] for row in rows[:MOST_NAMED].tolist())
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    plural = noun if len(rows) == 1 else noun + "s"
    return [f"{len(rows)} {plural}: {what}: {listed}{more}"]

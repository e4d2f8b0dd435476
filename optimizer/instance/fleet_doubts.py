"""Doubts about how the fleet is run: rules that can do nothing, or cost more than they need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.groups import group_mask
from optimizer.instance.instance import Instance

Bool = NDArray[np.bool_]


def without_qualification(instance: Instance) -> Bool:
    """(W,) workloads with open routes, none of which leads to a chip they are qualified for."""
    routes, table = instance.routes, instance.qualification
    usable = instance.route_allowed & ~instance.left_out[routes.pool]
    open_before = np.zeros(instance.num_workloads, np.bool_)
    open_before[routes.workload[usable]] = True
    last_start = float(instance.period_start_seconds[-1])
    models = len(instance.model_names)
    bound = np.zeros(models, np.bool_)
    fits = np.zeros((2, models, instance.num_pools), np.bool_)  # inference, training
    code_of = {name: code for code, name in enumerate(instance.model_names)}
    for row in range(len(table.model)):
        code = code_of[table.model[row]]
        bound[code] = True
        if not table.qualified_from[row] > last_start:
            on = instance.pools.chip.equal(table.chip[row])
            fits[0, code] |= on & (table.use[row] != "training")
            fits[1, code] |= on & (table.use[row] != "inference")
    model, training = instance.workloads.model.codes, instance.workloads.traffic_class
    use = training.equal("training").astype(np.int64)
    workload = routes.workload
    fine = ~bound[model[workload]] | fits[use[workload], model[workload], routes.pool]
    open_after = np.zeros(instance.num_workloads, np.bool_)
    open_after[workload[usable & fine]] = True
    return np.asarray(open_before & ~open_after)


def too_large_replicas(instance: Instance) -> Bool:
    """(rows of replicas,) replicas larger than every pool of the chip ever is, blocks included."""
    most = most_chips(instance).max(axis=1)
    table = instance.replicas
    room = [
        float(most[instance.pools.chip.equal(chip)].max(initial=0.0))
        for chip in table.chip.values()
    ]
    return np.asarray(table.chips_per_replica > np.array(room))


def never_in_force(instance: Instance) -> Bool:
    """(C,) contracts that begin after the horizon."""
    return np.asarray(~instance.contract_in_force.any(axis=1))


def dear_contracts(instance: Instance) -> Bool:
    """(C,) contracts dearer than the pool's own chips, of which as many could be had."""
    table = instance.contracts
    own = ~instance.reserved[table.pool] & ~instance.left_out[table.pool]
    price = instance.price_usd_per_chip_hour[table.pool]
    dear = (table.usd_per_chip_hour[:, None] >= price) | ~instance.contract_in_force
    return np.asarray(own & instance.contract_in_force.any(axis=1) & dear.all(axis=1))


def left_out_contracts(instance: Instance) -> Bool:
    """(C,) contracts of pools that take no part."""
    return np.asarray(instance.left_out[instance.contracts.pool])


def idle_power_limits(instance: Instance) -> Bool:
    """(E,) limits on power above what all chips of the group could ever draw."""
    table = instance.power
    megawatts = instance.pools.watts_per_chip[:, None] * most_chips(instance) / 1e6
    idle = []
    for attribute, value, limit in zip(
        table.attribute.values(), table.value.values(), table.max_mw.tolist(), strict=True
    ):
        group = group_mask(instance.pools, attribute, value) & ~instance.left_out
        idle.append(bool(megawatts[group].sum(axis=0).max(initial=0.0) <= limit))
    return np.array(idle, np.bool_)


def pointless_outages(instance: Instance) -> list[str]:
    """Outages without anything to protect, or the other way round."""
    outages, protected = len(instance.outages.outage), int(instance.workloads.protected.sum())
    if outages and not protected:
        return ["outages are listed, but no workload is protected: they ask for nothing"]
    if protected and not outages:
        return ["workloads are protected, but no outage is listed: protection asks for nothing"]
    return []


def most_chips(instance: Instance) -> NDArray[np.float64]:
    """(P, T) chips that could be used if every block were bought."""
    table = instance.contracts
    blocks = (table.block_chips * table.max_blocks)[:, None] * instance.contract_in_force
    most = instance.capacity_chips.copy()
    np.add.at(most, table.pool, blocks)
    return most

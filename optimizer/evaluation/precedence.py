"""Who was refused on which pool: what priorities are judged by.

Tokens count when they are more than a balance may be off by: a part of the workload's largest
demand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.openings import route_opens
from optimizer.evaluation.verdict import RELATIVE, SPECK
from optimizer.instance.instance import Instance, route_starts

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def has_priorities(instance: Instance) -> bool:
    """Whether some workloads go before others."""
    return len(np.unique(instance.workloads.priority)) > 1


def countable_mtok(instance: Instance) -> Float:
    """(W,) Mtok above which tokens of a workload count."""
    return np.asarray(RELATIVE * instance.demand_mtok.max(axis=1) + SPECK)


def first_refused(instance: Instance, unserved_mtok: Float) -> Int:
    """(P, T) workload of the first priority that was given up and could use the pool; -1: none.

    Parameters
    ----------
    unserved_mtok : (W, T) Mtok given up.
    """
    found = np.full((instance.num_pools, instance.num_periods), -1, np.int64)
    chips, opens, first = _may_have_chips(instance), route_opens(instance), route_starts(instance)
    given_up = unserved_mtok > countable_mtok(instance)[:, None]
    periods = np.arange(instance.num_periods)
    refused = np.flatnonzero(given_up.any(axis=1))
    # In descending order of the number, so that the first priority is written last and stays.
    order = np.argsort(-instance.workloads.priority[refused], kind="stable")
    for workload in refused[order].tolist():
        routes = slice(first[workload], first[workload + 1])
        pools = instance.routes.pool[routes]
        usable = (periods >= opens[routes, None]) & chips[pools] & given_up[workload]
        found[pools] = np.where(usable, workload, found[pools])
    return found


def _may_have_chips(instance: Instance) -> NDArray[np.bool_]:
    """(P, T) pools with chips, or with a contract in force that may be bought."""
    table = instance.contracts
    may = instance.capacity_chips > 0
    offered = instance.contract_in_force & (table.max_blocks > 0)[:, None]
    np.logical_or.at(may, table.pool, offered)
    return may

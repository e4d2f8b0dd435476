"""Whether nothing but the pools' limits couples workloads, and nothing couples periods."""

from __future__ import annotations

import numpy as np

from optimizer.instance.instance import Instance

PRICED = ("deadline", "shares", "power", "budget")
"""Of these rules, those that are rows with prices: nothing in them is a whole number."""


def couplings(instance: Instance) -> tuple[str, ...]:
    """Names of the rules that do more than limit a pool in a period; none for a plain instance.

    Residency and qualification are no such rules: they only close routes.
    """
    workloads, fee = instance.workloads, instance.pools.activation_usd > 0
    present = {
        "deadline": bool((workloads.deadline_periods > 0).any()),
        "single_pool": bool(workloads.single_pool.any()),
        "priority": len(np.unique(workloads.priority)) > 1,
        "replicas": len(instance.replicas.model) > 0
        or bool((instance.models.min_replicas > 0).any()),
        "contracts": len(instance.contracts.contract) > 0,
        "activation": bool((fee & ~instance.left_out).any()),
        "shares": len(instance.shares.share) > 0,
        "outages": len(instance.outages.outage) > 0,
        "power": len(instance.power.limit) > 0,
        "budget": instance.budget_usd is not None,
    }
    return tuple(name for name, there in present.items() if there)


def beyond_replicas(instance: Instance) -> tuple[str, ...]:
    """Names of the rules that do more than limit a pool and ask for whole replicas in a period."""
    table, known = instance.replicas, set(instance.model_names)
    rows = np.array([name in known for name in table.model.values()], np.bool_)
    starts = (table.startup_usd > 0) | (table.startup_hours > 0)
    starts |= ~np.isnan(table.max_changes_per_period)
    found = [name for name in couplings(instance) if name != "replicas"]
    if bool((starts & rows).any()):
        found.append("startup")
    if bool((instance.models.min_replicas > 0).any()):
        found.append("min_replicas")
    return tuple(found)

"""Rules that a planner can move: each a limit with a name, whatever rows it makes in a program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.instance.instance import Instance

CAPACITY_LIKE = ("capacity", "power", "outage")
"""Families that say what there is; the others say what somebody wants."""


@dataclass(frozen=True, order=True)
class Rule:
    """One limit.

    Attributes
    ----------
    family : share_max, share_min, budget, min_replicas, max_changes, outage, power, capacity.
    row : row of its table: of ``shares``, ``models``, ``replicas`` (which is a model on a chip),
        ``outages`` or ``power``; of a capacity the pool; 0 for the budget.
    """

    family: str
    row: int


def rules_of(instance: Instance) -> tuple[Rule, ...]:
    """Every rule of an instance that more room could help with, those of wishes first."""
    shares, found = instance.shares, []
    found += [Rule("share_max", row) for row in np.flatnonzero(shares.max < 1).tolist()]
    found += [Rule("share_min", row) for row in np.flatnonzero(shares.min > 0).tolist()]
    if instance.budget_usd is not None:
        found.append(Rule("budget", 0))
    found += _of_fleet(instance)
    if bool(instance.workloads.protected.any()):
        found += [Rule("outage", row) for row in range(len(instance.outages.outage))]
    found += [Rule("power", row) for row in range(len(instance.power.limit))]
    pools = np.flatnonzero(~instance.left_out).tolist()
    return (*found, *(Rule("capacity", pool) for pool in pools))


def limit_of(instance: Instance, rule: Rule) -> float:
    """The limit as the instance states it; of a capacity the most chips of any period."""
    if rule.family == "capacity":
        return float(instance.capacity_chips[rule.row].max(initial=0.0))
    if rule.family == "budget":
        return float(instance.budget_usd or 0.0)
    column = {
        "share_max": instance.shares.max,
        "share_min": instance.shares.min,
        "min_replicas": instance.models.min_replicas,
        "max_changes": instance.replicas.max_changes_per_period,
        "outage": instance.outages.served,
        "power": instance.power.max_mw,
    }[rule.family]
    return float(column[rule.row])


def relative_size(instance: Instance, rule: Rule) -> float:
    """What a change of the limit is a part of, in its unit; never 0.

    A limit of 0 has no size of its own: one point of share, one replica and one chip stand in,
    for a budget what reserved chips cost.
    """
    size = limit_of(instance, rule)
    if rule.family == "capacity":
        known = instance.capacity_chips[~instance.left_out].max(axis=1, initial=0.0)
        return size or float(known.mean()) or 1.0
    if rule.family == "budget":
        paid = instance.reserved & ~instance.left_out
        usd = instance.price_usd_per_chip_hour[paid] * instance.capacity_chips[paid]
        return max(size, float(usd.sum()) * instance.period_hours) or 1.0
    least = {"share_max": 0.01, "share_min": 0.01, "power": 1e-3}
    return max(size, least.get(rule.family, 1.0 if size == 0 else size))


def _of_fleet(instance: Instance) -> list[Rule]:
    known = np.isin(instance.models.model, instance.model_names)
    least = np.flatnonzero((instance.models.min_replicas > 0) & known)
    changes = np.flatnonzero(~np.isnan(instance.replicas.max_changes_per_period))
    return [
        *(Rule("min_replicas", row) for row in least.tolist()),
        *(Rule("max_changes", row) for row in changes.tolist()),
    ]

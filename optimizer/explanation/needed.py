"""What rules would have to be for a plan to keep them, by the judge's own figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.checks.power import power_mw
from optimizer.evaluation.checks.shares import share_amounts
from optimizer.evaluation.costs import costs_of
from optimizer.evaluation.evaluate import Evaluation, evaluate
from optimizer.evaluation.tally import Tally, tally
from optimizer.evaluation.verdict import SPECK
from optimizer.explanation.change import Change, change_of, relaxed
from optimizer.explanation.rules import Rule, limit_of, relative_size
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

Float = NDArray[np.float64]

KEPT = 1e-7
"""Part of its limit by which a rule may be missed and still counts as kept."""


def needed(
    instance: Instance, rules: Iterable[Rule], plan: Plan, chips: Mapping[int, Float]
) -> tuple[Change, ...]:
    """Changes of some rules that make a plan keep them; those that it keeps are not named.

    More chips of reserved pools are paid for, so that budget and shares of spend are looked at
    with them.

    Parameters
    ----------
    chips : (T,) chips that the plan counts on beyond those of a pool, by pool. Of reserved pools
        they count even when they are idle, since what is paid for them may keep a share.
    """
    listed, sums = tuple(rules), tally(instance, plan)
    more = {
        rule: _chips(instance, rule, sums, chips.get(rule.row))
        for rule in listed
        if rule.family == "capacity"
    }
    grown = relaxed(instance, [change for change in more.values() if change is not None])
    found = []
    for rule in listed:
        if rule.family == "capacity":
            change = more[rule]
        else:
            change = change_of(instance, rule, _limit(grown, rule, plan, sums))
            if not _gives(instance, change):
                change = None
        if change is not None:
            found.append(change)
    return tuple(found)


def judged(instance: Instance, changes: Iterable[Change], plan: Plan) -> Evaluation:
    """The judge's verdict on a plan for the instance with some rules relaxed."""
    changed = relaxed(instance, changes)
    same = dataclasses.replace(plan, instance_digest=changed.digest)
    if len(same.outages) != len(changed.outages.outage):
        # An outage that protects nothing any more is no longer on the axis.
        kept = np.array([name in changed.outages.outage for name in plan.outages])
        axis, *others = plan.failover.axes
        mine = kept[axis]
        place = (np.cumsum(kept) - 1).astype(np.int32)
        axes = (place[axis[mine]], *(other[mine] for other in others))
        failover = dataclasses.replace(plan.failover, axes=axes, value=plan.failover.value[mine])
        same = dataclasses.replace(same, outages=changed.outages.outage, failover=failover)
    return evaluate(changed, same)


def _gives(instance: Instance, change: Change) -> bool:
    """Whether the limit has to move at all, and in the way that gives more room."""
    more = change.after - change.before
    if change.rule.family in ("share_min", "min_replicas", "outage"):
        more = -more
    return more > KEPT * relative_size(instance, change.rule)


def _chips(instance: Instance, rule: Rule, sums: Tally, counted_on: Float | None) -> Change | None:
    there = instance.capacity_chips[rule.row] + sums.block_chips[rule.row]
    more = sums.held_chip_hours[rule.row] / instance.period_hours - there
    if counted_on is not None and bool(instance.reserved[rule.row]):
        more = np.maximum(more, counted_on)
    more = np.where(more > KEPT * relative_size(instance, rule), more, 0.0)
    return change_of(instance, rule, 0.0, more) if bool(more.any()) else None


def _limit(instance: Instance, rule: Rule, plan: Plan, sums: Tally) -> float:
    """The tightest limit that the plan keeps."""
    if rule.family in ("share_max", "share_min"):
        parts = share_amounts(instance, sums)[rule.row].part
        parts = parts[~np.isnan(parts)]
        if len(parts) == 0:
            return limit_of(instance, rule)
        return float(parts.max() if rule.family == "share_max" else parts.min())
    if rule.family == "budget":
        return costs_of(instance, sums).spent
    if rule.family == "power":
        return float(power_mw(instance, sums)[rule.row].max(initial=0.0))
    if rule.family == "min_replicas":
        code = instance.model_names.index(instance.models.model[rule.row])
        mine = sums.lanes.model == code
        return float(sums.replicas[mine].sum(axis=0).min(initial=np.inf))
    if rule.family == "max_changes":
        rows = instance.replica_rows[sums.lanes.model, sums.lanes.pool]
        mine = (rows == rule.row) & ~instance.left_out[sums.lanes.pool]
        both = np.concatenate((sums.starts[mine], sums.stops[mine]))
        return float(both.max(initial=0.0))
    return _survived(instance, rule, plan, sums)


def _survived(instance: Instance, rule: Rule, plan: Plan, sums: Tally) -> float:
    """Least part of what is placed of any protected workload that an outage leaves served."""
    outage, workload, _, period = plan.failover.axes
    mine = outage == rule.row
    served = np.zeros(sums.placed_mtok.shape)
    np.add.at(served, (workload[mine], period[mine]), plan.failover.value[mine])
    counted = instance.workloads.protected[:, None] & (sums.placed_mtok > SPECK)
    parts = served[counted] / sums.placed_mtok[counted]
    return float(parts.min(initial=limit_of(instance, rule)))

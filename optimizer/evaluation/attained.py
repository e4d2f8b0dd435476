"""The part of promises that a plan's groups keep at each load, by the queue."""

from __future__ import annotations

import numpy as np

from optimizer.evaluation.attainment import Attainment
from optimizer.evaluation.latency import predicted_latency
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

RATIO = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.03, 1.07, 1.12, 1.2, 1.35, 1.6, 2.0)
"""Loads that the queue is asked about, in parts of the one planned: close where it bends."""


def attainment_by_queue(instance: Instance, plan: Plan) -> Attainment | None:
    """Ask the queue about every group of a plan; None where nothing is promised, or predicted.

    A group's replicas stay those of the plan while more or less comes to them. More chip-hours
    for the same tokens, as when replicas are slower than stated, count as if more came.
    """
    latency = predicted_latency(instance, plan)
    if latency is None:
        return None
    groups, requests = latency.groups, latency.requests
    kept = groups.promised[groups.lane]
    if not bool(kept.any()):
        return None
    some, place = requests.some(kept), np.cumsum(kept) - 1
    classes = kept[groups.group]
    mtok = plan.placed_mtok[groups.placement]
    group = np.full(len(plan.placed_mtok), -1, np.int64)
    group[groups.placement[classes]] = place[groups.group[classes]]
    total = np.bincount(some.group, mtok[classes])
    attained = np.empty((len(total), len(RATIO)))
    for position, ratio in enumerate(RATIO):
        part = some.attained(ratio) * mtok[classes]
        attained[:, position] = np.bincount(some.group, part) / total
    # Loads are told in parts of the one planned: whole replicas hold more than that takes.
    taken = mtok[classes] * instance.routes.chip_hours_per_mtok[groups.route[classes]]
    return Attainment(
        group=group,
        held_chip_hours=np.bincount(some.group, taken).astype(np.float64),
        ratio=np.array(RATIO),
        attained=np.clip(attained, 0.0, 1.0),
    )

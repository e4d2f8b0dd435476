"""How much less a replica may be given, so that all who share it keep their promises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.latency import Latency
from optimizer.instance.instance import Instance

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

STEPS = 12
"""Halvings that look for the load: to 1/4096 of it."""
LEAST = 0.05
"""Load below which a promise is out of reach: an idle replica would break it as well."""
MARGIN = 1e-3
"""What is added, so that the next plan does not miss by a hair."""


def relief(instance: Instance, latency: Latency) -> Float:
    """(R,) factors >= 1 on chip-hours per Mtok with which broken promises would be kept.

    The factor of a group of workloads is that of its worst period, and is that of all routes that
    share its replicas. Groups in which not even a load of :data:`LEAST` would do have a factor of
    1.
    """
    groups, requests = latency.groups, latency.requests
    bad = np.zeros(len(groups.lane), np.bool_)
    bad[groups.group[~latency.kept]] = True
    factor = np.ones(instance.num_routes)
    if not bool(bad.any()):
        return factor
    some = requests.some(bad)
    low, high = np.full(int(bad.sum()), LEAST), np.ones(int(bad.sum()))

    def fine(load: Float) -> Bool:
        late = np.bincount(some.group, ~some.kept(some.seen(load)), minlength=len(load))
        return np.asarray(late == 0)

    reachable = fine(low)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        good = fine(middle)
        low, high = np.where(good, middle, low), np.where(good, high, middle)
    needed = np.where(reachable, (1 + MARGIN) / low, 1.0)
    of_lane = np.ones(len(groups.lane_model))
    np.maximum.at(of_lane, groups.lane[bad], needed)
    there = groups.lane_of_route >= 0
    factor[there] = of_lane[groups.lane_of_route[there]]
    return factor

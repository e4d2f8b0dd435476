"""How much less a replica may be given, so that all who share it keep their promises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.latency import Latency
from optimizer.instance.instance import Instance

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

STEPS = 12
"""Halvings that look for the load: to 1/4096 of it."""
LEAST = 0.05
"""Load below which a promise is out of reach: an idle replica would break it as well."""
MARGIN = 1e-3
"""What is added, so that the next plan does not miss by a hair."""


def relief(instance: Instance, latency: Latency, slower: Float | None = None) -> Float:
    """(R,) factors >= 1 on chip-hours per Mtok with which broken promises would be kept.

    The factor of those who share replicas is that of their worst period. Groups in which not even
    a load of :data:`LEAST` would do keep the factor they have. Routes that are slower than they
    have to be go half of the way back, so that two that take turns come to rest.

    Parameters
    ----------
    latency : of a plan for ``instance``.
    slower : (R,) factors that ``instance`` has already; ones without.
    """
    factor = np.ones(instance.num_routes) if slower is None else slower
    groups = latency.groups
    of_class = factor[groups.route]
    most = np.ones(len(groups.lane))
    np.maximum.at(most, groups.group, of_class)
    bad = np.zeros(len(groups.lane), np.bool_)
    bad[groups.group[~latency.kept]] = True
    asked = np.flatnonzero(bad | (most > 1.0))
    if len(asked) == 0:
        return factor
    needed = needed_relief(latency, asked, np.where(bad, 1.0, most)[asked])
    needed = np.where(needed < 1.0, np.sqrt(needed), needed)
    # A route is held to what its own group needs, and to what all of its lane need where a
    # period has nobody apart.
    share, of_group = np.unique(
        np.stack([groups.lane[asked], groups.number[asked]]), axis=1, return_inverse=True
    )
    worst = np.zeros(share.shape[1])
    np.maximum.at(worst, of_group.reshape(-1), needed)
    change = np.zeros(instance.num_routes)  # 0: nobody asks
    for (lane, number), times in zip(share.T.tolist(), worst.tolist(), strict=True):
        rows = groups.lane_of_route == lane
        rows &= (groups.number_of_route == number) | (number == 0)
        change[rows] = np.maximum(change[rows], times)
    found = np.where(change > 0.0, factor * change, factor)
    return np.where((change <= 1.0) & (found < 1.0 + 2.0 * MARGIN), 1.0, np.maximum(found, 1.0))


def needed_relief(latency: Latency, groups: Int, most: Float) -> Float:
    """(g,) factors on chip-hours with which all in each of some groups keep their promises.

    Parameters
    ----------
    groups : (g,) which, ascending.
    most : (g,) the most that may come, by what comes; 1 of those whose promises are broken. A
        group that keeps them under so much has the factor of that.
    """
    asked = np.zeros(len(latency.groups.lane), np.bool_)
    asked[groups] = True
    some = latency.requests.some(asked)
    low, high = np.where(most > 1.0, 1.0, LEAST), most.copy()

    def fine(load: Float) -> Bool:
        late = np.bincount(some.group, ~some.kept(some.seen(load)), minlength=len(load))
        return np.asarray(late == 0)

    reachable, easy = fine(low), fine(high)
    low = np.where(easy, high, low)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        good = fine(middle)
        low, high = np.where(good, middle, low), np.where(good, high, middle)
    return np.where(reachable, (1 + MARGIN) / low, 1.0)

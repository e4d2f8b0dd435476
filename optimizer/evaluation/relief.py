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


def relief(
    instance: Instance, latency: Latency, slower: Float | None = None, back: float = 0.5
) -> Float:
    """(R,) factors >= 1 on chip-hours per Mtok with which broken promises would be kept.

    The factor of those who share replicas is that of their worst period. Groups in which not even
    a load of :data:`LEAST` would do keep the factor they have.

    Parameters
    ----------
    latency : of a plan for ``instance``.
    slower : (R,) factors that ``instance`` has already; ones without.
    back : part of the way, in logarithms, that routes go back which are slower than they have to
        be. Two that take turns come to rest when it falls from round to round.
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
    needed = np.where(needed < 1.0, needed**back, needed)
    needed = np.where(needed > 1.0, _in_whole(instance, latency, asked, needed), needed)
    # A route is held to what its own group needs, and to what all of its lane need where a
    # period has nobody apart.
    width = int(groups.number_of_route.max()) + 1
    share, of_group = np.unique(
        groups.lane[asked] * width + groups.number[asked], return_inverse=True
    )
    worst = np.zeros(len(share) + 1)  # the last: nobody asks
    np.maximum.at(worst, of_group, needed)
    own = groups.lane_of_route * width + groups.number_of_route
    change = np.maximum(
        worst[_place(share, own)], worst[_place(share, groups.lane_of_route * width)]
    )
    found = np.where(change > 0.0, factor * change, factor)
    return np.where((change <= 1.0) & (found < 1.0 + 2.0 * MARGIN), 1.0, np.maximum(found, 1.0))


def _place(names: Int, asked: Int) -> Int:
    """Place of each in ascending names; their number for those not among them."""
    place = np.searchsorted(names, asked)
    return np.where(names[np.minimum(place, len(names) - 1)] == asked, place, len(names))


def lacking(instance: Instance, latency: Latency, asked: Int, needed: Float) -> Float:
    """(g,) replicas that some groups lack: ``k * (needed - 1)`` with k, whole ones in whole."""
    groups = latency.groups
    lacks = groups.replicas[asked] * (needed - 1.0)
    lane = groups.lane[asked]
    whole = instance.replica_rows[groups.lane_model[lane], groups.lane_pool[lane]] >= 0
    return np.where(whole, np.maximum(np.ceil(lacks), 1.0), lacks)


def _in_whole(instance: Instance, latency: Latency, asked: Int, needed: Float) -> Float:
    """(g,) factors with which plans run the replicas that some groups lack, where they are whole.

    A plan runs one more than n when the load of all is above what n may do at their target
    utilisation. Chips by the part follow the load: there the factors are those needed.
    """
    if len(instance.replicas.model) == 0:
        return needed
    groups = latency.groups
    model, pool = groups.lane_model[groups.lane], groups.lane_pool[groups.lane]
    _, places = np.unique(np.stack([model, pool, groups.period]), axis=1, return_inverse=True)
    row, cell = instance.replica_rows[model, pool][asked], places.reshape(-1)
    filled = np.bincount(groups.group, groups.filled, minlength=len(cell))
    running = np.bincount(cell, groups.replicas)[cell[asked]]
    load = np.bincount(cell, filled)[cell[asked]]
    enough = running + lacking(instance, latency, asked, needed) - 1.0
    may_do = enough * instance.replicas.target_utilisation[row]
    more = np.maximum(may_do - load, 0.0) / filled[asked] + MARGIN
    return np.where(row >= 0, 1.0 + more, needed)


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

"""Doubts about what chips deliver: rows that speak of nothing the instance has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels

Bool = NDArray[np.bool_]


def spare_profiles(instance: Instance) -> Bool:
    """(rows of profiles,) ways to run a model that is not asked for, or on a chip of no pool."""
    table = instance.profiles
    known = _among(table.model, instance.workloads.model)
    return np.asarray(~(known & _among(table.chip, instance.pools.chip)))


def spare_network(instance: Instance) -> Bool:
    """(rows of network,) pairs of regions of which one has no workload or no pool."""
    table = instance.network
    known = _among(table.region, instance.workloads.region)
    return np.asarray(~(known & _among(table.pool_region, instance.pools.region)))


def _among(names: Labels, known: Labels) -> Bool:
    there = set(known.names)
    return np.array([name in there for name in names.names], np.bool_)[names.codes]

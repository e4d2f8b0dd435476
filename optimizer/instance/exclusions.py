"""Which pairs of workload and pool a policy excludes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.labels import Labels

OF_WORKLOADS = {
    "workload": "workload",
    "model": "model",
    "traffic_class": "traffic_class",
    "region": "region",
}
"""Columns of exclusions that name workloads, and the columns of workloads that they name."""
OF_POOLS = {"provider": "provider", "chip": "chip", "pool_region": "region", "pool": "pool"}
"""Columns of exclusions that name pools, and the columns of pools that they name."""


def exclusion_of(
    rules: Any,
    workloads: Any,
    pools: Any,
    workload: NDArray[np.integer[Any]],
    pool: NDArray[np.integer[Any]],
) -> NDArray[np.int32]:
    """Find the first rule that excludes each of some pairs.

    Parameters
    ----------
    rules, workloads, pools : the tables.
    workload, pool : (n,) rows of workloads and of pools.

    Returns
    -------
    (n,) int32 row of exclusions, -1 where the pair may be used.
    """
    found = np.full(len(workload), -1, np.int32)
    for rule in range(len(rules.exclusion)):
        if not any(getattr(rules, column)[rule] for column in (*OF_WORKLOADS, *OF_POOLS)):
            continue  # refused where an instance is read
        whose = _named(rules, rule, OF_WORKLOADS, workloads, len(workloads.workload))
        where = _named(rules, rule, OF_POOLS, pools, len(pools.pool))
        found[whose[workload] & where[pool] & (found < 0)] = rule
    return found


def _named(
    rules: Any, rule: int, columns: dict[str, str], table: Any, size: int
) -> NDArray[np.bool_]:
    """(size,) rows of a table that all cells of a rule agree with; an empty one agrees with all."""
    rows = np.ones(size, np.bool_)
    for column, source in columns.items():
        name, values = getattr(rules, column)[rule], getattr(table, source)
        if name == "":
            continue
        if isinstance(values, Labels):
            rows &= values.equal(name)
        else:
            rows &= np.fromiter((value == name for value in values), np.bool_, size)
    return rows


def still_excluding(rules: Any, workloads: Any, pools: Any) -> NDArray[np.bool_]:
    """Exclusions all of whose names are there; the others exclude nothing.

    Parameters
    ----------
    rules, workloads, pools : the tables.
    """
    kept = np.ones(len(rules.exclusion), np.bool_)
    for columns, table in ((OF_WORKLOADS, workloads), (OF_POOLS, pools)):
        for column, source in columns.items():
            known, names = getattr(table, source), getattr(rules, column)
            there = {"", *(known if isinstance(known, tuple) else known.names)}
            kept &= np.array([name in there for name in names.names], np.bool_)[names.codes]
    return kept

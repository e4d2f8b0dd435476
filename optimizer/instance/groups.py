"""Groups of pools that a limit may name, and names that are not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.fleet_tables import ATTRIBUTES
from optimizer.instance.labels import Labels
from optimizer.instance.places import nearest, place, quoted


def group_names(pools: Any, attribute: str) -> tuple[str, ...]:
    """Values that a limit may name for an attribute of pools."""
    if attribute == "pool":
        names: tuple[str, ...] = pools.pool
        return names
    labels: Labels = getattr(pools, attribute)
    return labels.names


def unknown_name(where: str, what: str, name: str, known: Iterable[str]) -> Problem:
    """Make the problem of a name that is not there, with the nearest one that is."""
    return Problem(where, f"the name of a known {what}", quoted(name), fix=nearest(name, known))


def group_problems(
    table: str, record: Any, ids: tuple[str, ...], pools: Any, origin: Mapping[str, str]
) -> Iterator[Problem]:
    """Rows of a table with columns ``attribute`` and ``value`` whose group has no pool."""
    for row, name in enumerate(ids):
        attribute, value = record.attribute[row], record.value[row]
        if attribute not in ATTRIBUTES or not value:
            continue  # reported as labels
        known = group_names(pools, attribute)
        if value not in known:
            where = place(origin, table, row, name)
            yield unknown_name(where + ", column value", attribute, value, known)


def group_mask(pools: Any, attribute: str, value: str) -> NDArray[np.bool_]:
    """(P,) pools of the group that a limit names."""
    if attribute == "pool":
        return np.array([name == value for name in pools.pool], np.bool_)
    labels: Labels = getattr(pools, attribute)
    return labels.equal(value)

"""Which pools a limit is about: those whose attribute has the value it names."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels


class Grouping(Protocol):
    """A table whose rows name groups of pools: shares, outages, power."""

    @property
    def attribute(self) -> Labels:
        """Column of pools that forms the group."""

    @property
    def value(self) -> Labels:
        """Value of that column."""


def members(instance: Instance, table: Grouping) -> NDArray[np.bool_]:
    """(rows, P) whether a pool is in the group of each row."""
    found = np.zeros((len(table.attribute), instance.num_pools), np.bool_)
    for row in range(len(table.attribute)):
        column = getattr(instance.pools, table.attribute[row])
        names = column.values() if isinstance(column, Labels) else column
        found[row] = [name == table.value[row] for name in names]
    return found

"""Groups of pools that limits name, and what such limits look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance


def pools_of(instance: Instance, attribute: str, value: str) -> NDArray[np.bool_]:
    """(P,) pools whose attribute has the value."""
    if attribute == "pool":
        return np.array([name == value for name in instance.pools.pool], np.bool_)
    return np.asarray(getattr(instance.pools, attribute).equal(value))


def holding_is_limited(instance: Instance) -> bool:
    """Whether a limit on shares counts what is held, so that holding more may help to keep it."""
    return bool({"compute", "spend"} & set(instance.shares.measure.values()))

"""The plan of a result as dense arrays, the form in which the oracle looks at it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]


def dense(instance: Instance, plan: Any) -> tuple[Float, Float]:
    """Placed (W, P, T) and unserved (W, T) Mtok; entries of one cell add up."""
    x = np.zeros((instance.num_workloads, instance.num_pools, instance.num_periods))
    u = np.zeros((instance.num_workloads, instance.num_periods))
    np.add.at(x, (plan.workload, plan.pool, plan.period), plan.placed_mtok)
    np.add.at(u, (plan.unserved_workload, plan.unserved_period), plan.unserved_mtok)
    return x, u

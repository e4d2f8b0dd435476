"""What a plan must be to be looked at: arrays of one length, positions that exist.

Everything after this reads the arrays without asking, kernels included, so a plan with a
position that is on no axis is refused as bad input; what it says on the axes is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

MOST_GROUPS = 2**31 - 1
"""Largest number of a group of workloads that share replicas."""


def admit(instance: Instance, plan: Plan) -> None:
    """Refuse a plan for other data, or one whose arrays do not fit the axes.

    Raises
    ------
    InputError
        With every array that does not fit.
    """
    if plan.instance_digest != instance.digest:
        raise InputError(
            Problem(
                "plan, instance_digest",
                f"{instance.digest[:12]}..., that of instance {instance.name}",
                f"{plan.instance_digest[:12]}...",
                fix="the plan was made for other data",
            )
        )
    problems = list(_misfits(instance, plan))
    if problems:
        raise InputError(problems)


def _misfits(instance: Instance, plan: Plan) -> Iterator[Problem]:
    workload = ("workload", instance.num_workloads)
    pool, period = ("pool", instance.num_pools), ("period", instance.num_periods)
    model = ("model", len(instance.model_names))
    outage = ("outage", len(instance.outages.outage))
    placed = (plan.workload, plan.pool, plan.period)
    given_up = (plan.unserved_workload, plan.unserved_period)
    for name, axes, arrays, values in (
        ("placements", (workload, pool, period), placed, plan.placed_mtok),
        ("unserved", (workload, period), given_up, plan.unserved_mtok),
        ("replicas", (model, pool, period), plan.replicas.axes, plan.replicas.value),
        ("reserve", (pool, period), plan.reserve.axes, plan.reserve.value),
        ("failover", (outage, workload, pool, period), plan.failover.axes, plan.failover.value),
        ("replica_groups", (workload, pool), plan.replica_groups.axes, plan.replica_groups.value),
    ):
        yield from _misfits_of(name, axes, arrays, values)
    number = plan.replica_groups.value
    if ((number < 1) | (number != np.floor(number)) | (number > MOST_GROUPS)).any():
        yield Problem("plan, replica_groups", f"whole numbers from 1 to {MOST_GROUPS:,}", "others")
    contracts = len(instance.contracts.contract)
    if plan.blocks.shape != (contracts,):
        yield Problem("plan, blocks", f"{contracts} numbers", f"shape {plan.blocks.shape}")


def _misfits_of(
    name: str,
    axes: tuple[tuple[str, int], ...],
    arrays: Sequence[NDArray[Any]],
    values: NDArray[np.float64],
) -> Iterator[Problem]:
    if len(arrays) != len(axes) or any(array.shape != values.shape for array in arrays):
        shapes = ", ".join(str(array.shape) for array in (*arrays, values))
        yield Problem(f"plan, {name}", f"{len(axes)} axes and values of one length", shapes)
        return
    for (axis, size), array in zip(axes, arrays, strict=True):
        if len(array) and (int(array.min()) < 0 or int(array.max()) >= size):
            worst = int(array.min()) if int(array.min()) < 0 else int(array.max())
            yield Problem(f"plan, {name}, {axis}", f"positions from 0 to {size - 1}", str(worst))

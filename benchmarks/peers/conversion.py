"""Between our instances and plans and the arrays that peers work on."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.answer import Answer
from benchmarks.peers.transport import Transport
from optimizer.errors import UnsupportedError
from optimizer.instance.instance import Instance
from optimizer.methods.uncoupled import couplings
from optimizer.plan import Plan, from_cells


def transport_of(instance: Instance) -> Transport:
    """The arrays of an instance in which only pools' limits couple anything.

    What is paid for reserved chips is a constant and not in them.

    Raises
    ------
    UnsupportedError
        When the instance has any other rule, closed routes, or pools without a price.
    """
    rules = list(couplings(instance))
    if len(instance.residency.workload):
        rules.append("residency")
    if len(instance.qualification.model):
        rules.append("qualification")
    if bool(instance.left_out.any()):
        rules.append("pools left out")
    if rules:
        raise UnsupportedError(f"peers cannot be given these rules: {', '.join(rules)}")
    routes = instance.routes
    workloads = np.arange(instance.num_workloads + 1)
    price = instance.price_usd_per_chip_hour
    return Transport(
        first=np.searchsorted(routes.workload, workloads),
        pool=routes.pool.astype(np.int64),
        usd=routes.usd_per_mtok,
        hours=routes.chip_hours_per_mtok,
        ceiling=instance.workloads.unserved_usd_per_mtok,
        demand=instance.demand_mtok,
        capacity=instance.capacity_chips * instance.period_hours,
        used_usd=np.where(instance.reserved[:, None], 0.0, price),
    )


def plan_of(instance: Instance, answer: Answer) -> Plan:
    """The plan that an answer states; amounts of 0 and below are no placements."""
    route, period = np.nonzero(answer.placed > 0)
    return from_cells(
        instance,
        instance.routes.workload[route],
        instance.routes.pool[route],
        period.astype(np.int32),
        answer.placed[route, period],
        answer.given_up,
    )

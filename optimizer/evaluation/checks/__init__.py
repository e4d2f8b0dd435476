"""The judge's checks, one file per family; the visible list."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from optimizer.evaluation.checks import (
    budget,
    capacity,
    contracts,
    deadline,
    demand,
    left_out,
    outages,
    power,
    priority,
    qualification,
    replicas,
    residency,
    routes,
    shares,
    single_pool,
    startup,
)
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

Check = Callable[[Instance, Plan, Tally], Iterator[Violation]]

CHECKS: dict[str, Check] = {
    "routes": routes.check,
    "left_out": left_out.check,
    "demand": demand.check,
    "deadline": deadline.check,
    "capacity": capacity.check,
    "shares": shares.check,
    "residency": residency.check,
    "single_pool": single_pool.check,
    "qualification": qualification.check,
    "replicas": replicas.check,
    "startup": startup.check,
    "contracts": contracts.check,
    "outages": outages.check,
    "power": power.check,
    "priority": priority.check,
    "budget": budget.check,
}
"""Every check by the family it watches; a new family is one more line here."""

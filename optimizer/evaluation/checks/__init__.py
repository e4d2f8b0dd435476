"""The judge's checks, one file per family; the visible list."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from optimizer.evaluation.checks import (
    capacity,
    deadline,
    demand,
    left_out,
    residency,
    routes,
    shares,
    single_pool,
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
}
"""Every check by the family it watches; a new family is one more line here."""

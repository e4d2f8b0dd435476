"""Plans that were made with slower routes than those of their instance, and what that holds back.

Promises of latency may have a planner count more chip-hours per Mtok than serving takes
(docs/serving.md, "Tightening"). What replicas deliver does not depend on that.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from optimizer.errors import InputError, Problem
from optimizer.instance.instance import Instance

SAME = 1e-12
"""Part by which chip-hours may differ and count as the same: they went through files."""


def planned_with(instance: Instance, planned_on: Instance | None, what: str) -> Instance:
    """The instance that a plan was made with.

    Parameters
    ----------
    instance : the problem, with the chip-hours that serving takes.
    planned_on : the same with the chip-hours that were planned with; None: they are those.
    what : whose it is, for messages.

    Raises
    ------
    InputError
        When it differs in more than chip-hours of routes, or has fewer somewhere.
    """
    if planned_on is None or planned_on is instance:
        return instance
    place = f"{what}, instance it was planned on"
    if not _alike(instance, planned_on):
        raise InputError(Problem(place, "that of the draws but for chip-hours of routes"))
    routes = instance.routes
    fewer = planned_on.routes.chip_hours_per_mtok < routes.chip_hours_per_mtok * (1 - SAME)
    if bool(fewer.any()):
        fault = f"fewer on {int(fewer.sum()):,} routes"
        fix = "was it made with other profiles? then solve again"
        raise InputError(Problem(place, "no fewer chip-hours than serving takes", fault, fix=fix))
    return planned_on


def margin_note(instance: Instance, planned_on: Instance, what: str) -> str:
    """What a plan holds back, in words; empty when nothing."""
    ratio = planned_on.routes.chip_hours_per_mtok / instance.routes.chip_hours_per_mtok
    slower = ratio > 1 + SAME
    if not bool(slower.any()):
        return ""
    return (
        f"{what} was made with {int(slower.sum()):,} of {len(ratio):,} routes tightened, up to "
        f"{float(np.max(ratio)):.4g} x the chip-hours; that margin is used up before tokens are cut"
    )


def _alike(instance: Instance, planned_on: Instance) -> bool:
    """Whether two instances differ in chip-hours of routes alone."""
    own, other = vars(instance.routes), vars(planned_on.routes)
    rest = [name for name in own if name != "chip_hours_per_mtok"]
    tables = [field.name for field in dataclasses.fields(Instance) if field.name != "routes"]
    if all(own[name] is other[name] for name in rest) and all(
        getattr(instance, name) is getattr(planned_on, name) for name in tables
    ):
        return True
    if instance.num_routes != planned_on.num_routes:
        return False
    hours = instance.routes.chip_hours_per_mtok
    routes = dataclasses.replace(planned_on.routes, chip_hours_per_mtok=hours)
    return dataclasses.replace(planned_on, routes=routes).digest == instance.digest

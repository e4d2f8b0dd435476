"""A second dense program: every token's arrival is assigned to the period of its service.

Deadlines need no cumulative sums here: a variable exists for each (workload, arrival,
pool, service) within the deadline, one for each (workload, arrival, giving up), and all
that arrives is assigned. The oracle is tested against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from optimizer.instance.instance import Instance


@dataclass(frozen=True)
class Service:
    """Tokens of workload w from period s, served on pool p in period t; no pool = given up."""

    w: int
    s: int
    t: int
    p: int | None
    chip_hours: float
    usd: float


def assigned_optimum(instance: Instance) -> float | None:
    """Least cost over all assignments, None when there is none."""
    services = _services(instance)
    upper, upper_side = _capacity(instance, services)
    limits, limit_side = _limits(instance, services)
    arrivals = [(w, s) for w in range(instance.num_workloads) for s in range(instance.num_periods)]
    found = linprog(
        [service.usd for service in services],
        A_ub=np.array(upper + limits),
        b_ub=upper_side + limit_side,
        A_eq=np.array([[float((v.w, v.s) == cell) for v in services] for cell in arrivals]),
        b_eq=[instance.demand_mtok[cell] for cell in arrivals],
        method="highs-ds",
        options={"presolve": False},
    )
    if found.status == 2:
        return None
    assert found.status == 0, found.message
    return float(found.fun + sum(_fixed_usd(instance).values()))


def _services(instance: Instance) -> list[Service]:
    last = instance.num_periods - 1
    services = []
    for w in range(instance.num_workloads):
        wait = int(instance.workloads.deadline_periods[w])
        given_up = float(instance.workloads.unserved_usd_per_mtok[w])
        for s in range(last + 1):
            for t in range(s, min(s + wait, last) + 1):
                services.append(Service(w, s, t, None, 0.0, given_up))
                services += _on_pools(instance, w, s, t)
    return services


def _on_pools(instance: Instance, w: int, s: int, t: int) -> list[Service]:
    routes, pools, residency = instance.routes, instance.pools, instance.residency
    home = {residency.region[row] for row in np.flatnonzero(residency.workload == w).tolist()}
    services = []
    for r in np.flatnonzero(routes.workload == w).tolist():
        p = int(routes.pool[r])
        if p not in _prices(instance) or (home and pools.region[p] not in home):
            continue
        hours, usd = float(routes.chip_hours_per_mtok[r]), float(routes.usd_per_mtok[r])
        if pools.purchase[p] != "reserved":
            usd += hours * _prices(instance)[p][t]
        services.append(Service(w, s, t, p, hours, usd))
    return services


def _prices(instance: Instance) -> dict[int, list[float]]:
    """Prices by pool, for the pools that take part."""
    prices = dict(enumerate(instance.price_usd_per_chip_hour.tolist()))
    return {p: usd for p, usd in prices.items() if not any(map(math.isnan, usd))}


def _fixed_usd(instance: Instance) -> dict[int, float]:
    """Cost of each pool that takes part, before anything runs."""
    usd = {}
    for p, prices in _prices(instance).items():
        bill = float(np.dot(prices, instance.capacity_chips[p])) * instance.period_hours
        usd[p] = bill if instance.pools.purchase[p] == "reserved" else 0.0
    return usd


def _capacity(instance: Instance, services: list[Service]) -> tuple[list[list[float]], list[float]]:
    cells = [(p, t) for p in range(instance.num_pools) for t in range(instance.num_periods)]
    rows = [[v.chip_hours if (v.p, v.t) == cell else 0.0 for v in services] for cell in cells]
    return rows, [float(instance.capacity_chips[cell]) * instance.period_hours for cell in cells]


def _limits(instance: Instance, services: list[Service]) -> tuple[list[list[float]], list[float]]:
    measures: dict[str, Callable[[Service], float]] = {
        "compute": lambda service: service.chip_hours,
        "tokens": lambda service: 1.0,
        "spend": lambda service: service.usd,
    }
    rows, sides = [], []
    table, fixed = instance.shares, _fixed_usd(instance)
    for row in range(len(table.share)):
        group = _group(instance, table.attribute[row], table.value[row])
        base = fixed if table.measure[row] == "spend" else {}
        measure = measures[table.measure[row]]
        for sign, limit in ((1.0, float(table.max[row])), (-1.0, float(table.min[row]))):
            if math.isnan(limit):
                continue
            rows.append([sign * _excess(v, group, measure, limit) for v in services])
            held = sum(usd for p, usd in base.items() if p in group)
            sides.append(sign * (limit * sum(base.values()) - held))
    return rows, sides


def _group(instance: Instance, attribute: str, value: str) -> set[int]:
    if attribute == "pool":
        return {instance.pools.pool.index(value)}
    return set(np.flatnonzero(getattr(instance.pools, attribute).equal(value)).tolist())


def _excess(
    service: Service, group: set[int], measure: Callable[[Service], float], limit: float
) -> float:
    """What a Mtok adds to ``group - limit * total``."""
    if service.p is None:
        return 0.0
    return measure(service) * (float(service.p in group) - limit)

"""A plan held against the dense program with every rule: what it breaks, what it costs."""

from __future__ import annotations

from optimizer.instance.instance import Instance
from optimizer.plan import Plan
from tests.pipeline.fleet_facts import Facts
from tests.pipeline.fleet_oracle import FleetOracle
from tests.pipeline.named_program import TOLERANCE, Key, Terms

SPECK = 1e-6
"""Mtok or chip-hours below which nothing is served, held or given up."""


def judged_plan(instance: Instance, plan: Plan) -> tuple[list[str], float]:
    """Families of rules that a plan breaks, and its cost in USD.

    ``not_allowed`` stands for a decision that the page does not let be made at all, such as
    tokens without a route or where they are not qualified; ``whole`` for a part of a replica
    or a block.
    """
    oracle = FleetOracle(Facts(instance))
    program = oracle.program
    values = _decisions(plan)
    broken = {"not_allowed" for key in values if key not in program.upper}
    broken |= {"whole" for key in values if key in program.whole and not _whole(values[key])}
    broken |= {"contracts" for key in values if key[0] == "b" and values[key] > program.upper[key]}
    _add_consequences(oracle, values)
    broken |= {row.family for row in program.rows if row.broken(values)}
    usd = sum(number * values.get(key, 0.0) for key, number in program.cost.items())
    return sorted(broken), usd + program.constant


def _decisions(plan: Plan) -> dict[Key, float]:
    """What the plan says, by the names of the page."""
    values: dict[Key, float] = {}
    placed = zip(plan.workload, plan.pool, plan.period, plan.placed_mtok, strict=True)
    for w, p, t, mtok in placed:
        _add(values, ("x", plan.workloads[w], plan.pools[p], int(t)), mtok)
    given_up = zip(plan.unserved_workload, plan.unserved_period, plan.unserved_mtok, strict=True)
    for w, t, mtok in given_up:
        _add(values, ("u", plan.workloads[w], int(t)), mtok)
    for m, p, t, count in zip(*plan.replicas.axes, plan.replicas.value, strict=True):
        _add(values, ("n", plan.models[m], plan.pools[p], int(t)), count)
    for k, count in zip(plan.contracts, plan.blocks, strict=True):
        if count:
            _add(values, ("b", k), count)
    for p, t, hours in zip(*plan.reserve.axes, plan.reserve.value, strict=True):
        _add(values, ("r", plan.pools[p], int(t)), hours)
    for g, w, p, t, mtok in zip(*plan.failover.axes, plan.failover.value, strict=True):
        key = ("f", plan.outages[g], plan.workloads[w], plan.pools[p], int(t))
        _add(values, key, mtok)
    assert min(values.values(), default=0.0) >= 0.0
    return values


def _add(values: dict[Key, float], key: Key, number: float) -> None:
    values[key] = values.get(key, 0.0) + float(number)


def _whole(number: float) -> bool:
    return abs(number - round(number)) <= TOLERANCE


def _add_consequences(oracle: FleetOracle, values: dict[Key, float]) -> None:
    """Columns that follow from the decisions: starts, what is paid, fees, pins, who yields."""
    facts = oracle.facts
    for m, p in facts.offer:
        for t in facts.T:
            if t == 0 and not facts.says_in_force:
                continue
            before = facts.in_force.get((m, p), 0) if t == 0 else _of(values, "n", m, p, t - 1)
            values["s", m, p, t] = max(0.0, _of(values, "n", m, p, t) - before)
    for p in facts.P:
        for t in facts.T:
            held = _sum(oracle.held(p, t), values)
            beyond = held - facts.H * _sum(oracle.blocks(p, t), values)
            values["paid", p, t] = max(0.0, beyond)
            values["over", p, t] = float(beyond > 0)
            if held > SPECK:
                values["z", p] = 1.0
    for k in facts.C:
        values["signed", k] = float(_of(values, "b", k) > SPECK)
    for w in facts.W:
        for t in facts.T:
            values["yields", w, t] = float(_of(values, "u", w, t) > SPECK)
        for p in facts.P:
            placed = sum(_of(values, "x", w, p, t) for t in facts.T)
            values["y", w, p] = float(placed > SPECK)


def _of(values: dict[Key, float], *key: object) -> float:
    return values.get(key, 0.0)


def _sum(terms: Terms, values: dict[Key, float]) -> float:
    return sum(number * values.get(key, 0.0) for key, number in terms.items())

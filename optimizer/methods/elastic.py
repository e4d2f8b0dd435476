"""The least relaxation: by how much rules that contradict each other would have to give.

Demand can always be given up, pools can always stand idle: only some rules can exclude every
plan (docs/problem.md, "Rules"). Each gets a column by which it may be broken, and the weighted sum
of breaks is minimised with all costs at zero. Its optimum says which rules, and by how much. Its
lower bound, where it is above zero, is a proof that no plan keeps them all: of the linear
relaxation by arithmetic alone, of whole numbers on the word of a solver. With limits on shares and
budget alone the duals are a proof as well (Farkas), which the judge checks by a sweep of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from optimizer.methods.integer import polished
from optimizer.model.elastic import CAN_EXCLUDE, Slack, elastic
from optimizer.model.formulation import Formulation
from optimizer.prices import Prices
from optimizer.program import Program
from optimizer.solvers.base import Outcome, Reason, Solver
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.safe_bound import safe_bound
from optimizer.solvers.workers import Job, Workers, shared_workers

Float = NDArray[np.float64]
Amount = tuple[str, tuple[int, ...], float, str]

PROOF = 1e-6
"""Least sum of breaks, as parts of their limits, that proves a contradiction. What is below it the
judge would let pass."""
BROKEN = 1e-7
"""Part of a limit below which it counts as kept: what a solver's tolerances leave open."""
WORDS_SECONDS = 10.0
"""How long the closest plan in whole numbers is looked for when the proof is there."""


@dataclass(frozen=True)
class Relaxation:
    """What would have to give.

    Attributes
    ----------
    prices : multipliers that go with the contradiction, None when none were found.
    words : a sentence per rule.
    amounts : by how much each rule would have to give: rows' name as in
        :class:`~optimizer.model.model.Model`, place on their axes, amount, unit.
    proved : whether it is proved that the rules cannot be kept together.
    source : what proves it: "arithmetic" (a bound on the linear relaxation that rests on no
        solver's word) or a solver's name; empty when nothing does.
    """

    prices: Prices | None
    words: tuple[str, ...] = ()
    amounts: tuple[Amount, ...] = ()
    proved: bool = False
    source: str = ""


def least_relaxation(
    instance: Instance, limits: Limits, families: tuple[str, ...] = CAN_EXCLUDE
) -> Relaxation:
    """Find the least sum of breaks.

    Parameters
    ----------
    families : rows that may give; others than by default say what their rules would gain.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C.
    """
    model = Formulation().build(instance)
    stated = elastic(model, families)
    if not stated.slacks:
        return Relaxation(None)
    workers = shared_workers(limits.threads, limits.memory_mib)
    begun = time.monotonic()
    linear = _solved(workers, Glop(), replace(stated.program, integer=None), limits.seconds)
    prices, proved, source = None, False, ""
    if linear.reason is Reason.OPTIMAL and linear.duals is not None:
        prices = model.prices(linear.duals)
        if safe_bound(stated.bounded(), linear.duals) > PROOF:
            proved, source = True, "arithmetic"
    closest = linear
    if stated.program.integer is not None:
        left = limits.after(begun).seconds
        if proved:  # what is left to find are better words
            left = WORDS_SECONDS if left is None else min(left, WORDS_SECONDS)
        whole = _solved(workers, Highs(), stated.program, left)
        if not proved and whole.bound > PROOF:
            proved, source = True, Highs().name
        if whole.values is not None:
            closest = polished(stated.program, whole, workers, limits.after(begun).seconds)
    amounts = () if closest.values is None else _amounts(stated.slacks, closest.values)
    return Relaxation(prices, _words(instance, amounts), amounts, proved, source)


def _solved(workers: Workers, solver: Solver, program: Program, seconds: float | None) -> Outcome:
    outcome = workers.run([Job(solver, program)], seconds)[0]
    if outcome.reason is Reason.INTERRUPTED:
        raise KeyboardInterrupt
    return outcome


def _amounts(slacks: tuple[Slack, ...], values: Float) -> tuple[Amount, ...]:
    found = []
    for slack in slacks:
        amount = float(values[slack.column])
        if amount * slack.weight > BROKEN:
            found.append((slack.family, slack.index, amount, slack.unit))
    return tuple(found)


def _words(instance: Instance, amounts: tuple[Amount, ...]) -> tuple[str, ...]:
    """A sentence per rule; of one that gives in many periods, the worst is told."""
    rules: dict[str, list[Amount]] = {}
    for amount in amounts:
        rules.setdefault(_name(instance, amount), []).append(amount)
    return tuple(_sentence(name, rules[name]) for name in rules)


def _sentence(name: str, broken: list[Amount]) -> str:
    _, index, amount, unit = max(broken, key=lambda entry: entry[2])
    when = ""
    if len(index) > 1:
        when = f" in period {index[-1]}"
        if len(broken) > 1:
            when += f", the worst of {len(broken)}"
    if f"{amount:.6g}" == "1":
        unit = unit.removesuffix("s")
    return f"{name} cannot be kept: the plan that comes closest is {amount:.6g} {unit} off{when}"


def _name(instance: Instance, amount: Amount) -> str:
    """The rule in the words of the instance, without the period."""
    family, index = amount[0], amount[1]
    pools, models = instance.pools.pool, instance.model_names
    if family.startswith("share_"):
        shares, row = instance.shares, index[0]
        return f"share {shares.share[row]!r} ({shares.attribute[row]} {shares.value[row]})"
    if family == "budget":
        return f"the budget of {instance.budget_usd:g} USD"
    if family == "min_replicas":
        return f"min_replicas of model {models[index[0]]!r}"
    if family in ("changes_up", "changes_down"):
        return f"max_changes_per_period of model {models[index[0]]!r} on pool {pools[index[1]]!r}"
    if family == "capacity":
        return f"capacity of pool {pools[index[0]]!r}"
    if family == "replicas":
        return f"the work of replicas of model {models[index[0]]!r} on pool {pools[index[1]]!r}"
    if family == "power":
        return f"power limit {instance.power.limit[index[0]]!r}"
    workload = instance.workloads.workload[index[1]]
    return f"outage {instance.outages.outage[index[0]]!r} for workload {workload!r}"

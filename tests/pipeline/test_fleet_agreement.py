"""The optimizer agrees with the dense program with every rule, family by family and mixed.

:data:`SEEDS` tiny problems of each kind. Their optimum comes from the mixed-integer program of
``fleet_oracle.py``, which ``test_fleet_oracle.py`` holds against an enumeration of every choice
on half of the same problems. Each plan is also held, decision by decision, against the rules of
that program. Where the oracle says that no plan keeps the rules, the optimizer must say so too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

import optimizer
from optimizer.instance.instance import Instance
from tests.pipeline.fleet_draws import KINDS, SIZES, drawn
from tests.pipeline.fleet_oracle import best_cost, possible_in_parts
from tests.pipeline.fleet_plan import judged_plan

SEEDS = 120
MOST_GAP = 1e-6
BINDS: Mapping[str, tuple[frozenset[str], ...]] = {
    "replicas": (frozenset({"replicas"}), frozenset({"min_replicas"})),
    "startup": (frozenset({"startup"}), frozenset({"starts"})),
    "contracts": (frozenset({"contracts"}), frozenset({"whole_blocks"})),
    "outages": (frozenset({"outages"}),),
    "power": (frozenset({"power"}),),
    "budget": (frozenset({"budget"}),),
    "priority": (frozenset({"priority"}),),
    "qualification": (frozenset({"qualification"}),),
    "shares_period": (frozenset({"shares"}),),
}
"""What to leave out of the oracle to see whether a kind's family matters."""
LEAST_BINDING = 1 / 3


@cache
def problem(kind: str, seed: int) -> Instance:
    """Draw a problem once."""
    return drawn(kind, seed).build()


@cache
def least(kind: str, seed: int) -> float | None:
    """Cost of its optimum by the dense program."""
    return best_cost(problem(kind, seed))


def complaints(instance: Instance, expected: float | None) -> list[str]:
    """Say what is wrong with the optimizer's answer; nothing when all is well."""
    result = optimizer.solve(instance)
    if expected is None:
        # What only whole numbers exclude is more than a linear proof can show.
        allowed = ["infeasible", "no_plan"] if possible_in_parts(instance) else ["infeasible"]
        right = result.status in allowed and result.plan is None
        return [] if right else [f"{result.status}, expected {allowed[0]}"]
    if result.plan is None:
        return [f"{result.status} ({result.reason}), expected {expected}"]
    return [text for text, wrong in _findings(instance, result, expected).items() if wrong]


def _findings(instance: Instance, result: Any, expected: float) -> dict[str, bool]:
    broken, cost = judged_plan(instance, result.plan)
    claimed, bound = result.objective_usd, result.bound_usd
    slack = 1e-6 * abs(expected) + 1e-6
    return {
        f"status {result.status}": result.status != "optimal",
        f"not verified: {result.reason}": not result.verified,
        f"cost {claimed}, expected {expected}": abs(claimed - expected) > slack,
        f"bound {bound} above {expected}": not bound <= expected * (1 + 1e-6) + 1e-9,
        f"gap from {bound} to {claimed}": not claimed - bound <= MOST_GAP * claimed + 1e-6,
        f"breaks {broken}": bool(broken),
        f"claims {claimed}, is worth {cost}": abs(claimed - cost) > slack,
    }


@pytest.mark.parametrize("kind", SIZES)
def test_optimizer_agrees_with_the_dense_program(kind: str) -> None:
    wrong = {}
    for seed in range(SEEDS):
        found = complaints(problem(kind, seed), least(kind, seed))
        if found:
            wrong[seed] = found
    assert wrong == {}


@pytest.mark.parametrize("kind", KINDS)
def test_family_binds_in_a_third_of_the_problems(kind: str) -> None:
    """Agreement on problems in which a family never matters would say nothing about it."""
    binding = sum(any(matters(kind, seed, rule) for rule in BINDS[kind]) for seed in range(SEEDS))
    assert binding >= LEAST_BINDING * SEEDS


def matters(kind: str, seed: int, rule: frozenset[str]) -> bool:
    """Whether the optimum is another one without a rule; offers make it less, limits more."""
    found, other = least(kind, seed), best_cost(problem(kind, seed), rule)
    if found is None or other is None:
        return found is not other
    gain = other - found if rule == {"contracts"} else found - other
    assert gain >= -1e-6 * (1 + abs(found))
    return gain > 1e-4


def test_most_mixed_problems_have_a_plan() -> None:
    assert sum(least("mixed", seed) is not None for seed in range(SEEDS)) >= SEEDS / 2

"""The verdict on a peer's raw answer: the same judge for all, and figures for what it breaks."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers.answer import Answer
from benchmarks.peers.conversion import plan_of
from optimizer.evaluation.bound import lower_bound
from optimizer.evaluation.evaluate import evaluate
from optimizer.instance.instance import Instance
from optimizer.prices import Prices

LISTED = 3
"""Broken rules that are told in words; all are counted."""


def judged(instance: Instance, answer: Answer, bound_usd: float) -> dict[str, Any]:
    """Cost, proved gap, and what the answer breaks.

    Parameters
    ----------
    bound_usd : proved for every plan; the gap is measured from it. An answer that breaks rules
        may cost less, and has a gap below zero then.
    """
    plan = plan_of(instance, answer)
    verdict = evaluate(instance, plan)
    cost, demand = verdict.objective_usd, instance.demand_mtok
    room, load = verdict.available_chip_hours, verdict.held_chip_hours
    handled = answer.placed.clip(min=0.0)
    served = np.zeros_like(demand)
    np.add.at(served, instance.routes.workload, handled)
    missed = np.abs(served + answer.given_up.clip(min=0.0) - demand)
    asked = demand > 0
    over = load > 0
    return {
        "cost_usd": cost,
        "bound_usd": bound_usd,
        "relative_gap": (cost - bound_usd) / cost if cost else 0.0,
        "verified": verdict.verified,
        "violations": verdict.violation_counts,
        "first_violations": [str(each) for each in verdict.violations[:LISTED]],
        "worst_excess": float(np.max(load[over] / room[over] - 1.0, initial=0.0)),
        "worst_missed": float(np.max(missed[asked] / demand[asked], initial=0.0)),
        "missed_part": float(missed.sum() / demand.sum()) if bool(asked.any()) else 0.0,
        "unserved_part": float(verdict.unserved_mtok.sum() / demand.sum()) if asked.any() else 0.0,
        "least_amount_mtok": float(min(answer.placed.min(), answer.given_up.min())),
        "own_bound_usd": _own_bound(instance, answer),
    }


def _own_bound(instance: Instance, answer: Answer) -> float | None:
    """What the answer's own prices prove."""
    if answer.prices is None or not bool(np.isfinite(answer.prices).all()):
        return None
    return bound_at(instance, answer)


def bound_at(instance: Instance, answer: Answer) -> float:
    """The judge's bound at the prices of an answer.

    Raises
    ------
    ValueError
        When it has none.
    """
    if answer.prices is None:
        raise ValueError("the answer has no prices")
    prices = np.maximum(answer.prices, 0.0)
    return lower_bound(instance, Prices.of(instance, capacity_usd_per_chip_hour=prices)).usd

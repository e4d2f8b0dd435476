"""Twin of the family "budget": what is spent, penalties aside, stays within the budget."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.evaluation.costs import costs_of
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import RELATIVE, SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """One violation when more is spent than may be."""
    if instance.budget_usd is None:
        return
    spent = costs_of(instance, sums).spent
    if spent > instance.budget_usd * (1 + RELATIVE) + SPECK:
        place = "cost over the horizon, penalty for unserved tokens aside"
        yield Violation("budget", place, spent, instance.budget_usd, "USD")

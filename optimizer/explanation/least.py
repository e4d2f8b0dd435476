"""The least that rules would have to give: one alone, or several together.

The limit of a share is a ratio of two sums that the plan decides, so that the least limit is a
fractional program. It is solved by a sequence of linear ones: at a limit l the plan with the least
N - l D is found, its own ratio N / D is the next limit, until that stays (W. Dinkelbach, "On
nonlinear fractional programming", Management Science 13, 1967; for the worst of several periods
J. P. Crouzeix, J. A. Ferland and S. Schaible, Journal of Optimization Theory and Applications 47,
1985). Each limit on the way is kept by a plan.
"""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.evaluation.evaluate import Evaluation
from optimizer.explanation.change import Change, relaxed
from optimizer.explanation.needed import judged, needed
from optimizer.explanation.rules import Rule, relative_size
from optimizer.explanation.search import Search, plan_of
from optimizer.explanation.stretchable import stretchable
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

RATIOS = ("share_max", "share_min", "outage")
"""Families whose limit is a ratio of sums."""
MOST_STEPS = 12
"""Limits that are tried at most; three or four are the rule."""
NEAR = 1e-4
"""Part of an amount to which bisection finds it."""
SAME = 1e-6
"""Part of its size by which a limit may differ and still be the same."""


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Changes that make room for a plan, and that plan.

    Attributes
    ----------
    changes : by how much each rule gives.
    plan : a plan that keeps all rules then; it need not be the best.
    verdict : the judge's on it.
    least : whether less would not do, as far as the solver says.
    whole : whether whole numbers were held to be whole.
    source : the solver.
    """

    changes: tuple[Change, ...]
    plan: Plan
    verdict: Evaluation
    least: bool
    whole: bool
    source: str


def least_alone(instance: Instance, rule: Rule, search: Search, *, whole: bool) -> Relaxed | None:
    """The least change of one rule while all others hold; None when that cannot help.

    Raises
    ------
    TimeoutError
        When it was not found out in time.
    """
    found = least_together(instance, (rule,), search, whole=whole)
    if found is None or rule.family not in RATIOS or not found.changes:
        return found
    for _ in range(MOST_STEPS):
        here = relaxed(instance, found.changes, hair=0.0)
        stretch = stretchable(here, (rule,), below=True)
        if rule not in stretch.columns or _row_is_gone(instance, here):
            return found  # the rule gave all that it can
        answer = search.least(stretch, whole=whole)
        if answer.values is None:
            return _unproved(found)
        plan = plan_of(stretch, answer.values)
        changes = needed(instance, (rule,), plan, {})
        if not changes:
            return _halved(instance, rule, found, search)
        moved = found.changes[0].amount - changes[0].amount
        if moved <= SAME * relative_size(instance, rule):
            return _halved(instance, rule, found, search)
        verdict = judged(instance, changes, plan)
        if not verdict.verified:
            return _unproved(found)
        found = Relaxed(changes, plan, verdict, answer.least, whole, answer.source)
    return _unproved(found)


def least_together(
    instance: Instance, rules: tuple[Rule, ...], search: Search, *, whole: bool
) -> Relaxed | None:
    """The cheapest change of several rules, each at its relative size; None when none can help.

    Raises
    ------
    TimeoutError
        When it was not found out in time.
    """
    stretch = stretchable(instance, rules)
    whole = whole and stretch.program.integer is not None
    answer = search.least(stretch, whole=whole)
    if answer.feasible is False:
        return None
    if answer.values is None:
        raise TimeoutError
    plan = plan_of(stretch, answer.values)
    changes = needed(instance, rules, plan, stretch.chips(answer.values))
    verdict = judged(instance, changes, plan)
    return Relaxed(changes, plan, verdict, answer.least, whole, answer.source)


def _unproved(found: Relaxed) -> Relaxed:
    return Relaxed(found.changes, found.plan, found.verdict, False, found.whole, found.source)


def _halved(instance: Instance, rule: Rule, found: Relaxed, search: Search) -> Relaxed:
    """The same with a smaller change, found by bisection, where one of many periods decides.

    A period in which nothing can be held keeps every limit by nothing at all, so that the worst
    of all periods no longer says whether less would do in the others.
    """
    if rule.family != "outage" and instance.shares.per[rule.row] == "horizon":
        return found
    low = 0.0
    while found.changes[0].amount - low > NEAR * found.changes[0].amount:
        middle = (low + found.changes[0].amount) / 2
        change = found.changes[0].scaled(middle / found.changes[0].amount)
        tried = relaxed(instance, change, hair=0.0)
        stretch = stretchable(tried, ())
        answer = search.least(stretch, whole=found.whole)
        if answer.feasible is False:
            low = middle
            continue
        if answer.values is None:
            return _unproved(found)
        plan = plan_of(stretch, answer.values)
        verdict = judged(instance, (change,), plan)
        if not verdict.verified:
            return _unproved(found)
        found = Relaxed((change,), plan, verdict, True, found.whole, answer.source)
    return found


def _row_is_gone(instance: Instance, changed: Instance) -> bool:
    return len(instance.outages.outage) != len(changed.outages.outage)

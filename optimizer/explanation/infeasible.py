"""No plan: which rules are in conflict, what would end it, and what the best plan costs then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from optimizer.explanation.change import relaxed
from optimizer.explanation.conflict import Conflict, conflict_of
from optimizer.explanation.least import Relaxed, least_alone, least_together
from optimizer.explanation.rules import Rule, rules_of
from optimizer.explanation.search import Search
from optimizer.instance.instance import Instance
from optimizer.progress import Progress
from optimizer.solving import solve

COST_SECONDS = 60.0
"""Most seconds to look for the best plan after a relaxation when there is no time limit."""


@dataclass(frozen=True, eq=False)
class Alternative:
    """A way out.

    Attributes
    ----------
    relaxed : what gives, and by how much.
    cost_usd : cost of the best plan that was found then; None when none was looked for.
    optimal : whether that is proved to be the best.
    sufficient : whether the judge verified a plan with these changes.
    """

    relaxed: Relaxed
    cost_usd: float | None
    optimal: bool
    sufficient: bool


@dataclass(frozen=True, eq=False)
class Infeasible:
    """Why there is no plan.

    Attributes
    ----------
    conflict : rules that cannot hold together.
    alternatives : ways out, the one with the cheapest plan first; those without a known cost
        last.
    hopeless : rules of the conflict that cannot end it by themselves, however much they give:
        there are other conflicts beside this one.
    unknown : rules for which that was not found out in time.
    together : the cheapest change by relative size, where it is of several rules.
    """

    conflict: Conflict
    alternatives: tuple[Alternative, ...]
    hopeless: tuple[Rule, ...]
    unknown: tuple[Rule, ...]
    together: Alternative | None


def explain_infeasible(instance: Instance, search: Search, progress: Progress) -> Infeasible | None:
    """Find conflict and ways out; None when no conflict was found.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C.
    """
    progress.stage("rules in conflict")
    conflict = conflict_of(instance, search)
    if conflict is None:
        return None
    progress.stage("least relaxation of each", len(conflict.rules))
    ways: list[Relaxed] = []
    hopeless, unknown = [], []
    for position, rule in enumerate(conflict.rules):
        left = 1.0 / (2 * (len(conflict.rules) - position) + 2)
        found, timely = _in_time(search, left, partial(least_alone, instance, rule))
        if found is not None and found.changes:
            ways.append(found)
        elif timely:
            hopeless.append(rule)
        else:
            unknown.append(rule)
        progress.step()
    both = None
    if len(conflict.rules) > 1 or hopeless:
        every = rules_of(instance)
        both, _ = _in_time(search, 0.5, partial(least_together, instance, every))
        if both is not None and len(both.changes) < 2 and ways:
            both = None
    progress.stage("best plan after each", len(ways) + (both is not None))
    alternatives, together = [], None
    for count, way in enumerate([*ways, *([both] if both is not None else [])]):
        last = len(ways) + (both is not None) - count
        priced = _priced(instance, way, search, last)
        if way is both:
            together = priced
        else:
            alternatives.append(priced)
        progress.step()
    alternatives.sort(key=lambda way: float("inf") if way.cost_usd is None else way.cost_usd)
    return Infeasible(conflict, tuple(alternatives), tuple(hopeless), tuple(unknown), together)


def _in_time(
    search: Search, part: float, look: Callable[..., Relaxed | None]
) -> tuple[Relaxed | None, bool]:
    """What a search finds in a part of the time; of the linear relaxation when that is too short.

    Returns
    -------
    found : None when nothing was found.
    timely : whether that means that there is nothing.
    """
    seconds = search.seconds
    piece = Search(dataclasses.replace(search.limits, seconds=seconds and part * seconds))
    try:
        return look(piece, whole=True), True
    except TimeoutError:
        pass
    try:
        return look(search, whole=False), False
    except TimeoutError:
        return None, False


def _priced(instance: Instance, way: Relaxed, search: Search, left: int) -> Alternative:
    """The alternative with the cost of its best plan."""
    sufficient = way.verdict.verified
    known = way.verdict.objective_usd if sufficient else None
    seconds = COST_SECONDS if search.seconds is None else search.seconds / left
    if seconds < 0.1:
        return Alternative(way, known, False, sufficient)
    limits = dataclasses.replace(search.limits, seconds=seconds)
    result = solve(relaxed(instance, way.changes), limits=limits)
    cost = result.objective_usd
    if cost is None or (known is not None and known < cost):
        return Alternative(way, known, False, sufficient)
    return Alternative(way, cost, result.status == "optimal", True)

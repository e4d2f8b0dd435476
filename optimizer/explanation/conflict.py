"""The smallest set of rules in conflict: an irreducible infeasible set of rules.

Elastic filter: the rules that give in the cheapest relaxation are made hard, one after the other,
until nothing else can give enough; those made hard contain a conflict. Deletion filter: a rule is
dropped for good when the others are in conflict without it (J. W. Chinneck, "Feasibility and
Infeasibility in Optimization", Springer 2008, ch. 6). What is left is irreducible: without any of
its rules the others can be kept.

What there is (chips, power, outages) is tried first, so that a conflict that wishes make by
themselves is told as such. The linear relaxation is looked at first; only when it knows of no
conflict are the numbers of replicas, blocks and pools held to be whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.explanation.needed import KEPT
from optimizer.explanation.rules import CAPACITY_LIKE, Rule, rules_of
from optimizer.explanation.search import Search
from optimizer.explanation.stretchable import stretchable
from optimizer.instance.instance import Instance


@dataclass(frozen=True)
class Conflict:
    """Rules that cannot be kept together.

    Attributes
    ----------
    rules : which.
    whole : whether only whole numbers are in conflict.
    irreducible : whether every rule of it is known to be needed for the conflict.
    source : the solver on whose word the rules exclude every plan.
    """

    rules: tuple[Rule, ...]
    whole: bool
    irreducible: bool
    source: str


def conflict_of(instance: Instance, search: Search) -> Conflict | None:
    """Find a conflict; None when there is none, or none was found in time.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C.
    """
    rules = rules_of(instance)
    for whole in (False, True):
        found, source = _elastic_filter(instance, rules, search, whole)
        if found:
            kept, irreducible = _deletion_filter(instance, rules, found, search, whole)
            return Conflict(kept, whole, irreducible, source)
        if search.over:
            return None
    return None


def _elastic_filter(
    instance: Instance, rules: tuple[Rule, ...], search: Search, whole: bool
) -> tuple[tuple[Rule, ...], str]:
    """Rules that contain a conflict, none when there is none; and whose word that is."""
    hard: list[Rule] = []
    while True:
        rest = tuple(rule for rule in rules if rule not in hard)
        stretch = stretchable(instance, rest)
        if whole and stretch.program.integer is None:
            return (), ""  # what the linear program said holds
        answer = search.least(stretch, whole=whole)
        if answer.feasible is False:
            return tuple(hard) or rules, answer.source
        if answer.values is None:
            return (), ""
        given = [rule for rule, part in stretch.parts(answer.values).items() if part > KEPT]
        if not given:
            return (), ""
        hard += given


def _deletion_filter(
    instance: Instance,
    rules: tuple[Rule, ...],
    found: tuple[Rule, ...],
    search: Search,
    whole: bool,
) -> tuple[tuple[Rule, ...], bool]:
    """The conflict without what it does not need, and whether that is known of all the rest."""
    kept, certain = list(found), True
    for rule in sorted(found, key=_order):
        if len(kept) == 1:
            break
        trial = [other for other in kept if other != rule]
        free = tuple(other for other in rules if other not in trial)
        answer = search.least(stretchable(instance, (), free), whole=whole)
        if answer.feasible is False:
            kept = trial
        certain = certain and answer.feasible is not None
    return tuple(kept), certain


def _order(rule: Rule) -> tuple[int, Rule]:
    like = CAPACITY_LIKE.index(rule.family) if rule.family in CAPACITY_LIKE else len(CAPACITY_LIKE)
    return like, rule

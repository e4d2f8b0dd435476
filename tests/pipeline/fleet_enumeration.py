"""The optimum of a tiny instance by looking at every whole decision.

Replicas, blocks, idle pools, pools of pinned workloads, who may give tokens up, and on which
side of its blocks a pool is: every combination is fixed, the rules that it breaks by itself are
checked with plain numbers, and the linear program that is left is solved.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from optimizer.instance.instance import Instance
from tests.pipeline.fleet_facts import Facts
from tests.pipeline.named_program import NamedProgram, Terms

Item = TypeVar("Item")
Numbers = dict[tuple[str, str, int], int]


class TooManyError(Exception):
    """An instance has more choices than are to be looked at."""


@dataclass(frozen=True)
class Choice:
    """One combination of all whole decisions.

    Attributes
    ----------
    n : replicas by model, pool and period.
    b : blocks by contract.
    idle : pools with a fee that stay empty.
    home : pool of each pinned workload.
    keeps : (workload, period) of which nothing may be given up; in all others those of a
        lower priority stay away.
    under : (pool, period) that hold no more than the blocks give.
    """

    n: Numbers
    b: dict[str, int]
    idle: frozenset[str]
    home: dict[str, str]
    keeps: frozenset[tuple[str, int]]
    under: frozenset[tuple[str, int]]


def enumerated_cost(instance: Instance, most: int = 100_000) -> float | None:
    """Least cost in USD over every choice, or None when none keeps the rules.

    Parameters
    ----------
    most : choices beyond which an instance is refused as not tiny.

    Raises
    ------
    TooManyError
        When there are more.
    """
    facts = Facts(instance)
    best: float | None = None
    choices = list(itertools.islice(_choices(facts), most + 1))
    if len(choices) > most:
        raise TooManyError(f"more than {most} choices")
    for choice in choices:
        found = _Rest(facts, choice).program.solve()
        if found is not None and (best is None or found[0] < best):
            best = found[0]
    return best


def _choices(facts: Facts) -> Iterator[Choice]:
    with_fee = [p for p in facts.P if facts.fee[p] > 0]
    pinned = [w for w in facts.W if facts.pinned[w]]
    ranked = [
        (w, t)
        for w in facts.W
        for t in facts.T
        if any(facts.priority[v] > facts.priority[w] for v in facts.W)
    ]
    split = [
        (p, t)
        for p in facts.P
        for t in facts.T
        if not facts.reserved[p]
        and any(k.pool == p and t in k.periods for k in facts.C.values())
        and any(share.measure == "spend" for share in facts.shares)
    ]
    blocks = [range(contract.max_blocks + 1) for contract in facts.C.values()]
    for counts in itertools.product(*blocks):
        b = dict(zip(facts.C, counts, strict=True))
        for n in _replicas(facts, b):
            for idle in _subsets(with_fee):
                for pools in itertools.product(facts.P or [""], repeat=len(pinned)):
                    home = dict(zip(pinned, pools, strict=True))
                    for keeps in _subsets(ranked):
                        for under in _subsets(split):
                            yield Choice(n, b, idle, home, keeps, under)


def _subsets(items: list[Item]) -> Iterator[frozenset[Item]]:
    for flags in itertools.product((False, True), repeat=len(items)):
        yield frozenset(item for item, flag in zip(items, flags, strict=True) if flag)


def _replicas(facts: Facts, b: dict[str, int]) -> Iterator[Numbers]:
    """Every number of replicas that fits, changes no faster than allowed and is enough."""
    cells = [(m, p, t) for t in facts.T for m, p in facts.offer]
    ranges = [
        range(math.floor(chips_of(facts, b, p, t) / facts.offer[m, p].q + 1e-9) + 1)
        for m, p, t in cells
    ]
    for counts in itertools.product(*ranges):
        n = dict(zip(cells, counts, strict=True))
        if _fits(facts, n, b) and _is_enough(facts, n) and _is_slow(facts, n):
            yield n


def chips_of(facts: Facts, b: dict[str, int], p: str, t: int) -> float:
    """Chips of a pool, its own and bought."""
    contracts = facts.C.items()
    bought = sum(c.chips * b[k] for k, c in contracts if c.pool == p and t in c.periods)
    return float(facts.K[p][t] + bought)


def _fits(facts: Facts, n: Numbers, b: dict[str, int]) -> bool:
    for p in facts.P:
        for t in facts.T:
            used = sum(facts.offer[m, q].q * n[m, q, t] for m, q in facts.offer if q == p)
            if used > chips_of(facts, b, p, t) + 1e-9:
                return False
    return True


def _is_enough(facts: Facts, n: Numbers) -> bool:
    return all(
        sum(count for (model, _, period), count in n.items() if (model, period) == (m, t)) >= least
        for m, least in facts.min_replicas.items()
        for t in facts.T
    )


def _is_slow(facts: Facts, n: Numbers) -> bool:
    return all(
        not abs(n[m, p, t] - before) > facts.offer[m, p].max_changes
        for m, p, t in n
        if (before := _before(facts, n, m, p, t)) is not None
    )


def _before(facts: Facts, n: Numbers, m: str, p: str, t: int) -> int | None:
    """Replicas in the period before, None when nothing is said about it."""
    if t > 0:
        return n[m, p, t - 1]
    return facts.in_force.get((m, p), 0) if facts.says_in_force else None


class _Rest:
    """The linear program that a choice leaves over x, u, r, f and what is paid."""

    def __init__(self, facts: Facts, choice: Choice) -> None:
        self.facts, self.choice = facts, choice
        self.program = NamedProgram()
        for w, t in itertools.product(facts.W, facts.T):
            self.program.column("u", w, t, upper=0.0 if (w, t) in choice.keeps else math.inf)
            for p in facts.P:
                if self._may(w, p, t):
                    self.program.column("x", w, p, t, upper=math.inf if self._gets(w, p, t) else 0)
        for p, t in itertools.product(facts.P, facts.T):
            self.program.column("paid", p, t)
            if facts.outages:
                self.program.column("r", p, t)
        self._serve()
        for p, t in itertools.product(facts.P, facts.T):
            self._run(p, t)
        for g in facts.outages:
            for t in facts.T:
                self._survive(g, t)
        self._limit()

    def _may(self, w: str, p: str, t: int) -> bool:
        facts = self.facts
        return (w, p) in facts.a and facts.resident(w, p) and facts.is_qualified(w, p, t)

    def _gets(self, w: str, p: str, t: int) -> bool:
        """Whether the choice leaves a place for tokens of w on p in t."""
        facts, choice = self.facts, self.choice
        if p in choice.idle or choice.home.get(w, p) != p:
            return False
        return not any(
            facts.priority[v] < facts.priority[w]
            and (v, t) not in choice.keeps
            and self._may(v, p, t)
            and facts.most_chips(p, t) > 0
            for v in facts.W
        )

    def _serve(self) -> None:
        """What arrives in s is handled in s ... s + h; assigned token by token."""
        facts = self.facts
        for w in facts.W:
            for t in facts.T:
                handled: Terms = {("u", w, t): 1.0}
                handled |= {("x", w, p, t): 1.0 for p in facts.P if self._may(w, p, t)}
                for s in range(max(0, t - facts.h[w]), t + 1):
                    self.program.column("from", w, s, t)
                    handled["from", w, s, t] = -1.0
                self.program.equal("demand", handled, 0.0)
            for s in facts.T:
                last = min(s + facts.h[w], facts.T[-1])
                served: Terms = {("from", w, s, t): 1.0 for t in range(s, last + 1)}
                self.program.equal("demand", served, facts.d[w][s])

    def _loose(self, p: str, t: int) -> Terms:
        """Load of models without replicas."""
        facts = self.facts
        return {
            ("x", w, p, t): facts.a[w, p]
            for w in facts.W
            if self._may(w, p, t) and (facts.model[w], p) not in facts.offer
        }

    def _occupied(self, p: str, t: int) -> float:
        """Chip-hours of replicas."""
        facts = self.facts
        counts = self.choice.n.items()
        return sum(
            facts.offer[m, q].q * facts.H * count for (m, q, s), count in counts if (q, s) == (p, t)
        )

    def _bought(self, p: str, t: int) -> float:
        """Chip-hours of blocks."""
        chips = chips_of(self.facts, self.choice.b, p, t) - float(self.facts.K[p][t])
        return chips * self.facts.H

    def _work(self, m: str, p: str, t: int) -> float:
        """Chip-hours in which replicas of m on p can serve."""
        facts, n = self.facts, self.choice.n
        offer, now = facts.offer[m, p], n[m, p, t]
        before = _before(facts, n, m, p, t)
        starts = 0 if before is None else max(0, now - before)
        return offer.q * (facts.H * now - offer.startup_hours * starts)

    def _held(self, p: str, t: int) -> Terms:
        """What is held beside the replicas."""
        return self._loose(p, t) | ({("r", p, t): 1.0} if self.facts.outages else {})

    def _run(self, p: str, t: int) -> None:
        """Chips, blocks and replicas of a pool in a period."""
        facts, program = self.facts, self.program
        held, occupied = self._held(p, t), self._occupied(p, t)
        room = 0.0 if p in self.choice.idle else chips_of(facts, self.choice.b, p, t) * facts.H
        program.at_most("capacity", held, room - occupied)
        beyond = occupied - self._bought(p, t)
        less = {key: -number for key, number in held.items()}
        if (p, t) in self.choice.under:
            program.at_most("paid", held, -beyond)
            program.equal("paid", {("paid", p, t): 1.0}, 0.0)
        elif any(s.measure == "spend" for s in facts.shares) and not facts.reserved[p]:
            program.equal("paid", {("paid", p, t): 1.0} | less, beyond)
        else:
            program.at_least("paid", {("paid", p, t): 1.0} | less, beyond)
        for m in facts.M:
            if (m, p) in facts.offer:
                load: Terms = {
                    ("x", w, p, t): facts.a[w, p]
                    for w in facts.W
                    if facts.model[w] == m and self._may(w, p, t)
                }
                limit = facts.offer[m, p].utilisation * self._work(m, p, t)
                program.at_most("replicas", load, limit)

    def _survive(self, g: str, t: int) -> None:
        facts, program = self.facts, self.program
        lost, part = facts.outages[g]
        for w in facts.W:
            if facts.protected[w]:
                able = [p for p in facts.P if self._may(w, p, t)]
                asked: Terms = {("x", w, p, t): -part for p in able}
                for p in able:
                    if p not in lost:
                        program.column("f", g, w, p, t)
                        asked["f", g, w, p, t] = 1.0
                program.at_least("outages", asked, 0.0)
        for p in facts.P:
            if p in lost:
                continue
            moved = {
                w: {("f", g, w, p, t): facts.a[w, p]}
                for w in facts.W
                if facts.protected[w] and self._may(w, p, t)
            }
            for m in facts.M:
                if (m, p) in facts.offer:
                    mine = [moved[w] for w in moved if facts.model[w] == m]
                    terms = {key: number for one in mine for key, number in one.items()}
                    program.at_most("outages", terms, self._work(m, p, t))
            others = [moved[w] for w in moved if (facts.model[w], p) not in facts.offer]
            terms = {key: number for one in others for key, number in one.items()}
            terms |= {key: -number for key, number in self._held(p, t).items()}
            program.at_most("outages", terms, 0.0)

    def _limit(self) -> None:
        """Cost, budget, power and shares."""
        facts, program = self.facts, self.program
        fixed = 0.0
        spent: dict[tuple[str, int], tuple[Terms, float]] = {}
        for p, t in itertools.product(facts.P, facts.T):
            usd: Terms = {("x", w, p, t): facts.e[w, p] for w in facts.W if self._may(w, p, t)}
            base = facts.c[p][t] * facts.K[p][t] * facts.H
            if not facts.reserved[p]:
                usd["paid", p, t] = facts.c[p][t]
                base = 0.0
            for k, contract in facts.C.items():
                if contract.pool == p and t in contract.periods:
                    base += contract.usd * contract.chips * self.choice.b[k] * facts.H
            spent[p, t] = usd, base
            program.cost |= usd
            fixed += base
        fixed += sum(c.fee for k, c in facts.C.items() if self.choice.b[k] > 0)
        fixed += sum(
            facts.fee[p] for p in facts.P if facts.fee[p] > 0 and p not in self.choice.idle
        )
        for (m, p, t), now in self.choice.n.items():
            before = _before(facts, self.choice.n, m, p, t)
            if before is not None:
                fixed += facts.offer[m, p].startup_usd * max(0, now - before)
        program.constant = fixed
        if facts.budget is not None:
            program.at_most("budget", dict(program.cost), facts.budget - fixed)
        program.cost |= {("u", w, t): facts.v[w] for w in facts.W for t in facts.T}
        for group, max_mw in facts.power.values():
            for t in facts.T:
                drawn = sum(facts.watts[p] * self._occupied(p, t) for p in group)
                terms = {
                    key: facts.watts[p] / 1e6 * number
                    for p in group
                    for key, number in self._held(p, t).items()
                }
                program.at_most("power", terms, max_mw * facts.H - drawn / 1e6)
        self._share(spent)

    def _share(self, spent: dict[tuple[str, int], tuple[Terms, float]]) -> None:
        facts = self.facts
        for share in facts.shares:
            for span in share.spans:
                group: Terms = {}
                total: Terms = {}
                group_base = total_base = 0.0
                for p, t in itertools.product(facts.P, span):
                    if share.measure == "spend":
                        terms, base = spent[p, t]
                    elif share.measure == "compute":
                        terms, base = self._held(p, t), self._occupied(p, t)
                    else:
                        may = [w for w in facts.W if self._may(w, p, t)]
                        terms, base = {("x", w, p, t): 1.0 for w in may}, 0.0
                    total |= terms
                    total_base += base
                    if p in share.group:
                        group |= terms
                        group_base += base
                for sign, limit in ((1.0, share.max), (-1.0, share.min)):
                    if not math.isnan(limit):
                        row = {
                            key: sign * (group.get(key, 0.0) - limit * number)
                            for key, number in total.items()
                        }
                        side = sign * (limit * total_base - group_base)
                        self.program.at_most("shares", row, side)

"""The optimum of a small instance with every rule of ``docs/problem.md``, stated a third time.

A mixed-integer program written from the page by plain loops over names, sharing no code with
the model, the solvers and the judge of the package. Decisions are named as on the page, with
columns of their own for what the page writes as a function:

======================= =====================================================================
``("s", m, p, t)``      starts of replicas
``("paid", p, t)``      chip-hours paid as held, ``max(0, O - B H)``
``("over", p, t)``      1 when more is held than the blocks give; only where spend is limited,
                        since elsewhere nothing is gained by paying more than is held
``("z", p)``            1 when the fee of a pool is paid
``("signed", k)``       1 when the fee of a contract is paid
``("y", w, p)``         1 when a pinned workload is on the pool
``("yields", w, t)``    1 when tokens of a workload that others yield to may be given up
======================= =====================================================================
"""

from __future__ import annotations

import math

from optimizer.instance.instance import Instance
from tests.pipeline.fleet_facts import Facts, Offer
from tests.pipeline.fleet_shares import add_shares, limits_spend
from tests.pipeline.named_program import NamedProgram, Terms

Without = frozenset[str]
"""Rules that are switched off: replicas (whole replicas and all that is said of them),
min_replicas, startup (limits on changes), starts (their cost and hours), contracts (no offers),
whole_blocks, outages, power, budget, priority, qualification, residency, shares, activation,
single_pool."""


def best_cost(instance: Instance, without: Without = frozenset()) -> float | None:
    """Least cost in USD, or None when no plan keeps the rules."""
    found = FleetOracle(Facts(instance), without).program.solve()
    return None if found is None else found[0]


def possible_in_parts(instance: Instance) -> bool:
    """Whether parts of replicas, blocks, fees and choices would keep the rules.

    Where they would not, linear programming alone can prove that there is no plan.
    """
    program = FleetOracle(Facts(instance)).program
    for key in program.whole:
        if key[0] == "n":
            # Its bound is rounded down; the chips limit it anyway.
            program.upper[key] = math.inf
    program.whole.clear()
    program.cost.clear()
    return program.solve() is not None


class FleetOracle:
    """The program of an instance.

    Attributes
    ----------
    program : columns, rows by family, cost.
    """

    def __init__(self, facts: Facts, without: Without = frozenset()) -> None:
        self.facts = facts
        self.without = without
        if "replicas" in without:
            facts.offer = {}
            facts.min_replicas = {}
        if "min_replicas" in without:
            facts.min_replicas = {}
        if "starts" in without:
            facts.offer = {
                pair: Offer(o.q, o.utilisation, 0.0, 0.0, o.max_changes)
                for pair, o in facts.offer.items()
            }
        if "contracts" in without:
            facts.C = {}
        if "outages" in without:
            facts.outages = {}
        self.program = NamedProgram()
        self._add_columns()
        self._add_demand()
        self._add_capacity()
        self._add_replicas()
        self._add_fees()
        self._add_pins()
        self._add_outages()
        self._add_power()
        self._add_priority()
        if "shares" not in without:
            add_shares(self)
        self._add_cost()

    def usable(self, w: str, p: str, t: int) -> bool:
        """Whether tokens of w may be placed on p in t."""
        facts = self.facts
        return (
            (w, p) in facts.a
            and p in facts.P
            and ("residency" in self.without or facts.resident(w, p))
            and ("qualification" in self.without or facts.is_qualified(w, p, t))
        )

    def load(self, m: str, p: str, t: int) -> Terms:
        """A[m,p,t]."""
        facts = self.facts
        return {
            ("x", w, p, t): facts.a[w, p]
            for w in facts.W
            if facts.model[w] == m and self.usable(w, p, t)
        }

    def held(self, p: str, t: int) -> Terms:
        """O[p,t]."""
        facts = self.facts
        terms: Terms = {}
        for m in facts.M:
            if (m, p) in facts.offer:
                terms["n", m, p, t] = facts.offer[m, p].q * facts.H
            else:
                terms.update(self.load(m, p, t))
        if facts.outages:
            terms["r", p, t] = 1.0
        return terms

    def blocks(self, p: str, t: int) -> Terms:
        """B[p,t], in chips."""
        contracts = self.facts.C.items()
        return {("b", k): c.chips for k, c in contracts if c.pool == p and t in c.periods}

    def _add_columns(self) -> None:
        facts, program = self.facts, self.program
        for w in facts.W:
            for t in facts.T:
                program.column("u", w, t)
                for p in facts.P:
                    if self.usable(w, p, t):
                        program.column("x", w, p, t)
        for k, contract in facts.C.items():
            whole = "whole_blocks" not in self.without
            program.column("b", k, upper=contract.max_blocks, whole=whole)
        for (m, p), offer in facts.offer.items():
            for t in facts.T:
                room = math.floor(facts.most_chips(p, t) / offer.q + 1e-9)
                program.column("n", m, p, t, upper=room, whole=True)
                program.column("s", m, p, t)
        for p in facts.P:
            for t in facts.T:
                if facts.outages:
                    program.column("r", p, t)
                if not facts.reserved[p]:
                    self._add_paid(p, t)

    def _add_paid(self, p: str, t: int) -> None:
        """``paid = max(0, O - B H)``."""
        facts, program = self.facts, self.program
        paid: Terms = {("paid", p, t): 1.0}
        bought = {key: chips * facts.H for key, chips in self.blocks(p, t).items()}
        program.column("paid", p, t)
        beyond = combined(paid, minus(self.held(p, t)), bought)
        if not bought:
            program.equal("cost", beyond, 0.0)
            return
        program.at_least("cost", beyond, 0.0)
        if limits_spend(self):
            most = facts.most_chips(p, t) * facts.H
            program.column("over", p, t, upper=1, whole=True)
            program.at_most("cost", combined(paid, {("over", p, t): -most}), 0.0)
            program.at_most("cost", combined(beyond, {("over", p, t): most}), most)

    def _add_demand(self) -> None:
        facts, program = self.facts, self.program
        for w in facts.W:
            for t in facts.T:
                if facts.h[w] == 0:
                    program.equal("demand", self.handled(w, t), facts.d[w][t])
                    continue
                handled = combined(*(self.handled(w, s) for s in facts.T if s <= t))
                due = facts.arrived(w, t if t == facts.T[-1] else t - facts.h[w])
                program.at_most("deadline", handled, facts.arrived(w, t))
                program.at_least("deadline", handled, due)

    def handled(self, w: str, t: int) -> Terms:
        """What is placed or given up of w in t."""
        placed: Terms = {("x", w, p, t): 1.0 for p in self.facts.P if self.usable(w, p, t)}
        return placed | {("u", w, t): 1.0}

    def _add_capacity(self) -> None:
        facts = self.facts
        for p in facts.P:
            for t in facts.T:
                bought = {key: -chips * facts.H for key, chips in self.blocks(p, t).items()}
                terms = combined(self.held(p, t), bought)
                self.program.at_most("capacity", terms, facts.K[p][t] * facts.H)

    def _add_replicas(self) -> None:
        facts, program = self.facts, self.program
        for (m, p), offer in facts.offer.items():
            for t in facts.T:
                now, starts = ("n", m, p, t), ("s", m, p, t)
                work = {
                    now: -offer.utilisation * offer.q * facts.H,
                    starts: offer.utilisation * offer.q * offer.startup_hours,
                }
                program.at_most("replicas", combined(self.load(m, p, t), work), 0.0)
                if t == 0 and not facts.says_in_force:
                    continue
                before = float(facts.in_force.get((m, p), 0)) if t == 0 else 0.0
                change: Terms = {now: 1.0} if t == 0 else {now: 1.0, ("n", m, p, t - 1): -1.0}
                program.at_least("starts", combined({starts: 1.0}, minus(change)), -before)
                if "startup" not in self.without and not math.isnan(offer.max_changes):
                    program.at_most("startup", change, before + offer.max_changes)
                    program.at_least("startup", change, before - offer.max_changes)
        for m, least in facts.min_replicas.items():
            for t in facts.T:
                running: Terms = {("n", m, p, t): 1.0 for p in facts.P if (m, p) in facts.offer}
                program.at_least("replicas", running, least)

    def _add_fees(self) -> None:
        facts, program = self.facts, self.program
        if "activation" in self.without:
            return
        for p in facts.P:
            if facts.fee[p] > 0:
                program.column("z", p, upper=1, whole=True)
                for t in facts.T:
                    most = facts.most_chips(p, t) * facts.H
                    terms = combined(self.held(p, t), {("z", p): -most})
                    program.at_most("activation", terms, 0.0)
        for k, contract in facts.C.items():
            if contract.fee > 0:
                program.column("signed", k, upper=1, whole=True)
                bought: Terms = {("b", k): 1.0, ("signed", k): -float(contract.max_blocks)}
                program.at_most("activation", bought, 0.0)

    def _add_pins(self) -> None:
        facts, program = self.facts, self.program
        for w in facts.W:
            if not facts.pinned[w] or "single_pool" in self.without:
                continue
            for p in facts.P:
                program.column("y", w, p, upper=1, whole=True)
                for t in facts.T:
                    if self.usable(w, p, t):
                        terms = {("x", w, p, t): 1.0, ("y", w, p): -facts.present(w, t)}
                        program.at_most("single_pool", terms, 0.0)
            program.at_most("single_pool", {("y", w, p): 1.0 for p in facts.P}, 1.0)

    def _add_outages(self) -> None:
        facts, program = self.facts, self.program
        protected = [w for w in facts.W if facts.protected[w]]
        for g, (lost, served) in facts.outages.items():
            left = [p for p in facts.P if p not in lost]
            for t in facts.T:
                for w in protected:
                    able = [p for p in left if self.usable(w, p, t)]
                    for p in able:
                        program.column("f", g, w, p, t)
                    saved: Terms = {("f", g, w, p, t): 1.0 for p in able}
                    every = [p for p in facts.P if self.usable(w, p, t)]
                    asked: Terms = {("x", w, p, t): -served for p in every}
                    program.at_least("outages", combined(saved, asked), 0.0)
                for p in left:
                    self._add_takeover(g, p, t, protected)

    def _add_takeover(self, g: str, p: str, t: int, protected: list[str]) -> None:
        """What p can take over in the loss of g."""
        facts = self.facts
        loose: Terms = {}
        room: Terms = {("r", p, t): 1.0}
        for m in facts.M:
            moved = {
                ("f", g, w, p, t): facts.a[w, p]
                for w in protected
                if facts.model[w] == m and self.usable(w, p, t)
            }
            if (m, p) not in facts.offer:
                loose.update(moved)
                room.update(self.load(m, p, t))
                continue
            offer = facts.offer[m, p]
            runs = {
                ("n", m, p, t): offer.q * facts.H,
                ("s", m, p, t): -offer.q * offer.startup_hours,
            }
            self.program.at_most("outages", combined(moved, minus(runs)), 0.0)
        self.program.at_most("outages", combined(loose, minus(room)), 0.0)

    def _add_power(self) -> None:
        facts = self.facts
        if "power" in self.without:
            return
        for group, max_mw in facts.power.values():
            for t in facts.T:
                drawn = combined(*(times(facts.watts[p] / 1e6, self.held(p, t)) for p in group))
                self.program.at_most("power", drawn, max_mw * facts.H)

    def _add_priority(self) -> None:
        facts, program = self.facts, self.program
        if "priority" in self.without:
            return
        for w in facts.W:
            lower = [v for v in facts.W if facts.priority[v] > facts.priority[w]]
            for t in facts.T if lower else []:
                program.column("yields", w, t, upper=1, whole=True)
                given_up = {("u", w, t): 1.0, ("yields", w, t): -facts.present(w, t)}
                program.at_most("priority", given_up, 0.0)
                for v in lower:
                    for p in facts.P:
                        if self.usable(v, p, t) and self.could_use(w, p, t):
                            most = facts.present(v, t)
                            terms = {("x", v, p, t): 1.0, ("yields", w, t): most}
                            program.at_most("priority", terms, most)

    def could_use(self, w: str, p: str, t: int) -> bool:
        """Whether p is a pool with chips in t and a route of w that is allowed then."""
        return self.usable(w, p, t) and self.facts.most_chips(p, t) > 0

    def _add_cost(self) -> None:
        facts, program = self.facts, self.program
        spent: Terms = {}
        for (m, p), offer in facts.offer.items():
            for t in facts.T:
                spent["s", m, p, t] = offer.startup_usd
        for p in facts.P:
            if ("z", p) in program.upper:
                spent["z", p] = facts.fee[p]
            for t in facts.T:
                spent.update(self.pool_usd(p, t))
                program.constant += self.reserved_usd(p, t)
        for k, contract in facts.C.items():
            hours = len(contract.periods) * facts.H
            spent["b", k] = contract.usd * contract.chips * hours
            if ("signed", k) in program.upper:
                spent["signed", k] = contract.fee
        penalty: Terms = {("u", w, t): facts.v[w] for w in facts.W for t in facts.T}
        program.cost = spent | penalty
        if facts.budget is not None and "budget" not in self.without:
            program.at_most("budget", spent, facts.budget - program.constant)

    def pool_usd(self, p: str, t: int) -> Terms:
        """Cost of what p holds and of its routes in t."""
        facts = self.facts
        usd: Terms = {("x", w, p, t): facts.e[w, p] for w in facts.W if self.usable(w, p, t)}
        if not facts.reserved[p]:
            usd["paid", p, t] = facts.c[p][t]
        return usd

    def reserved_usd(self, p: str, t: int) -> float:
        """Cost of the chips of a reserved pool in t, used or not."""
        facts = self.facts
        return facts.c[p][t] * facts.K[p][t] * facts.H if facts.reserved[p] else 0.0


def minus(terms: Terms) -> Terms:
    """Every term with the other sign."""
    return times(-1.0, terms)


def times(factor: float, terms: Terms) -> Terms:
    """Every term multiplied."""
    return {key: factor * number for key, number in terms.items()}


def combined(*several: Terms) -> Terms:
    """Sum of terms."""
    total: Terms = {}
    for terms in several:
        for key, number in terms.items():
            total[key] = total.get(key, 0.0) + number
    return total

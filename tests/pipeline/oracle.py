"""The optimum of a small instance, from a dense program written straight from the page.

A variable for every (workload, pool, period) and every (workload, period), rows made by
plain loops, deadlines as inequalities on cumulative sums: slow, obvious, and sharing no
code with the model, the solvers and the judge of the package. See ``docs/problem.md``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]

TOLERANCE = 1e-6
"""How far a rule may be missed, relative to the larger of 1 and its two sides."""
SPECK = 1e-9
"""Mtok below which a pool counts as serving nothing."""
TIGHT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True)
class Oracle:
    """What the dense program found.

    Attributes
    ----------
    status : "optimal" or "infeasible".
    objective_usd : cost over the horizon; NaN when infeasible.
    x : (W, P, T) Mtok placed; NaN when infeasible.
    u : (W, T) Mtok given up; NaN when infeasible.
    """

    status: str
    objective_usd: float
    x: Float
    u: Float


class Facts:
    """The data of an instance under the one-letter names of the page, as dense arrays."""

    def __init__(self, instance: Instance) -> None:
        self.W = instance.num_workloads
        self.P = instance.num_pools
        self.T = instance.num_periods
        self.H = instance.period_hours
        self.d = instance.demand_mtok
        self.h = [int(h) for h in instance.workloads.deadline_periods]
        self.v = [float(v) for v in instance.workloads.unserved_usd_per_mtok]
        self.K = instance.capacity_chips
        self.c = instance.price_usd_per_chip_hour
        self.reserved = [instance.pools.purchase[p] == "reserved" for p in range(self.P)]
        self.left_out = [any(math.isnan(c) for c in self.c[p]) for p in range(self.P)]
        self.kept = [p for p in range(self.P) if not self.left_out[p]]
        self.a = np.zeros((self.W, self.P))
        self.e = np.zeros((self.W, self.P))
        self.route = np.zeros((self.W, self.P), bool)
        self._fill_routes(instance)
        self.resident = np.ones((self.W, self.P), bool)
        self._fill_residency(instance)
        self.shares = list(_shares(instance))
        self.pinned = [bool(pinned) for pinned in instance.workloads.single_pool]
        self.fee = [float(usd) for usd in instance.pools.activation_usd]

    def _fill_routes(self, instance: Instance) -> None:
        routes = instance.routes
        for r in range(len(routes.workload)):
            w, p = int(routes.workload[r]), int(routes.pool[r])
            self.route[w, p] = True
            self.a[w, p] = routes.chip_hours_per_mtok[r]
            self.e[w, p] = routes.usd_per_mtok[r]

    def _fill_residency(self, instance: Instance) -> None:
        residency = instance.residency
        regions: dict[int, set[str]] = {}
        for row in range(len(residency.workload)):
            regions.setdefault(int(residency.workload[row]), set()).add(residency.region[row])
        for w, allowed in regions.items():
            for p in range(self.P):
                self.resident[w, p] = instance.pools.region[p] in allowed

    def usable(self, w: int, p: int) -> bool:
        """Whether (w, p) is in R."""
        return bool(self.route[w, p] and self.resident[w, p] and not self.left_out[p])

    def arrived(self, w: int, t: int) -> float:
        """D[w,t], which is 0 before the horizon."""
        return float(sum(self.d[w, s] for s in range(t + 1)))

    def reserved_usd(self, p: int) -> float:
        """What a pool costs before anything runs on it."""
        if self.left_out[p] or not self.reserved[p]:
            return 0.0
        return float(sum(self.c[p, t] * self.K[p, t] * self.H for t in range(self.T)))

    def usd_per_mtok(self, w: int, p: int, t: int) -> float:
        """What a Mtok placed adds to the cost."""
        chips = 0.0 if self.reserved[p] else float(self.c[p, t] * self.a[w, p])
        return chips + float(self.e[w, p])

    def measure_of_one(self, measure: str, w: int, p: int, t: int) -> float:
        """What a Mtok placed adds to M[p]."""
        if measure == "compute":
            return float(self.a[w, p])
        return 1.0 if measure == "tokens" else self.usd_per_mtok(w, p, t)

    def measure_of_none(self, measure: str, p: int) -> float:
        """M[p] of a pool on which nothing runs."""
        return self.reserved_usd(p) if measure == "spend" else 0.0


@dataclass(frozen=True)
class Share:
    """One row of ``shares``: pools of the group, measure, limits (NaN = none)."""

    group: tuple[int, ...]
    measure: str
    min: float
    max: float


def _shares(instance: Instance) -> Iterator[Share]:
    table, pools = instance.shares, instance.pools
    for row in range(len(table.share)):
        attribute, value = table.attribute[row], table.value[row]
        column = pools.pool if attribute == "pool" else getattr(pools, attribute)
        group = tuple(p for p in range(instance.num_pools) if column[p] == value)
        yield Share(group, table.measure[row], float(table.min[row]), float(table.max[row]))


class Rows:
    """Rows of a linear program over dense variables: first all x, then all u."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.size = facts.W * facts.P * facts.T + facts.W * facts.T
        self.equal: list[tuple[Float, float]] = []
        self.at_most: list[tuple[Float, float]] = []

    def x(self, w: int, p: int, t: int) -> int:
        """Position of x[w,p,t]."""
        return (w * self.facts.P + p) * self.facts.T + t

    def u(self, w: int, t: int) -> int:
        """Position of u[w,t]."""
        return self.facts.W * self.facts.P * self.facts.T + w * self.facts.T + t

    def blank(self) -> Float:
        """Make a row of zeros."""
        return np.zeros(self.size)

    def handled(self, w: int, periods: range) -> Float:
        """Make the row of all that is placed or given up of w in these periods."""
        row = self.blank()
        for t in periods:
            row[self.u(w, t)] = 1.0
            for p in range(self.facts.P):
                row[self.x(w, p, t)] = 1.0
        return row


def optimum(instance: Instance, forbidden: frozenset[tuple[int, int]] = frozenset()) -> Oracle:
    """Solve the dense program of an instance, without its fees and without pinning anything.

    Parameters
    ----------
    forbidden : further (w, p) on which nothing may be placed.
    """
    facts = Facts(instance)
    for w, p in forbidden:
        facts.route[w, p] = False
    rows = Rows(facts)
    _add_demand(facts, rows)
    _add_deadlines(facts, rows)
    _add_capacity(facts, rows)
    _add_shares(facts, rows)
    found = linprog(
        _cost(facts, rows),
        A_ub=np.array([row for row, _ in rows.at_most]) if rows.at_most else None,
        b_ub=np.array([side for _, side in rows.at_most]) if rows.at_most else None,
        A_eq=np.array([row for row, _ in rows.equal]) if rows.equal else None,
        b_eq=np.array([side for _, side in rows.equal]) if rows.equal else None,
        bounds=_bounds(facts, rows),
        method="highs",
        options=TIGHT,
    )
    return _oracle(facts, found.status, found.fun, found.x)


def least_of_all_choices(instance: Instance) -> Oracle:
    """Find the optimum with fees and pinned workloads by looking at every choice.

    For every set of pools with a fee that are activated, and every pool that each pinned
    workload may then run on, the dense program that is left is solved; the fees of the set
    are added. A set whose pools stand idle is no cheaper than the one without them.
    """
    facts = Facts(instance)
    with_fee = [p for p in facts.kept if facts.fee[p] > 0]
    pinned = [w for w in range(facts.W) if facts.pinned[w]]
    best = optimum(instance, frozenset(itertools.product(range(facts.W), range(facts.P))))
    for count in range(len(with_fee) + 1):
        for idle in itertools.combinations(with_fee, count):
            paid = sum(facts.fee[p] for p in with_fee if p not in idle)
            for choice in _choices(facts, pinned, idle):
                found = optimum(instance, _forbidden(facts, idle, choice))
                cost = found.objective_usd + paid
                if found.status == "optimal" and not best.objective_usd <= cost:
                    best = Oracle("optimal", cost, found.x, found.u)
    return best


def _choices(facts: Facts, pinned: list[int], idle: tuple[int, ...]) -> Iterator[dict[int, int]]:
    """Every way to give each pinned workload one of its pools that are not idle."""
    able = [[p for p in facts.kept if facts.usable(w, p) and p not in idle] for w in pinned]
    for pools in itertools.product(*(several or [-1] for several in able)):
        yield dict(zip(pinned, pools, strict=True))


def _forbidden(
    facts: Facts, idle: tuple[int, ...], choice: dict[int, int]
) -> frozenset[tuple[int, int]]:
    pairs = itertools.product(range(facts.W), range(facts.P))
    return frozenset((w, p) for w, p in pairs if p in idle or choice.get(w, p) != p)


def _oracle(facts: Facts, status: int, fun: float, solution: Float) -> Oracle:
    shape, cells = (facts.W, facts.P, facts.T), facts.W * facts.P * facts.T
    if status == 2:
        nothing = np.full(shape, math.nan)
        return Oracle("infeasible", math.nan, nothing, nothing.sum(axis=1))
    if status != 0:
        raise RuntimeError(f"the dense program ended with status {status}")
    objective = fun + sum(facts.reserved_usd(p) for p in facts.kept)
    x, u = solution[:cells].reshape(shape), solution[cells:].reshape(facts.W, facts.T)
    return Oracle("optimal", float(objective), x, u)


def _cost(facts: Facts, rows: Rows) -> Float:
    cost = rows.blank()
    for w in range(facts.W):
        for t in range(facts.T):
            cost[rows.u(w, t)] = facts.v[w]
            for p in facts.kept:
                cost[rows.x(w, p, t)] = facts.usd_per_mtok(w, p, t)
    return cost


def _bounds(facts: Facts, rows: Rows) -> list[tuple[float, float | None]]:
    bounds: list[tuple[float, float | None]] = [(0.0, None)] * rows.size
    for w in range(facts.W):
        for p in range(facts.P):
            for t in range(facts.T):
                if not facts.usable(w, p):
                    bounds[rows.x(w, p, t)] = (0.0, 0.0)
    return bounds


def _add_demand(facts: Facts, rows: Rows) -> None:
    for w in range(facts.W):
        if facts.h[w] == 0:
            for t in range(facts.T):
                rows.equal.append((rows.handled(w, range(t, t + 1)), float(facts.d[w, t])))


def _add_deadlines(facts: Facts, rows: Rows) -> None:
    for w in range(facts.W):
        if facts.h[w] == 0:
            continue
        for t in range(facts.T):
            handled = rows.handled(w, range(t + 1))
            rows.at_most.append((handled, facts.arrived(w, t)))
            rows.at_most.append((-handled, -facts.arrived(w, t - facts.h[w])))
        last = facts.T - 1
        rows.equal.append((rows.handled(w, range(facts.T)), facts.arrived(w, last)))


def _add_capacity(facts: Facts, rows: Rows) -> None:
    for p in range(facts.P):
        for t in range(facts.T):
            row = rows.blank()
            for w in range(facts.W):
                row[rows.x(w, p, t)] = facts.a[w, p]
            rows.at_most.append((row, float(facts.K[p, t] * facts.H)))


def _add_shares(facts: Facts, rows: Rows) -> None:
    for share in facts.shares:
        if not math.isnan(share.max):
            rows.at_most.append(_share_row(facts, rows, share, share.max))
        if not math.isnan(share.min):
            row, side = _share_row(facts, rows, share, share.min)
            rows.at_most.append((-row, -side))


def _share_row(facts: Facts, rows: Rows, share: Share, limit: float) -> tuple[Float, float]:
    """Row and side of ``sum over the group <= limit * sum over all``."""
    row, side = rows.blank(), 0.0
    for p in facts.kept:
        weight = (1.0 if p in share.group else 0.0) - limit
        side -= weight * facts.measure_of_none(share.measure, p)
        for w in range(facts.W):
            for t in range(facts.T):
                row[rows.x(w, p, t)] = weight * facts.measure_of_one(share.measure, w, p, t)
    return row, side


def cost_of(instance: Instance, x: Float, u: Float) -> float:
    """Cost in USD of a dense placement, whether or not it keeps the rules."""
    facts = Facts(instance)
    cost = sum(facts.reserved_usd(p) for p in facts.kept)
    for w in range(facts.W):
        for t in range(facts.T):
            cost += facts.v[w] * u[w, t]
            for p in facts.kept:
                cost += facts.usd_per_mtok(w, p, t) * x[w, p, t]
    cost += sum(facts.fee[p] for p in facts.kept if x[:, p].sum() > SPECK)
    return float(cost)


def violations_of(instance: Instance, x: Float, u: Float) -> list[str]:
    """Families of rules that a dense placement breaks; "sign" when something is negative."""
    facts = Facts(instance)
    broken = {
        "sign": x.min(initial=0.0) < -TOLERANCE or u.min(initial=0.0) < -TOLERANCE,
        "demand": _breaks_demand(facts, x, u),
        "deadline": _breaks_deadline(facts, x, u),
        "capacity": _breaks_capacity(facts, x),
        "shares": any(_breaks_share(facts, share, x) for share in facts.shares),
        "residency": _uses(x, ~facts.resident),
        "routes": _uses(x, ~facts.route),
        "left_out": _uses(x, np.array([facts.left_out] * facts.W)),
        "single_pool": _breaks_single_pool(facts, x),
    }
    return [family for family, is_broken in broken.items() if is_broken]


def _exceeds(left: float, right: float) -> bool:
    """Whether ``left <= right`` is missed; what is not a number misses everything."""
    return not left <= right + TOLERANCE * max(1.0, abs(left), abs(right))


def _breaks_demand(facts: Facts, x: Float, u: Float) -> bool:
    for w in range(facts.W):
        for t in range(facts.T):
            handled, asked = float(x[w, :, t].sum() + u[w, t]), float(facts.d[w, t])
            if facts.h[w] == 0 and (_exceeds(handled, asked) or _exceeds(asked, handled)):
                return True
    return False


def _breaks_deadline(facts: Facts, x: Float, u: Float) -> bool:
    for w in range(facts.W):
        handled = 0.0
        for t in range(facts.T):
            handled += float(x[w, :, t].sum() + u[w, t])
            due = facts.arrived(w, facts.T - 1 if t == facts.T - 1 else t - facts.h[w])
            if facts.h[w] and (_exceeds(handled, facts.arrived(w, t)) or _exceeds(due, handled)):
                return True
    return False


def _breaks_capacity(facts: Facts, x: Float) -> bool:
    for p in range(facts.P):
        for t in range(facts.T):
            load = sum(float(facts.a[w, p] * x[w, p, t]) for w in range(facts.W))
            if _exceeds(load, float(facts.K[p, t] * facts.H)):
                return True
    return False


def _breaks_share(facts: Facts, share: Share, x: Float) -> bool:
    group = total = 0.0
    for p in facts.kept:
        held = facts.measure_of_none(share.measure, p)
        for w in range(facts.W):
            for t in range(facts.T):
                held += facts.measure_of_one(share.measure, w, p, t) * float(x[w, p, t])
        total += held
        group += held if p in share.group else 0.0
    too_much = not math.isnan(share.max) and _exceeds(group, share.max * total)
    too_little = not math.isnan(share.min) and _exceeds(share.min * total, group)
    return too_much or too_little


def _breaks_single_pool(facts: Facts, x: Float) -> bool:
    for w in range(facts.W):
        used = [p for p in range(facts.P) if x[w, p].sum() > SPECK]
        if facts.pinned[w] and len(used) > 1:
            return True
    return False


def _uses(x: Float, forbidden: NDArray[np.bool_]) -> bool:
    for w, p in np.argwhere(forbidden).tolist():
        if np.abs(x[w, p]).max(initial=0.0) > TOLERANCE:
            return True
    return False

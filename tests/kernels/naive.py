"""Slow, obvious twins of the kernels: plain loops over plain lists.

They import nothing of the package, so that no fault can be in both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Index = NDArray[np.int64]


def rows_to_csr(
    rows: Index, columns: Index, values: Float, num_rows: int
) -> tuple[list[int], list[int], list[float]]:
    """Row starts, columns and values, sorted by row and column, zeros dropped."""
    entries = sorted(
        ((int(r), int(c), k) for k, (r, c) in enumerate(zip(rows, columns, strict=True))),
    )
    kept = [(r, c, float(values[k])) for r, c, k in entries if values[k] != 0.0]
    starts = [sum(r < row for r, _, _ in kept) for row in range(num_rows + 1)]
    return starts, [c for _, c, _ in kept], [v for _, _, v in kept]


def connected_parts(starts: Index, columns: Index, num_columns: int) -> tuple[list[int], list[int]]:
    """Part of each column and row, by spreading the smallest number until nothing changes."""
    least = list(range(num_columns))
    rows = [columns[starts[m] : starts[m + 1]].tolist() for m in range(len(starts) - 1)]
    changed = True
    while changed:
        changed = False
        for row in rows:
            for column in row:
                smallest = min(least[other] for other in row)
                changed = changed or least[column] != smallest
                least[column] = smallest
    number = {root: part for part, root in enumerate(sorted(set(least)))}
    part = [number[root] for root in least]
    return part, [part[row[0]] if row else -1 for row in rows]


def take_rows(
    starts: Index, columns: Index, values: Float, rows: Index, new_column: Index
) -> tuple[list[int], list[int], list[float]]:
    """Chosen rows, one after the other, with renumbered columns."""
    out: tuple[list[int], list[int], list[float]] = ([0], [], [])
    for row in rows.tolist():
        for entry in range(starts[row], starts[row + 1]):
            out[1].append(int(new_column[columns[entry]]))
            out[2].append(float(values[entry]))
        out[0].append(len(out[1]))
    return out


def find_routes(first_route: Index, route_pool: Index, workload: Index, pool: Index) -> list[int]:
    """Route of each placement by looking through all of its workload's."""
    found = []
    for w, p in zip(workload.tolist(), pool.tolist(), strict=True):
        mine = [r for r in range(first_route[w], first_route[w + 1]) if route_pool[r] == p]
        found.append(mine[0] if mine else -1)
    return found


def totals(row: Index, column: Index, amount: Float, rows: int, columns: int) -> Float:
    """Exact sums at each place, rounded once."""
    sums = [[Fraction(0)] * columns for _ in range(rows)]
    for i, j, term in zip(row.tolist(), column.tolist(), amount.tolist(), strict=True):
        sums[i][j] += Fraction(term)
    return np.array([[float(total) for total in line] for line in sums]).reshape(rows, columns)


def cheapest(
    first_route: Index, route_pool: Index, route_usd: Float, chip_hours: Float,
    pool_usd: Float, ceiling: Float,
) -> Float:  # fmt: skip
    """Cheapest way of each workload in each period, among all of its open routes."""
    periods = pool_usd.shape[1]
    best = np.empty((len(ceiling), periods))
    for w in range(len(ceiling)):
        for t in range(periods):
            ways = [float(ceiling[w])]
            for r in range(first_route[w], first_route[w + 1]):
                if route_pool[r] >= 0:
                    price = float(pool_usd[route_pool[r], t])
                    ways.append(float(route_usd[r]) + float(chip_hours[r]) * price)
            best[w, t] = min(ways)
    return best


def cheapest_in_time(
    first_route: Index, route_row: Index, opens: Index, route_usd: Float, chip_hours: Float,
    factor: Float, added_usd: Float, row_usd: Float, ceiling: Float,
) -> Float:  # fmt: skip
    """Cheapest way of each workload in each period, among its routes that are open by then."""
    best = np.empty(ceiling.shape)
    for w, t in np.ndindex(*ceiling.shape):
        ways = [float(ceiling[w, t])]
        for r in range(first_route[w], first_route[w + 1]):
            row = int(route_row[r])
            if row >= 0 and t >= opens[r]:
                own = float(factor[row, t]) * float(route_usd[r])
                chips = float(chip_hours[r]) * float(row_usd[row, t])
                ways.append(own + float(added_usd[row, t]) + chips)
        best[w, t] = min(ways)
    return best


def failover_worth(
    outage_usd: Float, lost: NDArray[np.bool_], route_workload: Index, route_pool: Index,
    route_row: Index, opens: Index, chip_hours: Float, rows: int,
) -> Float:  # fmt: skip
    """Sum over outages of the best use of a chip-hour in each, cell by cell."""
    outages, _, periods = outage_usd.shape
    worth = np.zeros((rows, periods))
    for row, t in np.ndindex(rows, periods):
        for g in range(outages):
            uses = [
                float(outage_usd[g, route_workload[r], t]) / float(chip_hours[r])
                for r in range(len(route_row))
                if route_row[r] == row and not lost[g, route_pool[r]] and opens[r] <= t
            ]
            worth[row, t] += max(uses, default=0.0)
    return worth


def window_minimum(best: Float, deadline: Index) -> Float:
    """Least of each window, by looking at all of it."""
    workloads, periods = best.shape
    least = np.empty(best.shape)
    for w in range(workloads):
        for t in range(periods):
            last = min(t + max(int(deadline[w]), 0), periods - 1)
            least[w, t] = min(best[w, t : last + 1].tolist())
    return least


def weighted_sums(weights: Float, values: Float) -> tuple[Float, Float]:
    """Sums of the products, each rounded, added exactly; terms of weight 0 are left out."""
    sums, sizes = [], []
    for line, amounts in zip(weights.tolist(), values.tolist(), strict=True):
        terms = [a * b for a, b in zip(line, amounts, strict=True) if a != 0]
        sums.append(math.fsum(terms))
        sizes.append(math.fsum(map(abs, terms)))
    return np.array(sums), np.array(sizes)


def ways_of(
    w: int, first_route: Index, route_pool: Index, opens: Index, route_usd: Float,
    chip_hours: Float, pool_usd: Float, t: int, when: int,
) -> list[tuple[float, int]]:  # fmt: skip
    """Cost and route of every way of a workload that is open in a period, at its position t."""
    found = []
    for r in range(first_route[w], first_route[w + 1]):
        price = float(pool_usd[route_pool[r], t])
        if when >= opens[r] and price < math.inf:
            found.append((float(route_usd[r]) + float(chip_hours[r]) * price, r))
    return found


def soft_minimum(
    first_route: Index, route_pool: Index, opens: Index, route_usd: Float, chip_hours: Float,
    pool_usd: Float, ceiling: Float, width: Float, demand: Float, period: Index,
) -> tuple[Float, Float, Float]:  # fmt: skip
    """Value, slopes and negative bends of the soft-min, over all ways however far from the best."""
    pools, periods = pool_usd.shape
    value, load = np.zeros(periods), np.zeros((pools, periods))
    bend = np.zeros((periods, pools, pools))
    for w, t in np.ndindex(len(ceiling), periods):
        d, s = float(demand[w, period[t]]), float(width[w])
        ways = ways_of(
            w, first_route, route_pool, opens, route_usd, chip_hours, pool_usd, t, int(period[t])
        )
        least = min([float(ceiling[w]), *(c for c, _ in ways)])
        parts = [math.exp((least - c) / s) for c, _ in ways]
        total = math.fsum([*parts, math.exp((least - float(ceiling[w])) / s)])
        value[t] += d * (least - s * math.log(total))
        hours = np.zeros(pools)
        for (_, r), part in zip(ways, parts, strict=True):
            used = float(chip_hours[r]) * part / total
            hours[route_pool[r]] += used
            bend[t, route_pool[r], route_pool[r]] += d / s * used * float(chip_hours[r])
        load[:, t] += d * hours
        bend[t] -= d / s * np.outer(hours, hours)
    return value, load, bend


def near_ways(
    first_route: Index, route_pool: Index, opens: Index, route_usd: Float, chip_hours: Float,
    pool_usd: Float, ceiling: Float, scale: Float, slack: Float, demand: Float, period: Index,
) -> tuple[Float, dict[tuple[int, int], tuple[bool, list[int]]]]:  # fmt: skip
    """Best value by period, and by workload and period: whether giving up and which routes."""
    periods = pool_usd.shape[1]
    value = np.zeros(periods)
    found = {}
    for w, t in np.ndindex(len(ceiling), periods):
        if demand[w, period[t]] == 0:
            continue
        ways = ways_of(
            w, first_route, route_pool, opens, route_usd, chip_hours, pool_usd, t, int(period[t])
        )
        least = min([float(ceiling[w]), *(c for c, _ in ways)])
        edge = least + float(slack[t]) * float(scale[w])
        value[t] += float(demand[w, period[t]]) * least
        found[w, t] = (float(ceiling[w]) <= edge, [r for c, r in ways if c <= edge])
    return value, found


@dataclass
class Rooms:
    """What is free in one period of the greedy fill; plain lists that change."""

    room: list[float]
    steady: list[float]
    watts: list[list[float]]
    power: list[float]
    hold: list[float]
    work: list[float]
    lost: list[float]
    before: list[float]
    most: list[float]
    running: list[float]
    spare: list[float]

    def free(self, p: int) -> float:
        """Chip-hours that may still be held on a pool."""
        limits = [self.power[e] / self.watts[e][p] for e in range(len(self.power))
                  if self.watts[e][p] > 0]  # fmt: skip
        return min([self.room[p], *limits])

    def reach(self, p: int, l: int, hours: float) -> float:  # noqa: E741
        """Mtok that a route could still take."""
        if l < 0:
            return self.free(p) / hours
        fit = math.floor(min(self.free(p), self.steady[p]) / self.hold[l] * (1 + 1e-10))
        more = max(min(fit, self.most[l] - self.running[l]), 0)
        kept = min(more, max(self.before[l] - self.running[l], 0))
        started = (more - kept) * (self.work[l] - self.lost[l])
        return (self.spare[l] + kept * self.work[l] + started) / hours

    def take(self, p: int, l: int, need: float) -> None:  # noqa: E741
        """Hold so many chip-hours, on a lane as many replicas as it takes, one kind at a time."""
        if l >= 0:
            short, added = need - self.spare[l], 0.0
            kept = max(self.before[l] - self.running[l], 0)
            if short > 1e-10 * self.work[l]:
                added = float(min(kept, math.ceil(short / self.work[l] * (1 - 1e-10) - 1e-10)))
                self.spare[l] += added * self.work[l]
                short -= added * self.work[l]
                if added == kept and short > 1e-10 * need:
                    ready = self.work[l] - self.lost[l]
                    fresh = max(math.ceil(short / ready * (1 - 1e-10) - 1e-10), 0)
                    self.spare[l] += fresh * ready
                    added += fresh
            self.running[l] += added
            self.spare[l] = max(self.spare[l] - need, 0)
            need = added * self.hold[l]
            self.steady[p] = max(self.steady[p] - need, 0)
        self.room[p] = max(self.room[p] - need, 0)
        for e in range(len(self.power)):
            self.power[e] = max(self.power[e] - self.watts[e][p] * need, 0)


def fill_by_regret(
    turn: list[int], routes: list[list[int]], pool: list[int], lane: list[int],
    hours: list[float], held: list[float], usd: list[float], otherwise: list[float],
    speck: list[float], remaining: list[float], rooms: Rooms, by_regret: bool,
) -> list[float]:  # fmt: skip
    """Mtok placed on each route; all choices are made anew in each round."""
    placed, shut = [0.0] * len(pool), set[int]()
    active = list(turn)
    while True:
        choice = {}
        for w in active:
            usable = [r for r in routes[w] if r not in shut and usd[r] < math.inf]
            usable = [r for r in usable if rooms.reach(pool[r], lane[r], hours[r]) > speck[w]]
            if usable:
                first, *others = sorted(usable, key=lambda r: usd[r])
                second = usd[others[0]] if others else otherwise[w]
                regret = (second - usd[first]) / held[first]
                choice[w] = (-regret if by_regret else usd[first], first)
        full = None
        for w in sorted(choice, key=lambda w: choice[w][0]):
            r = choice[w][1]
            mtok = min(remaining[w], rooms.reach(pool[r], lane[r], hours[r]))
            if mtok > 0:
                rooms.take(pool[r], lane[r], mtok * hours[r])
                placed[r] += mtok
                remaining[w] -= mtok
            if remaining[w] > speck[w]:
                full = r
                break
        if full is None:
            return placed
        shut.add(full)
        active = [w for w in choice if remaining[w] > speck[w]]

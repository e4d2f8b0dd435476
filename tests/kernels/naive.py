"""Slow, obvious twins of the kernels: plain loops over plain lists.

They import nothing of the package, so that no fault can be in both.
"""

from __future__ import annotations

import math
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


def fill_cheapest_first(
    workload: Index, pool: Index, chip_hours: Float, usd: Float, remaining: Float, room: Float
) -> Float:
    """Fill each period route by route, the cheapest first, ties in their given order."""
    routes, periods = usd.shape
    placed = np.zeros((routes, periods))
    for t in range(periods):
        for r in sorted(range(routes), key=lambda route: float(usd[route, t])):
            w, p = int(workload[r]), int(pool[r])
            amount = min(float(remaining[w, t]), float(room[p, t]) / float(chip_hours[r]))
            if amount <= 0:
                continue
            placed[r, t] = amount
            remaining[w, t] -= amount
            room[p, t] = max(float(room[p, t]) - amount * float(chip_hours[r]), 0.0)
    return placed

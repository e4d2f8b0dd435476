"""The sweep of dual ascent: every workload's best answer to prices, ridge included.

Letters: b = blocks (a workload in a period), r = routes sorted by block, p = limits.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def answer_to_prices(  # type: ignore[no-untyped-def]
    first, pool, cost, use, most, price, gamma, begin, end, load, amount
):
    """Minimise cost z + price use z + gamma / 2 z^2 over z >= 0 with sum z <= most, by block.

    The minimiser is the projection of -(cost + price use) / gamma onto that set, found by
    taking out what falls below zero until nothing does (C. Michelot, "A finite algorithm for
    finding the projection of a point onto the canonical simplex of R^n", JOTA 50 (1986)).

    Parameters
    ----------
    first : (b + 1,) where each block's routes begin.
    pool, cost, use : (r,) limit, cost and use of it per unit of z.
    most : (b,) right-hand side of each block.
    price : (p,) of the limits.
    gamma : weight of the ridge, > 0.
    begin, end : blocks to look at.
    load : (p,) use of each limit, added to.
    amount : (r,) the answer z.

    Returns
    -------
    sum of cost z, and sum of z^2.
    """
    linear, square = 0.0, 0.0
    for b in range(begin, end):
        low, high = first[b], first[b + 1]
        total = 0.0
        for r in range(low, high):
            y = -(cost[r] + price[pool[r]] * use[r]) / gamma
            amount[r] = y
            if y > 0.0:
                total += y
        shift = 0.0
        if total > most[b]:
            kept, before, above = total, 0, -np.inf
            count = 0
            for r in range(low, high):
                if amount[r] > 0.0:
                    count += 1
            while count != before:
                before = count
                above = (kept - most[b]) / count
                kept, count = 0.0, 0
                for r in range(low, high):
                    if amount[r] > above and amount[r] > 0.0:
                        kept += amount[r]
                        count += 1
            shift = above
        for r in range(low, high):
            z = amount[r] - shift
            z = z if z > 0.0 else 0.0
            amount[r] = z
            if z > 0.0:
                load[pool[r]] += use[r] * z
                linear += cost[r] * z
                square += z * z
    return linear, square

"""Parts of the sweeps that work on all periods of a workload at once, as SIMD lanes.

Letters: t = periods, k = routes of one workload.
"""

from __future__ import annotations

from optimizer.kernels.jit import inner

FARTHEST = 60.0
"""Widths within which the exponential is right to rounding."""


@inner
def hits(cost, count, edge, hit):  # type: ignore[no-untyped-def]
    """Lines of ``cost`` with something up to ``edge`` (t,), to ``hit``; how many, and cells."""
    lines, cells = 0, 0
    for k in range(count):
        line = cost[k]
        inside = 0
        for t in range(len(edge)):
            inside += 1 if line[t] <= edge[t] else 0
        if inside > 0:
            hit[lines] = k
            lines += 1
            cells += inside
    return lines, cells


@inner
def write_ways(  # type: ignore[no-untyped-def]
    w, cells, count, edge, cost, ways, hit, lines, place, found, to_workload, to_position, to_route
):
    """Write the ways up to ``edge`` of one workload in its first ``count`` of ``cells``.

    Parameters
    ----------
    cells : (t,) positions on t.
    ways, hit, lines : routes, and which ``lines`` of them have something up to ``edge``.
    place : (t,) what is written for each position.
    found : how many were found before; beyond the arrays they are only counted.

    Returns
    -------
    How many there are then.
    """
    room = len(to_route)
    for n in range(count):
        t = cells[n]
        for i in range(lines):
            if cost[hit[i], t] <= edge[t]:
                if found < room:
                    to_workload[found] = w
                    to_position[found] = place[t]
                    to_route[found] = ways[hit[i]]
                found += 1
    return found


@inner
def any_late(opens, begin, end):  # type: ignore[no-untyped-def]
    """Whether any of these routes opens after the first period."""
    latest = 0
    for r in range(begin, end):
        latest = opens[r] if opens[r] > latest else latest
    return latest > 0


@inner
def decay(y):  # type: ignore[no-untyped-def]
    """``exp(256 y)`` for y from -FARTHEST / 256 to 0, in sums and products alone.

    The Taylor sum to the seventh power, squared eight times: the compiler makes it SIMD, which
    it cannot with a call of the library.
    """
    e = 1.0 + y * (
        1.0
        + y
        * (
            1.0 / 2
            + y * (1.0 / 6 + y * (1.0 / 24 + y * (1.0 / 120 + y * (1.0 / 720 + y / 5040.0))))
        )
    )
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    return e * e


@inner
def logarithms(total, bits, power, log):  # type: ignore[no-untyped-def]
    """Natural logarithms (t,) of numbers >= 1, which are changed; ``bits`` is their memory.

    The power of two is taken off, the rest is a series in (m - sqrt 2) / (m + sqrt 2).
    """
    root = 1.4142135623730951
    for t in range(len(total)):
        power[t] = float((bits[t] >> 52) - 1023)
        bits[t] = (bits[t] & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000
    for t in range(len(total)):
        z = (total[t] - root) / (total[t] + root)
        q = z * z
        series = 1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15 + q * (1.0 / 17 + q / 19.0)))
        series = 1.0 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * series))))
        log[t] = 2.0 * z * series + (power[t] + 0.5) * 0.6931471805599453

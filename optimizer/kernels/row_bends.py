"""Bends of pools added up as bends of rows, each of which counts a part of one pool.

Letters: t = periods, p = pools, i and j = rows.
"""

from __future__ import annotations

from optimizer.kernels.jit import kernel


@kernel
def row_bends(pool, counts, bend, total):  # type: ignore[no-untyped-def]
    """Add ``counts[i] counts[j] bend[t, pool[i], pool[j]]`` to ``total[t, i, j]``.

    Parameters
    ----------
    pool : (i,) pool of each row.
    counts : (i,) part of its load that counts in the row.
    bend : (t, p, p) of the pools.
    total : (t, i, i) of the rows; changed.
    """
    for t in range(bend.shape[0]):
        for i in range(len(pool)):
            if counts[i] == 0.0:
                continue
            line, mine = bend[t, pool[i]], total[t, i]
            for j in range(len(pool)):
                mine[j] += counts[i] * counts[j] * line[pool[j]]

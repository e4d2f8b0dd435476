"""Burstiness: variance over mean of the number of requests in short spans."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_SPANS = 10
"""Spans, and requests, below which the estimate says nothing."""


def burstiness(counts: NDArray[np.int64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Index of dispersion of counts, with the trend of the periods' means removed.

    With n[p, i] requests in span i of period p, k[p] spans of it that the trace covers and their
    mean m[p], the pooled estimate is

        sum_p k[p] s2[p] / sum_p k[p] m[p],   s2[p] = sum_i (n[p, i] - m[p])^2 / (k[p] - 1)

    over the periods with k[p] >= 2. For a Poisson process whose rate changes from one period to
    the next, and not within it, both sums have the same expectation, so that the estimate tends
    to 1; a trend within a period counts as burstiness. Index of dispersion of counts: D. R. Cox,
    P. A. W. Lewis, "The Statistical Analysis of Series of Events", 1966, chapter 4; for traffic:
    R. Gusella, "Characterizing the variability of arrival processes with indexes of dispersion",
    IEEE Journal on Selected Areas in Communications 9(2), 1991.

    Parameters
    ----------
    counts : (W, T, k) requests in each span of each period.
    seen : (T, k) spans that lie wholly between the first and the last request of the trace.

    Returns
    -------
    (W,) the index; NaN with fewer than :data:`LEAST_SPANS` spans, or so few requests in them.
    """
    spans = seen.sum(axis=1)
    used = np.flatnonzero(spans >= 2)
    found = np.full(len(counts), np.nan)
    if spans[used].sum() < LEAST_SPANS:
        return found
    for row, table in enumerate(counts):  # a workload at a time: the table may be large
        numbers = np.where(seen[used], table[used], 0).astype(np.float64)
        mean = numbers.sum(axis=1) / spans[used]
        apart = np.where(seen[used], numbers - mean[:, None], 0.0)
        variance = (apart**2).sum(axis=1) / (spans[used] - 1)
        requests = numbers.sum()
        if requests >= LEAST_SPANS:
            found[row] = (spans[used] * variance).sum() / requests
    return found

"""A sample of a model's workloads that stands in for all of them while replicas are chosen.

What whole numbers cost beyond the relaxed plan depends on how many tokens are near a change of
mind, which is a matter of the crowd. The largest workloads are kept; of the others some are drawn,
the larger the more likely, and stand for as much demand as their chance was small (W. G. Madow,
"On the theory of systematic sampling, II", Annals of Mathematical Statistics 20, 1949). Loads at
the relaxed prices are a little off then; so lanes are given what they hold beyond the relaxed
load of all, on top of the relaxed load of the sample.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.market import Market

Float = NDArray[np.float64]

SEED = 20260507
MOST = 500
"""Workloads of a model above which a sample is drawn, which then has about as many."""


def sampled(part: Market, most: int = MOST) -> Market:
    """A market of few workloads whose demand adds up to about that of all.

    Parameters
    ----------
    part : workloads of one model; of all, its chips are kept.
    """
    count = part.num_workloads
    if count <= 2 * most:
        return part
    routes = np.maximum(np.diff(part.first), 1)
    hours = np.add.reduceat(np.append(part.hours, 0.0), part.first[:-1]) / routes
    size = np.where(np.diff(part.first) > 0, hours, 0.0) * part.demand.sum(axis=1)
    if not size.any():
        return part
    chance = _chances(size, most)
    # Systematic: one in each step of the running sum, in a random order.
    rng = np.random.default_rng(SEED)
    order = rng.permutation(count)
    running = np.cumsum(chance[order]) + rng.random()
    taken = np.floor(running) > np.floor(running - chance[order])
    kept = np.sort(order[taken])
    few = part.sample(kept)
    weight = 1.0 / chance[kept]
    return replace(few, demand=few.demand * weight[:, None], capacity=part.capacity)


def _chances(size: Float, most: int) -> Float:
    """(W,) chance of each to be drawn, in proportion to its size, never above 1."""
    sure = np.zeros(len(size), np.bool_)
    while True:
        rest = np.where(sure, 0.0, size)
        left = most - int(sure.sum())
        total = float(rest.sum())
        chance = np.where(sure, 1.0, rest / total * left if total > 0 else 0.0)
        if left <= 0 or not bool((chance > 1.0).any()):
            return np.minimum(chance, 1.0)
        sure |= chance >= 1.0

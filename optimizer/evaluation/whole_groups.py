"""Whole replicas among groups of workloads that a plan keeps apart.

Cells are models on pools in periods; a cell whose number of replicas is 0 holds chips by the part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

HALVINGS = 60
"""Of the load of the fullest group, until it is the least that can be."""
SPECK = 1e-12
"""Part of a replica by which one more than a whole number is that number."""


def separable(lane: Int, number: Int, cell: Int, running: Float) -> Bool:
    """(N,) whether each class can be in the group that the plan names.

    In a cell of whole replicas every group needs one at least. Where there are fewer replicas than
    groups, nobody there is kept apart.

    Parameters
    ----------
    lane, number, cell : (N,) who may share with whom, group within, and where and when.
    running : (cells,) whole replicas.
    """
    split = _split(number, cell, running)
    fine = np.ones(len(lane), np.bool_)
    rows = np.flatnonzero(split[cell])
    if len(rows):
        groups = np.unique(np.stack([cell[rows], lane[rows], number[rows]]), axis=1)
        several = np.bincount(groups[0], minlength=len(running))
        fine[rows] = (several <= running)[cell[rows]]
    return fine


def whole_numbers(number: Int, cell: Int, filled: Float, running: Float) -> Float:
    """(G,) replicas of each group.

    Those that its chip-hours fill; in a cell of whole replicas its part of them. Where such a
    cell is split, every group has a whole number, one at least, so that the fullest are as little
    full as can be (the method of highest averages).

    Parameters
    ----------
    number, cell : (G,) group in the plan, 0 for none, and where and when.
    filled : (G,) replicas that the chip-hours of each group fill.
    running : (cells,) whole replicas.
    """
    whole = running[cell] > 0
    sums = np.bincount(cell, filled, minlength=len(running))
    replicas = np.where(whole, running[cell] * filled / sums[cell], filled)
    rows = np.flatnonzero(_split(number, cell, running)[cell])
    if len(rows):
        places, at = np.unique(cell[rows], return_inverse=True)
        replicas[rows] = _highest_averages(at, filled[rows], running[places])
    return replicas


def _split(number: Int, cell: Int, running: Float) -> Bool:
    """(cells,) whether whole replicas are given to groups there."""
    split = np.zeros(len(running), np.bool_)
    split[cell[number > 0]] = True
    return split & (running > 0)


def _highest_averages(cell: Int, filled: Float, running: Float) -> Float:
    """(g,) whole replicas, at least one each: no more than run, the fullest as empty as can be."""

    def needed(load: Float) -> Float:
        return np.maximum(np.ceil(filled / load[cell] * (1.0 - SPECK)), 1.0)

    low, high = np.zeros(len(running)), np.zeros(len(running))
    np.maximum.at(high, cell, filled)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        fits = np.bincount(cell, needed(middle)) <= running
        low, high = np.where(fits, low, middle), np.where(fits, middle, high)
    count = needed(high)
    # Groups equally full are halved in on at once: those left over go to the fullest.
    order = np.lexsort((-filled / count, cell))
    rank = np.arange(len(cell)) - np.searchsorted(cell[order], cell[order])
    left = running - np.bincount(cell, count)
    count[order] += rank < left[cell[order]]
    return count

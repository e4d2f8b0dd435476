"""One damped Newton system of the coupled ascent, and its solution.

With the bends B of what workloads take within each period the system is ``R B R'`` with a little
on its diagonal: a block for each period, and a border where rows count over the horizon, solved by
its Schur complement. Windows add bends between periods, known only as a product with a vector:
conjugate gradients, preconditioned with the bordered blocks (S. G. Nash, "A survey of
truncated-Newton methods", Journal of Computational and Applied Mathematics 124, 2000).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.ascent import Halt, Level
from optimizer.methods.barrier import Barrier
from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.coupled_sweeps import CoupledSweeps, Landscape

Float = NDArray[np.float64]

INNER = 0.05
"""Part of the slope that conjugate gradients may leave."""
MOST_PRODUCTS = 60
ROUNDING = 1e-12
"""Part of itself by which the diagonal of a system is raised, so that it can be inverted."""


class Newton:
    """One damped Newton system."""

    def __init__(
        self,
        sweeps: CoupledSweeps,
        here: Landscape,
        at: Multipliers,
        slope: Multipliers,
        barrier: Barrier,
        damping: Float,
        width: Float,
        unit: Float,
        level: Level,
    ) -> None:
        self.sweeps, self.here, self.width, self.able = sweeps, here, width, barrier.able
        coupled = sweeps.coupled
        rows, count = coupled.rows, len(at.each)
        self.count, self.slope = count, slope
        self.matrix = np.matmul(np.matmul(rows, here.curvature), rows.transpose(0, 2, 1))
        kept = np.ones(self.matrix.shape[:2], np.bool_)
        kept[:, :count] = self.able.T
        self.matrix *= kept[:, :, None] & kept[:, None, :]
        diagonal = np.einsum("tnn->tn", self.matrix)
        flat = np.einsum("tnd,td->tn", rows**2, _flat(coupled, here, unit, level))
        flat = np.where(flat > 0, flat, 1.0)
        each, whole = flat[:, :count], flat[:, count:].sum(axis=0)
        over, bend = diagonal[:, count:].sum(axis=0), barrier.bend(at, slope)
        self.added = damping[:, None] * (diagonal[:, :count] + 1e-3 * each) + 1e-9 * each
        self.added += bend.each.T
        self.added_whole = damping[0] * (over + 1e-3 * whole) + 1e-9 * whole + bend.whole
        block = self.matrix[:, :count, :count].copy()
        np.einsum("tnn->tn", block)[:] += self.added
        # Brought to a diagonal of 1, with a hair more: rows may say the same twice.
        root = 1.0 / np.sqrt(np.einsum("tnn->tn", block))
        block *= root[:, :, None] * root[:, None, :]
        np.einsum("tnn->tn", block)[:] += ROUNDING
        self.inverse = np.linalg.inv(block) * (root[:, :, None] * root[:, None, :])
        self.border = self.matrix[:, :count, count:]
        self.carried = np.matmul(self.inverse, self.border)
        corner = self.matrix[:, count:, count:].sum(axis=0) + np.diag(self.added_whole)
        corner -= np.einsum("tnj,tnk->jk", self.border, self.carried)
        self.corner = corner

    def step(self, halt: Halt) -> Multipliers:
        """The step, exact where periods are not coupled by windows."""
        if not self.sweeps.coupled.waits:
            return self._solved(self.slope)
        return self._conjugate_gradients(self.slope, halt)

    def _solved(self, right: Multipliers) -> Multipliers:
        """Answer of the bordered blocks."""
        each = np.matmul(self.inverse, right.each.T[:, :, None])[:, :, 0]
        if len(right.whole) == 0:
            return Multipliers(each.T, right.whole)
        rest = right.whole - np.einsum("tnj,tn->j", self.border, each)
        whole = np.linalg.lstsq(self.corner, rest, rcond=1e-14)[0]
        each = each - np.einsum("tnj,j->tn", self.carried, whole)
        return Multipliers(each.T, whole)

    def _applied(self, vector: Multipliers) -> Multipliers:
        """The system times a vector."""
        coupled, periods = self.sweeps.coupled, len(self.matrix)
        stacked = np.concatenate(
            [vector.each.T, np.broadcast_to(vector.whole, (periods, len(vector.whole)))], axis=1
        )
        found = np.matmul(self.matrix, stacked[:, :, None])[:, :, 0]
        between = self.sweeps.product(self.here, coupled.change(vector), self.width)
        extra = coupled.taken(between)
        each = found[:, : self.count].T + np.where(self.able, extra.each, 0.0)
        each += self.added.T * vector.each
        whole = found[:, self.count :].sum(axis=0) + extra.whole + self.added_whole * vector.whole
        return Multipliers(each, whole)

    def _conjugate_gradients(self, right: Multipliers, halt: Halt) -> Multipliers:
        answer = Multipliers(np.zeros(right.each.shape), np.zeros(right.whole.shape))
        left, close = right, self._solved(right)
        way, measure = close, _dot(left, close)
        goal = INNER**2 * measure
        for _ in range(MOST_PRODUCTS):
            turned = self._applied(way)
            bent = _dot(way, turned)
            if not bent > 0:
                break
            length = measure / bent
            answer, left = _plus(answer, way, length), _plus(left, turned, -length)
            close = self._solved(left)
            new = _dot(left, close)
            if new <= goal or halt():
                break
            way, measure = _plus(close, way, new / measure), new
        return answer


def _dot(one: Multipliers, other: Multipliers) -> float:
    return float((one.each * other.each).sum() + one.whole @ other.whole)


def _plus(one: Multipliers, other: Multipliers, times: float) -> Multipliers:
    return Multipliers(one.each + times * other.each, one.whole + times * other.whole)


def _flat(coupled: CoupledMarket, here: Landscape, unit: Float, level: Level) -> Float:
    """(T, D) bends that mean nothing: what is taken, per typical price and temperature."""
    amount = np.abs(here.load)
    amount[: len(coupled.market.capacity)] += coupled.market.capacity
    return np.ascontiguousarray((amount / (unit[:, None] * max(level.temperature, 1e-12))).T)

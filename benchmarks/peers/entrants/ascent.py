"""Accelerated dual ascent as DuaLip does it: a ridge, blocks that project, prices that climb.

K. Basu, A. Ghoting, R. Mazumder and Y. Pan, "ECLIPSE: an extreme-scale linear program solver for
web-applications", ICML 2020; R. Ramanath et al., "Efficient algorithms for global inference in
internet marketplaces", arXiv 2103.05277; G. Dexter et al., "DuaLip-GPU technical report",
arXiv 2603.04621. Written from these papers, for a processor:

* the program gets a ridge gamma / 2 |z|^2, which makes its dual in the prices of the pools'
  limits smooth; a workload's answer to prices is a projection onto a simplex;
* primal scaling (a workload's need in chip-hours is its unit) and Jacobi scaling of the limits;
* Nesterov's accelerated gradient ascent, its step the inverse of the largest local Lipschitz
  constant seen over the last iterations;
* continuation: gamma is lowered in steps.

The answer is the primal at the last prices. It keeps each workload's demand and comes near to
the pools' limits, no more.
"""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.transport import Float, Int, Transport, sums

HISTORY = 15
"""Iterations over which the local Lipschitz constant is looked at."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """The scaled program. Axes: b blocks, r routes, p limits.

    Attributes
    ----------
    first, pool : (b + 1,), (r,) as in the problem.
    cost : (r,) saved against giving up, as a negative number, per unit.
    use : (r,) of the limit per unit.
    most : (b,) units that make the whole demand.
    limit : (p,) right-hand sides.
    unit_usd : USD that a cost of 1 per unit stands for.
    row : (p,) what a limit was divided by.
    """

    first: Int
    pool: Int
    cost: Float
    use: Float
    most: Float
    limit: Float
    unit_usd: float
    row: Float

    @classmethod
    def of(cls, flat: Transport) -> Scaled:
        """Scale: a block's unit is the root mean square of its chip-hours, a limit's its norm."""
        blocks, counts = flat.workload, np.maximum(np.diff(flat.first), 1)
        squares = sums(blocks, flat.hours**2, flat.num_workloads)
        mean = np.sqrt(squares / counts)
        mean[mean == 0] = 1.0
        use = flat.hours / mean[blocks]
        row = np.sqrt(sums(flat.pool, use**2, flat.num_pools))
        row[row == 0] = 1.0
        saved = (flat.cost[:, 0] - flat.ceiling[blocks]) / mean[blocks]
        unit = float(np.abs(saved).mean()) or 1.0
        return cls(
            first=flat.first,
            pool=flat.pool,
            cost=saved / unit,
            use=use / row[flat.pool],
            most=flat.demand[:, 0] * mean,
            limit=flat.capacity[:, 0] / row,
            unit_usd=unit,
            row=row,
        )


class Dual:
    """The smoothed dual: value, gradient and primal at prices; blocks are shared by threads."""

    def __init__(self, scaled: Scaled, threads: int) -> None:
        from benchmarks.peers.entrants.blockwise import answer_to_prices

        self.scaled, self.kernel = scaled, answer_to_prices
        blocks = len(scaled.most)
        self.ends = np.linspace(0, blocks, max(1, min(threads, blocks)) + 1).astype(np.int64)
        self.amount = np.zeros(len(scaled.pool))
        self.pool = ThreadPoolExecutor(len(self.ends) - 1)

    def at(self, price: Float, gamma: float) -> tuple[float, Float]:
        """Value and gradient; ``amount`` is the primal afterwards."""
        loads = np.zeros((len(self.ends) - 1, len(price)))
        given = self.scaled

        def some(i: int) -> tuple[float, float]:
            found: tuple[float, float] = self.kernel(
                given.first, given.pool, given.cost, given.use, given.most, price, gamma,
                self.ends[i], self.ends[i + 1], loads[i], self.amount,
            )  # fmt: skip
            return found

        sums = np.array(list(self.pool.map(some, range(len(loads)))))
        gradient = loads.sum(axis=0) - given.limit
        linear, square = sums.sum(axis=0)
        return float(linear + gamma / 2 * square + price @ gradient), gradient


def run(given: Transport, options: dict[str, Any], clock: Clock) -> Answer:
    """Climb; ``options``: iterations, gamma_first, gamma_last, levels, threads."""
    with clock.phase("build"):
        flat = given.flat()
        scaled = Scaled.of(flat)
        dual = Dual(scaled, int(options.get("threads", 1)))
    with clock.phase("solve"):
        unit = float(scaled.most.mean()) or 1.0
        gammas = np.geomspace(
            float(options["gamma_first"]), float(options["gamma_last"]), int(options["levels"])
        )
        price, steps = np.zeros(len(scaled.limit)), int(options["iterations"]) // len(gammas)
        for gamma in gammas:
            price = climbed(dual, price, gamma / unit, steps)
        _, gradient = dual.at(price, float(gammas[-1]) / unit)
    with clock.phase("extract"):
        share = dual.amount / np.repeat(np.where(scaled.most > 0, scaled.most, 1.0), _counts(flat))
        mtok = share * np.repeat(flat.demand[:, 0], _counts(flat))
        placed = mtok.reshape(given.num_periods, -1).T
        served = sums(flat.workload, mtok, flat.num_workloads)
        given_up = (flat.demand[:, 0] - served).reshape(given.num_periods, -1).T
        usd = price * scaled.unit_usd / scaled.row
        prices = usd.reshape(given.num_periods, -1).T
    excess = float(np.max(gradient / scaled.limit, initial=0.0))
    claim = f"{options['iterations']} iterations"
    notes = {"iterations": int(options["iterations"]), "relative excess": excess}
    return Answer(claim, placed, given_up, prices, notes)


def climbed(dual: Dual, start: Float, gamma: float, steps: int) -> Float:
    """Prices after so many accelerated steps at one gamma."""
    seen: deque[float] = deque(maxlen=HISTORY)
    kept, point, momentum = start, start, 1.0
    before: tuple[Float, Float] | None = None
    for _ in range(steps):
        _, gradient = dual.at(point, gamma)
        if before is not None:
            moved = float(np.linalg.norm(point - before[0]))
            if moved > 0:
                seen.append(float(np.linalg.norm(gradient - before[1])) / moved)
        before = point, gradient
        # Rows have norm 1, so the constant is never above the number of them over gamma.
        steepest = max(seen, default=0.0) or len(point) / gamma
        raised = np.maximum(point + gradient / steepest, 0.0)
        following = (1.0 + math.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        point = np.maximum(raised + (momentum - 1.0) / following * (raised - kept), 0.0)
        kept, momentum = raised, following
    return kept


def _counts(flat: Transport) -> Int:
    return np.diff(flat.first)

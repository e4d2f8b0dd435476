"""The joint finish: column generation over the whole program, started at the answer.

Where limits or windows couple periods and the program is small enough to be stated whole, it is
stated as the direct method states it, but solved with few of its placements: those that come
near the best at the prices of the ascent. All placements are priced at its duals and those that
gain are added, until none does: then the answer is the optimum of the whole program (G. B. Dantzig
and P. Wolfe, "Decomposition principle for linear programs", Operations Research 8, 1960).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.model.model import Model
from optimizer.program import Program
from optimizer.solvers.base import Outcome, Reason
from optimizer.solvers.blocks import join, split
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, Workers

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

SLACK = 1e-3
"""Part of its scale by which a way may miss the best and be among the first placements."""
GAIN = 1e-9
"""Part of the costs of a placement that it must gain to be added."""
MOST_ROUNDS = 100


@dataclass(eq=False)
class JointGeneration:
    """The program with some of its placements, and what was found.

    Attributes
    ----------
    model : the whole program.
    inside : (n,) columns that take part: all that are no placements, and some that are.
    outcome : the last solution in terms of the whole program, None before the first.
    """

    model: Model
    inside: Bool
    outcome: Outcome | None = None
    _matrix: csr_array = field(init=False)
    _placements: Bool = field(init=False)

    def __post_init__(self) -> None:
        program = self.model.program
        shape = (program.num_rows, program.num_columns)
        self._matrix = csr_array((program.values, program.columns, program.starts), shape=shape)
        self._placements = np.zeros(program.num_columns, np.bool_)
        self._placements[self.model.columns.place] = True

    @classmethod
    def at(cls, model: Model, coupled: CoupledMarket, prices: Multipliers) -> JointGeneration:
        """Start with the placements that are near the best at prices."""
        inside = np.ones(model.program.num_columns, np.bool_)
        columns, market = model.columns, coupled.market
        near = near_cells(coupled, prices)
        route = np.searchsorted(market.route, columns.route)
        known = route < len(market.route)
        route = np.where(known, route, 0)
        known &= market.route[route] == columns.route
        inside[columns.place] = known & near[route, columns.period]
        return cls(model, inside)

    def solve(
        self, workers: Workers, seconds: Callable[[], float | None], halt: Callable[[], bool]
    ) -> Reason:
        """Solve, price, add, until nothing gains; why it ended."""
        for _ in range(MOST_ROUNDS):
            if halt():
                return Reason.TIME_LIMIT
            found = self._solved(workers, seconds())
            if found.reason is not Reason.OPTIMAL:
                if bool(self.inside.all()) or found.reason in _LIMITS:
                    return found.reason
                # Few placements may keep no plan that all of them allow.
                self.inside[:] = True
                continue
            self.outcome = found
            if not self._add(found):
                return Reason.OPTIMAL
        return Reason.TIME_LIMIT

    def _solved(self, workers: Workers, seconds: float | None) -> Outcome:
        program, columns = self._few()
        parts = split(program)
        solver = Glop()
        outcomes = workers.run([Job(solver, part.program) for part in parts], seconds)
        found = join(program, parts, outcomes)
        if found.values is None:
            return found
        values = np.array(self.model.program.lower)
        values[columns] = found.values
        return Outcome(found.reason, values, found.duals, detail=found.detail)

    def _few(self) -> tuple[Program, NDArray[np.int64]]:
        """The program with the columns that take part."""
        whole, columns = self.model.program, np.flatnonzero(self.inside)
        matrix = csr_array(self._matrix[:, columns])
        program = Program(
            whole.cost[columns],
            whole.lower[columns],
            whole.upper[columns],
            whole.row_lower,
            whole.row_upper,
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
            matrix.data,
        )
        return program, columns

    def _add(self, found: Outcome) -> bool:
        """Add placements that gain at the duals; whether there were any."""
        assert found.duals is not None
        cost = self.model.program.cost
        taken = self._matrix.T @ np.nan_to_num(found.duals)
        size = np.abs(cost) + abs(self._matrix).T @ np.abs(np.nan_to_num(found.duals))
        gains = (cost - taken < -GAIN * size) & self._placements & ~self.inside
        self.inside |= gains
        return bool(gains.any())


_LIMITS = (Reason.TIME_LIMIT, Reason.INTERRUPTED)


def near_cells(coupled: CoupledMarket, prices: Multipliers, slack: float = SLACK) -> Bool:
    """(r, T) ways within a slack of the best that some token of their period could take."""
    market = coupled.market
    price = coupled.prices(prices)
    cost = np.array(np.broadcast_to(market.usd[:, None], (len(market.usd), market.num_periods)))
    for amount, usd in zip(coupled.takes, price, strict=True):
        cost += amount[:, None] * usd[market.pool]
    cost[np.arange(market.num_periods) < market.opens[:, None]] = np.inf
    owner = np.repeat(np.arange(market.num_workloads), np.diff(market.first))
    best = np.array(np.broadcast_to(market.ceiling[:, None], market.demand.shape))
    np.minimum.at(best, owner, cost)
    worst = np.array(best)
    for workload in np.flatnonzero(coupled.deadline > 0).tolist():
        span = int(coupled.deadline[workload]) + 1
        worst[workload] = _most(_least(best[workload], span), span)
    edge = worst + slack * market.scale[:, None]
    return np.asarray(cost <= edge[owner])


def _least(values: Float, span: int) -> Float:
    """(T,) least of each value and those that follow it, ``span`` together."""
    padded = np.concatenate([values, np.full(span - 1, np.inf)])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, span).min(axis=1))


def _most(values: Float, span: int) -> Float:
    """(T,) largest of each value and those before it, ``span`` together."""
    padded = np.concatenate([np.full(span - 1, -np.inf), values])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, span).max(axis=1))

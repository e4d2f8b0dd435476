"""The linear program as a user states it: Mtok, chip-hours and USD, in one sparse matrix.

Columns: Mtok placed of each route and period, then Mtok given up of each workload and period.
Rows: what arrives is placed or given up, then what each pool holds in each period. NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.transport import Float, Int, Transport


@dataclass(frozen=True, eq=False)
class Statement:
    """Minimise ``cost @ x`` over x >= 0 with ``row_lower <= A x <= row_upper``.

    Attributes
    ----------
    cost : (n,) USD per Mtok.
    row_lower, row_upper : (m,) Mtok, then chip-hours.
    starts : (n + 1,) where each column begins in ``rows`` and ``values``.
    rows, values : entries of A, column by column, rows rising.
    shape : axes R, W, P, T.
    """

    cost: Float
    row_lower: Float
    row_upper: Float
    starts: NDArray[np.int32]
    rows: NDArray[np.int32]
    values: Float
    shape: tuple[int, int, int, int]

    @classmethod
    def of(cls, given: Transport) -> Statement:
        """State it; whole arrays at once."""
        workloads, pools, periods = given.num_workloads, given.num_pools, given.num_periods
        routes, period = given.num_routes, np.arange(periods)
        placed, refused = routes * periods, workloads * periods
        balance = given.workload[:, None] * periods + period
        limit = refused + given.pool[:, None] * periods + period
        pairs = np.stack([balance.ravel(), limit.ravel()], axis=1)
        hours = np.repeat(given.hours, periods)
        entries = np.stack([np.ones(placed), hours], axis=1)
        starts = np.concatenate([2 * np.arange(placed), 2 * placed + np.arange(refused + 1)])
        return cls(
            cost=np.concatenate([given.cost.ravel(), np.repeat(given.ceiling, periods)]),
            row_lower=np.concatenate([given.demand.ravel(), np.full(pools * periods, -np.inf)]),
            row_upper=np.concatenate([given.demand.ravel(), given.capacity.ravel()]),
            starts=starts.astype(np.int32),
            rows=np.concatenate([pairs.ravel(), np.arange(refused)]).astype(np.int32),
            values=np.concatenate([entries.ravel(), np.ones(refused)]),
            shape=(routes, workloads, pools, periods),
        )

    @property
    def num_columns(self) -> int:
        """Columns."""
        return len(self.cost)

    @property
    def num_rows(self) -> int:
        """Rows."""
        return len(self.row_lower)

    def by_rows(self) -> tuple[Int, NDArray[np.int32], Float]:
        """The matrix row by row: where rows begin, columns, values."""
        order = np.argsort(self.rows, kind="stable")
        columns = np.repeat(np.arange(self.num_columns, dtype=np.int32), np.diff(self.starts))
        counts = np.bincount(self.rows, minlength=self.num_rows)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return starts, columns[order], self.values[order]

    def amounts(self, values: Float) -> tuple[Float, Float]:
        """(R, T) placed and (W, T) given up of column values."""
        routes, workloads, _, periods = self.shape
        placed = values[: routes * periods].reshape(routes, periods)
        return placed, values[routes * periods :].reshape(workloads, periods)

    def prices(self, duals: Float) -> Float:
        """(P, T) USD saved per chip-hour more, of row duals (change of cost per unit more)."""
        _, workloads, pools, periods = self.shape
        return np.asarray(-duals[workloads * periods :].reshape(pools, periods))

"""The problem as every peer gets it: arrays in memory, and a file to carry them in.

Workloads are served over routes, each on one pool, or given up; pools have limits in each period.
Nothing else is in the instances of this comparison. NumPy is all that this file needs, so that
it loads in the environment of any peer.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def sums(place: Int, amount: Float, size: int) -> Float:
    """(size,) sums of amounts by place."""
    return np.asarray(np.bincount(place, amount, size), np.float64)


@dataclass(frozen=True, eq=False)
class Transport:
    """Axes: W workloads, P pools, T periods, R routes sorted by workload.

    Attributes
    ----------
    first : (W + 1,) where each workload's routes begin.
    pool : (R,) where a route leads.
    usd : (R,) USD per Mtok of the route itself.
    hours : (R,) chip-hours per Mtok, > 0.
    ceiling : (W,) USD per Mtok given up.
    demand : (W, T) Mtok.
    capacity : (P, T) chip-hours.
    used_usd : (P, T) USD per chip-hour used; 0 for chips that are paid for anyway.
    """

    first: Int
    pool: Int
    usd: Float
    hours: Float
    ceiling: Float
    demand: Float
    capacity: Float
    used_usd: Float

    @property
    def num_workloads(self) -> int:
        """Length of axis W."""
        return len(self.ceiling)

    @property
    def num_pools(self) -> int:
        """Length of axis P."""
        return len(self.capacity)

    @property
    def num_periods(self) -> int:
        """Length of axis T."""
        return int(self.demand.shape[1])

    @property
    def num_routes(self) -> int:
        """Length of axis R."""
        return len(self.pool)

    @property
    def workload(self) -> Int:
        """(R,) whose route it is."""
        return np.repeat(np.arange(self.num_workloads), np.diff(self.first))

    @property
    def cost(self) -> Float:
        """(R, T) USD per Mtok placed."""
        return np.asarray(self.usd[:, None] + self.hours[:, None] * self.used_usd[self.pool])

    def period(self, t: int) -> Transport:
        """One period alone; T is 1."""
        return replace(
            self,
            demand=self.demand[:, t : t + 1],
            capacity=self.capacity[:, t : t + 1],
            used_usd=self.used_usd[:, t : t + 1],
        )

    def part(self, workloads: Int, capacity: Float) -> Transport:
        """Some workloads, in the order given, and the chip-hours that they may use."""
        counts = np.diff(self.first)[workloads]
        first = np.concatenate([[0], np.cumsum(counts)])
        routes = self.routes_of(workloads)
        return replace(
            self,
            first=first,
            pool=self.pool[routes],
            usd=self.usd[routes],
            hours=self.hours[routes],
            ceiling=self.ceiling[workloads],
            demand=self.demand[workloads],
            capacity=capacity,
        )

    def flat(self) -> Transport:
        """The same with a workload and a pool for each period, period after period; T is 1."""
        periods = self.num_periods
        counts = np.tile(np.diff(self.first), periods)
        offsets = np.repeat(np.arange(periods) * self.num_pools, self.num_routes)
        used = np.tile(self.pool, periods) + offsets
        return replace(
            self,
            first=np.concatenate([[0], np.cumsum(counts)]),
            pool=used,
            usd=np.tile(self.usd, periods),
            hours=np.tile(self.hours, periods),
            ceiling=np.tile(self.ceiling, periods),
            demand=self.demand.T.reshape(-1, 1),
            capacity=self.capacity.T.reshape(-1, 1),
            used_usd=self.used_usd.T.reshape(-1, 1),
        )

    def routes_of(self, workloads: Int) -> Int:
        """Routes of some workloads, workload after workload."""
        counts = np.diff(self.first)[workloads]
        first = np.concatenate([[0], np.cumsum(counts)])
        return np.asarray(
            np.arange(first[-1]) + np.repeat(self.first[workloads] - first[:-1], counts)
        )

    def save(self, path: Path) -> None:
        """Write the arrays."""
        np.savez(path, **{entry.name: getattr(self, entry.name) for entry in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Transport:
        """Read what :meth:`save` wrote."""
        with np.load(path) as file:
            return cls(**{entry.name: file[entry.name] for entry in fields(cls)})

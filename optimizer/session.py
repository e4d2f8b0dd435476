"""A session: one instance that changes, solved again from the prices it had.

A planner asks many questions of one problem: more demand here, a dearer pool there, fewer chips
next week. Prices of what is short move little with each, so the search starts from the last ones
instead of from nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer import promises
from optimizer.errors import UsageError
from optimizer.evaluation.relaxation import as_used_usd
from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Memory, Method
from optimizer.methods.price import Price
from optimizer.methods.registry import method_named
from optimizer.prices import Prices, shapes_of
from optimizer.progress import Progress
from optimizer.result import Result

__all__ = ["Session", "open_session"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Kept:
    """How much slower than derived routes had to be for promises to be kept.

    Attributes
    ----------
    of : the instance that was solved.
    slower : (R,) factors on its chip-hours per Mtok.
    rounds : rounds of tightening behind them.
    """

    of: Instance
    slower: Float
    rounds: int

    def added_to(self, result: Result) -> Result:
        """A result for the routes that were slower from the beginning, seen from those derived."""
        more = 1.0 if result.slower is None else result.slower
        rounds = self.rounds + result.tightening_rounds
        return dataclasses.replace(result, slower=self.slower * more, tightening_rounds=rounds)


@dataclass(frozen=True, eq=False)
class _GoingOn:
    """The price method, every search of which starts where the last one ended.

    Attributes
    ----------
    method : with the parameters asked for.
    search : what looks up where that was.
    """

    method: Price
    search: Callable[[Price, Instance, Limits, Progress], Found]

    @property
    def name(self) -> str:
        """Name on the command line."""
        return self.method.name

    def __call__(self, instance: Instance, limits: Limits, progress: Progress) -> Found:
        """Look for a plan within the limits."""
        return self.search(self.method, instance, limits, progress)


class Session:
    """An instance, and the prices of its last solution.

    Attributes
    ----------
    instance : the problem as it stands.
    result : the last result, None before the first.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.result: Result | None = None
        self._memory = Memory()
        self._before = instance
        self._kept: _Kept | None = None

    def change(
        self,
        *,
        demand_mtok: ArrayLike | None = None,
        capacity_chips: ArrayLike | None = None,
        usd_per_chip_hour: Mapping[str, float | ArrayLike] | None = None,
    ) -> Instance:
        """Change the problem; gives it as it stands then.

        Parameters
        ----------
        demand_mtok : (W, T) Mtok arriving.
        capacity_chips : (P, T) chips that can be used.
        usd_per_chip_hour : price for the whole horizon, or (T,) prices, by name of the pool.

        Raises
        ------
        InputError
            When the new numbers break a rule of instances; the problem stays as it was.
        UsageError
            When a matrix, or prices of a pool, have another shape.
        """
        changed: dict[str, Any] = {}
        for name, given in (("demand_mtok", demand_mtok), ("capacity_chips", capacity_chips)):
            if given is None:
                continue
            matrix, shape = np.array(given, np.float64), getattr(self.instance, name).shape
            if matrix.shape != shape:
                raise UsageError(f"{name}: expected {shape} numbers, got {matrix.shape}")
            changed[name] = matrix
        instance = self.instance
        if changed:
            instance = dataclasses.replace(instance, **changed)
        if usd_per_chip_hour:
            instance = instance.with_prices(usd_per_chip_hour)
        self.instance = instance
        return instance

    def solve(
        self,
        *,
        method: str | Method = "auto",
        solver: str = "auto",
        limits: Limits | None = None,
        progress: Progress | None = None,
        keep_promises: bool = True,
    ) -> Result:
        """Find the cheapest verified plan whose latency keeps its promises.

        It takes and gives what :func:`optimizer.solve` does. The price method starts from the
        prices of the last search; other methods start as they always do. The plan is judged and
        its gap proved like any other: prices to start from decide how long the search takes, not
        what it may claim.

        Routes are tightened from those derived, round by round, as without a session: which ones
        have to be slower depends on who shares their replicas, and factors of another problem
        would hold a plan where they fit, dearer than it need be. Only where nothing changed since
        the last plan do they hold from the beginning.
        """
        chosen = method_named(method, solver, self.instance) if isinstance(method, str) else method
        if isinstance(chosen, Price):
            chosen = _GoingOn(chosen, self._from_last)
        last = self._kept if keep_promises else None
        same = last if last is not None and last.of is self.instance else None
        result = promises.solve(
            self.instance if same is None else promises.slowed(self.instance, same.slower),
            method=chosen,
            solver=solver,
            limits=limits,
            progress=progress,
            keep_promises=keep_promises,
        )
        if same is not None:
            result = same.added_to(result)
        if keep_promises and result.slower is not None:
            self._kept = _Kept(self.instance, result.slower, result.tightening_rounds)
        self.result = result
        return result

    def _from_last(
        self, method: Price, instance: Instance, limits: Limits, progress: Progress
    ) -> Found:
        """One search, from where the one before it ended."""
        start = self._start(instance)
        started = dataclasses.replace(method, start=start, memory=self._memory)
        found = started(instance, limits, progress)
        self._before = instance
        return found

    def _start(self, instance: Instance) -> Prices | None:
        """The last prices, on what chips cost now; None when there are none that fit."""
        prices, before = self._memory.prices, self._before
        if prices is None or shapes_of(before) != shapes_of(instance):
            return None
        # What workloads see is the price in use and the limit's together: that is kept.
        seen = prices.capacity_usd_per_chip_hour + as_used_usd(before)
        kept = np.maximum(seen - as_used_usd(instance), 0.0)
        return dataclasses.replace(prices, capacity_usd_per_chip_hour=kept)


def open_session(instance: Instance) -> Session:
    """Begin a session with an instance: ``optimizer.open(instance)``."""
    return Session(instance)

"""The border between a program and a solver: capabilities, outcomes, starting points."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.program import AT_LOWER, AT_UPPER, BASIC, Basis, Program

Float = NDArray[np.float64]

__all__ = [
    "AT_LOWER",
    "AT_UPPER",
    "BASIC",
    "Basis",
    "Capabilities",
    "Float",
    "News",
    "Outcome",
    "Reason",
    "Solver",
    "Tell",
]


class Reason(enum.Enum):
    """Why a solver stopped, in its own claim; nothing here is believed unchecked."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    FAILED = "failed"


@dataclass(frozen=True)
class Capabilities:
    """What a solver can do, as data that the conformance tests read.

    Attributes
    ----------
    duals : gives duals of the rows.
    exact : ends at a vertex, within simplex tolerances, and not at a norm.
    integers : takes integer columns.
    basis : takes a basis to start from and gives one back.
    hints : starts from the column values of a plan, where there are integer columns.
    news : tells of plans and bounds while it solves a program with integer columns.
    real_columns : takes columns that are not integers.
    """

    duals: bool
    exact: bool
    integers: bool
    basis: bool
    hints: bool = False
    news: bool = False
    real_columns: bool = True


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a solver said.

    Attributes
    ----------
    reason : why it stopped.
    values : (n,) column values, None when it has none.
    duals : (m,) row duals, as change of the least cost per unit of right-hand side.
    basis : basis at the end, None when the solver has none.
    detail : its own words.
    seconds : time it took, loading included.
    iterations : how many, 0 when unknown.
    bound : proved lower bound on the cost, constant left out, as the solver claims it.
    nodes : nodes of the search tree, 0 when there was none or their number is unknown.
    """

    reason: Reason
    values: Float | None = None
    duals: Float | None = None
    basis: Basis | None = None
    detail: str = ""
    seconds: float = 0.0
    iterations: int = 0
    bound: float = float("-inf")
    nodes: int = 0


@dataclass(frozen=True, eq=False)
class News:
    """What a solver knows while it works, as it claims it.

    Attributes
    ----------
    values : (n,) column values of the best plan so far, None when this is no news of one.
    bound : proved lower bound on the cost, constant left out.
    nodes : nodes of the search tree so far.
    """

    values: Float | None = None
    bound: float = -math.inf
    nodes: int = 0

    def since(self, older: News | None) -> News:
        """All that is known with this news, when ``older`` was known before."""
        if older is None:
            return self
        return News(
            older.values if self.values is None else self.values,
            max(self.bound, older.bound),
            max(self.nodes, older.nodes),
        )


Tell = Callable[[News], None]
"""What a solver calls with news; it may be called from any thread, and never raises."""


class Solver(Protocol):
    """Takes a program, gives an outcome; a frozen record of its own parameters.

    ``solve`` runs in the process it is called in. Methods never call it directly: they go
    through :mod:`optimizer.solvers.workers`, where a crash or an endless loop ends a child.
    """

    @property
    def name(self) -> str:
        """Name on the command line."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def solve(
        self,
        program: Program,
        seconds: float | None = None,
        start: Basis | None = None,
        hint: Float | None = None,
        tell: Tell | None = None,
    ) -> Outcome:
        """Solve within a time limit, which the solver may overrun.

        Parameters
        ----------
        start : basis to start from; not used without the capability.
        hint : (n,) column values of a plan to start from; not used without the capability.
        tell : called with news while a program with integer columns is solved.
        """
        ...

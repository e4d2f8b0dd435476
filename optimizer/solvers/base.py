"""The border between a program and a solver: capabilities, outcomes, starting points."""

from __future__ import annotations

import enum
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
    "Outcome",
    "Reason",
    "Solver",
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
    """

    duals: bool
    exact: bool
    integers: bool
    basis: bool


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
    """

    reason: Reason
    values: Float | None = None
    duals: Float | None = None
    basis: Basis | None = None
    detail: str = ""
    seconds: float = 0.0
    iterations: int = 0
    bound: float = float("-inf")


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
        self, program: Program, seconds: float | None = None, start: Basis | None = None
    ) -> Outcome:
        """Solve within a time limit, which the solver may overrun."""
        ...

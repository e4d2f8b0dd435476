"""Whole numbers: solve with them, fix them, and solve again for prices.

Duals mean nothing for an integer program. So the whole numbers that were found are fixed and
the linear program that is left is solved: its values are a vertex without integrality noise,
its duals are the shadow prices, said to be those of the plan with its whole numbers fixed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.program import Program
from optimizer.solvers.base import Outcome, Reason
from optimizer.solvers.blocks import join, split
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, Workers

Float = NDArray[np.float64]


def fixed(program: Program, values: Float) -> Program:
    """The linear program with every whole number fixed at its rounded value."""
    assert program.integer is not None
    rounded = np.round(values)
    return replace(
        program,
        lower=np.where(program.integer, rounded, program.lower),
        upper=np.where(program.integer, rounded, program.upper),
        integer=None,
    )


def polished(program: Program, whole: Outcome, workers: Workers, seconds: float | None) -> Outcome:
    """The outcome with values and duals of the program with whole numbers fixed.

    The reason, the bound and the solver's words stay those of the integer program. When the
    linear program cannot be solved the solver's own values stay, without duals.
    """
    if whole.values is None:
        return whole
    rest = fixed(program, whole.values)
    parts = split(rest)
    outcomes = workers.run([Job(Glop(), part.program) for part in parts], seconds)
    linear = join(rest, parts, outcomes)
    if linear.reason is not Reason.OPTIMAL:
        return replace(whole, duals=None)
    return replace(whole, values=linear.values, duals=linear.duals)

"""Whole numbers: solve with them, fix them, and solve again for prices.

Duals mean nothing for an integer program. So the whole numbers that were found are fixed and
the linear program that is left is solved: its values are a vertex without integrality noise,
its duals are the shadow prices, said to be those of the plan with its whole numbers fixed.

The second program is small change beside the first and gets a time of its own, since the values
of the first carry the noise of its tolerances: what is left of the limit, and not less than
``POLISH_GRACE_SECONDS``. So a limit is overrun by that grace at most, and mostly not at all,
because the first program leaves a part of the limit over.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.base import Limits
from optimizer.program import Program
from optimizer.solvers.base import Outcome, Reason
from optimizer.solvers.blocks import join, split
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, Workers, stop_requested

Float = NDArray[np.float64]

POLISH_GRACE_SECONDS = 2.0
"""Time that the linear program gets at least, and most of what is kept back for it."""
POLISH_PART = 0.05
"""Part of a time limit that is kept back for the linear program."""


def before_polish(limits: Limits) -> Limits:
    """The limits of all that comes before the linear program."""
    if limits.seconds is None:
        return limits
    kept = min(POLISH_PART * limits.seconds, POLISH_GRACE_SECONDS)
    return replace(limits, seconds=limits.seconds - kept)


def polish_seconds(limits: Limits, begun: float) -> float | None:
    """What the linear program gets of the limits; after a stop, no more than its grace."""
    if stop_requested.is_set():
        return POLISH_GRACE_SECONDS
    left = limits.after(begun).seconds
    return None if left is None else max(left, POLISH_GRACE_SECONDS)


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

    It is solved even after a stop was requested: the time for it is short then. The reason,
    the bound and the solver's words stay those of the integer program. When the
    linear program cannot be solved the solver's own values stay, without duals.
    """
    if whole.values is None:
        return whole
    rest = fixed(program, whole.values)
    parts = split(rest)
    jobs = [Job(Glop(), part.program) for part in parts]
    outcomes = workers.run(jobs, seconds, despite_stop=True)
    linear = join(rest, parts, outcomes)
    if linear.reason is not Reason.OPTIMAL:
        return replace(whole, duals=None)
    return replace(whole, values=linear.values, duals=linear.duals)

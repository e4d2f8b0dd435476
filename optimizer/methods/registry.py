"""The visible list of methods, and the choice between them."""

from __future__ import annotations

from optimizer.errors import UsageError
from optimizer.methods.base import Method
from optimizer.methods.direct import Direct
from optimizer.methods.greedy import Greedy
from optimizer.solvers.registry import solver_named

METHODS = ("auto", "direct", "greedy")
"""Names on the command line; auto is the direct method at the sizes of this version."""


def method_named(name: str, solver: str = "auto") -> Method:
    """Make a method.

    Raises
    ------
    UsageError
        When there is none of that name, or it cannot use the solver.
    """
    if name not in METHODS:
        raise UsageError(f"method: expected one of {', '.join(METHODS)}, got {name!r}")
    if name == "greedy":
        if solver != "auto":
            raise UsageError("solver: the greedy method uses none, leave it at auto")
        return Greedy()
    return Direct(None if solver == "auto" else solver_named(solver))

"""The visible list of solvers."""

from __future__ import annotations

import difflib
from typing import Any

from optimizer.errors import UsageError
from optimizer.solvers.base import Solver
from optimizer.solvers.cp_sat import CpSat
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.pdlp import Pdlp
from optimizer.solvers.scip import Scip

SOLVERS: dict[str, type[Glop | Pdlp | Highs | Scip | CpSat]] = {
    "glop": Glop,
    "pdlp": Pdlp,
    "highs": Highs,
    "scip": Scip,
    "cp_sat": CpSat,
}
"""Every solver by its name; a new one is one more line here."""


def solver_named(name: str, **parameters: Any) -> Solver:
    """Make a solver.

    Raises
    ------
    UsageError
        When there is none of that name, with the list of those that would work.
    """
    if name not in SOLVERS:
        close = difflib.get_close_matches(name, SOLVERS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"solver: expected one of {', '.join(SOLVERS)}, got {name!r}{hint}")
    return SOLVERS[name](**parameters)

"""SCIP: branch, cut and price, for programs with whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimizer.program import Program
from optimizer.solvers.base import Basis, Capabilities, Outcome
from optimizer.solvers.mathopt import Request, solve_message


@dataclass(frozen=True)
class Scip:
    """SCIP 10 as it comes with OR-Tools.

    C. Hojny et al., "The SCIP Optimization Suite 10.0", Optimization Online, 2025.

    Attributes
    ----------
    relative_gap : gap at which an integer program counts as solved.
    name : as on the command line.
    """

    relative_gap: float = 1e-6
    name: str = "scip"

    @property
    def capabilities(self) -> Capabilities:
        """Whole numbers; no duals, so that prices come from the program with them fixed."""
        return Capabilities(duals=False, exact=True, integers=True, basis=False)

    def solve(
        self, program: Program, seconds: float | None = None, start: Basis | None = None
    ) -> Outcome:
        """Solve; a start is not used. See :class:`~optimizer.solvers.base.Solver`."""
        request = Request("SOLVER_TYPE_GSCIP", relative_gap=self.relative_gap)
        return replace(solve_message(request, program, seconds, None), basis=None)

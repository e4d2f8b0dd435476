"""SCIP: branch, cut and price, for programs with whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimizer.program import Program
from optimizer.solvers.base import Basis, Capabilities, Float, Outcome, Tell
from optimizer.solvers.listening import scip_line
from optimizer.solvers.mathopt import Request, solve_message


@dataclass(frozen=True)
class Scip:
    """SCIP 10 as it comes with OR-Tools.

    C. Hojny et al., "The SCIP Optimization Suite 10.0", Optimization Online, 2025.

    Attributes
    ----------
    relative_gap : gap at which an integer program counts as solved.
    tolerance : feasibility of rows and duals. At its own of 1e-6 it prunes plans that are better
        by a part of a whole number's cost, which matters where its bound is believed.
    name : as on the command line.
    """

    relative_gap: float = 1e-6
    tolerance: float = 1e-9
    name: str = "scip"

    @property
    def capabilities(self) -> Capabilities:
        """Whole numbers; no duals, so that prices come from the program with them fixed."""
        return Capabilities(
            duals=False, exact=True, integers=True, basis=False, hints=True, news=True
        )

    def solve(
        self,
        program: Program,
        seconds: float | None = None,
        start: Basis | None = None,
        hint: Float | None = None,
        tell: Tell | None = None,
    ) -> Outcome:
        """Solve; a start is not used. See :class:`~optimizer.solvers.base.Solver`."""
        tolerances = " ".join(
            f'real_params {{ key: "numerics/{side}" value: {self.tolerance} }}'
            for side in ("feastol", "dualfeastol")
        )
        request = Request(
            "SOLVER_TYPE_GSCIP",
            options=f"gscip {{ {tolerances} }}",
            relative_gap=self.relative_gap,
            line=scip_line,
            plan_events=True,
        )
        outcome = solve_message(request, program, seconds, hint=hint, tell=tell)
        return replace(outcome, basis=None)

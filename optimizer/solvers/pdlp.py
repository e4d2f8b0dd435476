"""PDLP: OR-Tools' first-order method, for programs that simplex cannot hold.

D. Applegate et al., "Practical large-scale linear programming using primal-dual hybrid
gradient", NeurIPS 2021. It stops when norms are small, not rows: its plans are repaired and
judged, and its optimality claims mean nothing here beyond that.
"""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.program import Program
from optimizer.solvers.base import Basis, Capabilities, Float, Outcome, Tell
from optimizer.solvers.model_builder import solve_arrays


@dataclass(frozen=True)
class Pdlp:
    """Primal-dual hybrid gradient.

    Attributes
    ----------
    tolerance : relative size of residuals and gap, in the method's norms.
    name : as on the command line.
    """

    tolerance: float = 1e-8
    name: str = "pdlp"

    @property
    def capabilities(self) -> Capabilities:
        """Approximate duals, no vertex."""
        return Capabilities(duals=True, exact=False, integers=False, basis=False)

    def solve(
        self,
        program: Program,
        seconds: float | None = None,
        start: Basis | None = None,
        hint: Float | None = None,
        tell: Tell | None = None,
    ) -> Outcome:
        """Solve; a start is not used. See :class:`~optimizer.solvers.base.Solver`."""
        # It calls feasible programs infeasible at its default tolerance
        # (google/or-tools#4874), so the test is made stricter than it can pass by accident.
        options = (
            "termination_criteria { simple_optimality_criteria { "
            f"eps_optimal_absolute: {self.tolerance} eps_optimal_relative: {self.tolerance} }} "
            "eps_primal_infeasible: 1e-14 eps_dual_infeasible: 1e-14 }"
        )
        return solve_arrays("pdlp", program, seconds, options)

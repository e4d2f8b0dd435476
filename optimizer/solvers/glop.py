"""GLOP: OR-Tools' simplex, the default for blocks and for everything with a start."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.program import Program
from optimizer.solvers.base import Basis, Capabilities, Float, Outcome, Tell
from optimizer.solvers.mathopt import Request, solve_message
from optimizer.solvers.model_builder import solve_arrays


@dataclass(frozen=True)
class Glop:
    """Primal and dual simplex of Google's linear optimizer.

    Without a start it is loaded through ``model_builder``, which copies arrays at once;
    with one it goes through MathOpt, which alone takes a basis.

    Attributes
    ----------
    tolerance : primal and dual feasibility, on the scaled program.
    keep_basis : give the final basis back, for another program to start from.
    name : as on the command line.
    """

    tolerance: float = 1e-9
    keep_basis: bool = False
    name: str = "glop"

    @property
    def capabilities(self) -> Capabilities:
        """Simplex: duals, a vertex, a basis; no integers."""
        return Capabilities(duals=True, exact=True, integers=False, basis=True)

    def solve(
        self,
        program: Program,
        seconds: float | None = None,
        start: Basis | None = None,
        hint: Float | None = None,
        tell: Tell | None = None,
    ) -> Outcome:
        """Solve; there are no plans to tell of. See :class:`~optimizer.solvers.base.Solver`."""
        options = (
            f"primal_feasibility_tolerance: {self.tolerance} "
            f"dual_feasibility_tolerance: {self.tolerance}"
        )
        if start is None and not self.keep_basis:
            return solve_arrays("glop", program, seconds, options)
        request = Request("SOLVER_TYPE_GLOP", options=f"glop {{ {options} }}")
        return solve_message(request, program, seconds, start)

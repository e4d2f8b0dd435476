"""HiGHS: simplex and interior point, through MathOpt, whose duals are the right ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimizer.program import Program
from optimizer.solvers.base import Basis, Capabilities, Outcome
from optimizer.solvers.mathopt import Request, solve_message


@dataclass(frozen=True)
class Highs:
    """HiGHS 1.12 as it comes with OR-Tools.

    Q. Huangfu and J. A. J. Hall, "Parallelizing the dual revised simplex method",
    Mathematical Programming Computation 10 (2018).

    Attributes
    ----------
    tolerance : primal and dual feasibility, on the scaled program.
    relative_gap : gap at which an integer program counts as solved.
    interior_point : interior point with crossover instead of the dual simplex.
    name : as on the command line.
    """

    tolerance: float = 1e-9
    interior_point: bool = False
    relative_gap: float = 1e-6
    name: str = "highs"

    @property
    def capabilities(self) -> Capabilities:
        """Duals and a vertex; a basis handed in would be ignored."""
        return Capabilities(duals=True, exact=True, integers=True, basis=False)

    def solve(
        self, program: Program, seconds: float | None = None, start: Basis | None = None
    ) -> Outcome:
        """Solve; a start is not used. See :class:`~optimizer.solvers.base.Solver`."""
        tolerances = " ".join(
            f'double_options {{ key: "{side}_feasibility_tolerance" value: {self.tolerance} }}'
            for side in ("primal", "dual")
        )
        options = f"highs {{ {tolerances} }}"
        algorithm = "LP_ALGORITHM_BARRIER" if self.interior_point else ""
        request = Request("SOLVER_TYPE_HIGHS", algorithm, options, relative_gap=self.relative_gap)
        # It gives a basis back as well, which no other solve could start from.
        return replace(solve_message(request, program, seconds, None), basis=None)

"""HiGHS: simplex and interior point, through MathOpt, whose duals are the right ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimizer.program import Program
from optimizer.solvers.base import Basis, Capabilities, Float, Outcome, Tell
from optimizer.solvers.listening import highs_line
from optimizer.solvers.mathopt import Request, solve_message

_PLANS = (
    'highs { bool_options { key: "mip_improving_solution_save" value: true } '
    'string_options { key: "mip_improving_solution_file" value: "{name}" } '
    'double_options { key: "mip_min_logging_interval" value: 0.5 } }'
)
"""Each better plan into a file, and a line with the bound at least that often (5 s as it comes)."""


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
        return Capabilities(
            duals=True, exact=True, integers=True, basis=False, hints=True, news=True
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
            f'double_options {{ key: "{side}_feasibility_tolerance" value: {self.tolerance} }}'
            for side in ("primal", "dual")
        )
        # At its own tolerances it prunes plans that are better by a part of a whole number's cost.
        tolerances += (
            f' double_options {{ key: "mip_feasibility_tolerance" value: {self.tolerance} }}'
            ' double_options { key: "mip_abs_gap" value: 0.0 }'
        )
        options = f"highs {{ {tolerances} }}"
        algorithm = "LP_ALGORITHM_BARRIER" if self.interior_point else ""
        request = Request(
            "SOLVER_TYPE_HIGHS",
            algorithm,
            options,
            relative_gap=self.relative_gap,
            line=highs_line,
            plan_option=_PLANS,
        )
        # It gives a basis back as well, which no other solve could start from.
        outcome = solve_message(request, program, seconds, hint=hint, tell=tell)
        return replace(outcome, basis=None)

"""Budget: all that is paid, without the penalty for unserved tokens, stays within a limit.

    sum over columns but u  cost x  <=  budget - constant                            [USD]

(docs/problem.md, family "budget"; the constant is what reserved chips cost). The row is divided
by a power of two near the budget, because solvers of programs with whole numbers hold every row
to the same absolute tolerance; its price is multiplied back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.program import INFINITY, Block, Program, with_row


@dataclass(frozen=True)
class Budget:
    """The family of the limit on cost."""

    def stated(
        self, program: Program, instance: Instance, columns: Columns
    ) -> tuple[Program, dict[str, NDArray[np.int32]]]:
        """The program with the row as its last; ``budget`` (1,), -1 where there is none."""
        if instance.budget_usd is None:
            return program, {"budget": np.full(1, -1, np.int32)}
        paid = program.cost.copy()
        paid[columns.unserved[columns.unserved >= 0]] = 0.0
        unit = budget_unit_usd(instance)
        left = (float(instance.budget_usd) - program.offset) / unit
        stated = with_row(program, paid / unit, -INFINITY, left)
        row = program.num_rows
        named = (*program.rows, Block("budget", row, row + 1))
        return replace(stated, rows=named), {"budget": np.full(1, row, np.int32)}


def budget_unit_usd(instance: Instance) -> float:
    """USD that stand for 1 in the row: a power of two."""
    return math.ldexp(1.0, math.frexp(max(float(instance.budget_usd or 0.0), 1.0))[1])

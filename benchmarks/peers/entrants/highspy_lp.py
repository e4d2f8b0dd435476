"""HiGHS through its own package: dual simplex, or interior point with and without crossover.

Q. Huangfu and J. A. J. Hall, "Parallelizing the dual revised simplex method", Mathematical
Programming Computation 10 (2018).
"""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.statement import Statement
from benchmarks.peers.transport import Float, Transport


def run(given: Transport, options: dict[str, Any], clock: Clock) -> Answer:
    """Solve the program in one piece; ``options`` are those of HiGHS, by name."""
    with clock.phase("build"):
        stated = Statement.of(given)
        solver = loaded(stated, options)
    with clock.phase("solve"):
        solver.run()
    with clock.phase("extract"):
        found = solver.getSolution()
        placed, given_up = stated.amounts(np.asarray(found.col_value))
        prices = stated.prices(np.asarray(found.row_dual)) if found.dual_valid else None
    claim = str(solver.modelStatusToString(solver.getModelStatus()))
    facts = solver.getInfo()
    iterations = {
        "simplex": int(facts.simplex_iteration_count),
        "interior point": int(facts.ipm_iteration_count),
    }
    return Answer(claim, placed, given_up, prices, {"iterations": iterations})


def loaded(stated: Statement, options: dict[str, Any]) -> Any:
    """A solver that holds the program.

    Raises
    ------
    ValueError
        When it refuses an option or the program: it says so by a status only.
    """
    solver = highspy.Highs()
    for name, value in {"output_flag": False, **options}.items():
        if solver.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS refuses the option {name} = {value}")
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = stated.num_columns, stated.num_rows
    program.col_cost_ = stated.cost
    program.col_lower_ = np.zeros(stated.num_columns)
    program.col_upper_ = np.full(stated.num_columns, np.inf)
    program.row_lower_, program.row_upper_ = stated.row_lower, stated.row_upper
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = stated.starts
    program.a_matrix_.index_ = stated.rows
    program.a_matrix_.value_ = stated.values
    if solver.passModel(program) == highspy.HighsStatus.kError:
        raise ValueError("HiGHS refuses the program")
    return solver


def values_of(stated: Statement) -> Float:
    """Column values by its defaults, in the calling thread: for parts of a problem.

    Raises
    ------
    ValueError
        When it does not call them optimal.
    """
    solver = loaded(stated, {"threads": 1})
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise ValueError(f"HiGHS: {solver.modelStatusToString(status)}")
    return np.asarray(solver.getSolution().col_value)

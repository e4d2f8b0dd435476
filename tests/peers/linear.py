"""SciPy's HiGHS on a statement: an exact answer without a peer's environment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csc_matrix

from benchmarks.peers.answer import Answer
from benchmarks.peers.statement import Statement
from benchmarks.peers.transport import Transport


def solved(stated: Statement) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Column values and row duals."""
    shape = (stated.num_rows, stated.num_columns)
    matrix = csc_matrix((stated.values, stated.rows, stated.starts), shape=shape).tocsr()
    equal = stated.row_lower == stated.row_upper
    found = linprog(
        stated.cost,
        A_ub=matrix[~equal],
        b_ub=stated.row_upper[~equal],
        A_eq=matrix[equal],
        b_eq=stated.row_upper[equal],
        method="highs",
    )
    assert found.status == 0, found.message
    duals = np.zeros(stated.num_rows)
    duals[equal], duals[~equal] = found.eqlin.marginals, found.ineqlin.marginals
    return found.x, duals


def values_of(stated: Statement) -> NDArray[np.float64]:
    """Column values alone, as POP asks for them."""
    return solved(stated)[0]


def answer_of(given: Transport) -> Answer:
    """The exact answer, with prices."""
    stated = Statement.of(given)
    values, duals = solved(stated)
    placed, given_up = stated.amounts(values)
    return Answer("optimal", placed, given_up, stated.prices(duals))

"""Which solver the direct method takes for whole numbers, and what it refuses."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.errors import UnsupportedError
from optimizer.methods.base import Limits
from optimizer.methods.direct import Direct
from optimizer.model.formulation import Formulation
from optimizer.program import Program
from optimizer.progress import Silent
from optimizer.solvers.cp_sat import CpSat
from optimizer.solvers.highs import Highs
from tests.conformance.cases import INF, program

TINY = Path(__file__).parents[2] / "instances" / "tiny"
LIMITS = Limits(relative_gap=1e-4)

# min -x - y, 0.5 x + y <= 1.5.
HALVES = program((-1, -1), [(-INF, (0.5, 1), 1.5)], upper=3)


def whole(given: Program, *positions: int) -> Program:
    flags = np.zeros(given.num_columns, np.bool_)
    flags[list(positions)] = True
    return dataclasses.replace(given, integer=flags)


def test_whole_numbers_only_go_to_cp_sat() -> None:
    solver, _, why = Direct()._choose_integer(whole(HALVES, 0, 1), LIMITS)
    assert solver == CpSat(relative_gap=1e-4)
    assert why == "whole numbers only, cp_sat"


def test_a_mixture_goes_to_highs() -> None:
    solver, _, why = Direct()._choose_integer(whole(HALVES, 0), LIMITS)
    assert solver == Highs(relative_gap=1e-4)
    assert why == "whole numbers and real ones, highs"


def test_what_cp_sat_cannot_state_goes_to_highs() -> None:
    odd = program((-1, -1), [(-INF, (math.pi, 1), 1.5)], upper=3)
    solver, _, why = Direct()._choose_integer(whole(odd, 0, 1), LIMITS)
    assert solver == Highs(relative_gap=1e-4)
    assert why == (
        "whole numbers only, but not for cp_sat (the entries of row 0 cannot be made integers "
        "exactly), highs"
    )


def test_cp_sat_gets_the_gap_when_it_is_asked_for() -> None:
    solver, _, why = Direct(CpSat())._choose_integer(whole(HALVES, 0, 1), LIMITS)
    assert solver == CpSat(relative_gap=1e-4)
    assert why == "cp_sat was asked for"


@pytest.mark.parametrize(
    ("folder", "able"), [("capacity", "glop, pdlp, highs, scip"), ("activation", "highs, scip")]
)
def test_cp_sat_is_refused_for_real_amounts(folder: str, able: str) -> None:
    """Whether or not some of the columns are whole numbers."""
    instance = optimizer.read(TINY / folder)
    mixed = Formulation().build(instance).program.integer
    assert mixed is None or not bool(mixed.all())
    words = f"cp_sat takes whole numbers only, .*; these take them: {able}"
    with pytest.raises(UnsupportedError, match=f"{words}$"):
        Direct(CpSat())(instance, LIMITS, Silent())

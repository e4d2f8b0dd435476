"""Published optima of facility location and assignment are reached, and proved.

The files are not part of the project: where they are not beside it, nothing is tested. What
takes more than a few seconds is marked ``slow`` (``pytest -m slow`` runs it).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import optimizer
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from tests.pipeline.dense_plan import dense
from tests.pipeline.library import (
    BEASLEY,
    FOLDER,
    Published,
    assignment,
    assignment_of_type,
    single_source,
    stated_twice,
    warehouses,
)
from tests.pipeline.oracle import cost_of, violations_of

pytestmark = pytest.mark.skipif(
    not (FOLDER / "known_optima.csv").is_file(),
    reason=f"published problems are not beside the project: no {FOLDER}/known_optima.csv",
)

SECONDS = 60.0
CAPS = ("cap41", "cap42", "cap43", "cap44", "cap51", "cap61", "cap62", "cap63", "cap64",
        "cap71", "cap72", "cap73", "cap74")  # fmt: skip
SLOW_ASSIGNMENTS = (
    *(name for name in BEASLEY if name[3] in "56"),
    "gapb-2", "gapb-4", "gapc-3", "gapc-4", "gapc-6",
)  # fmt: skip
PROVED_TYPES = ("a05100", "a20200", "b05100", "c05100", "c10100", "c20200", "e05100")
NEAR_TYPES = ("c20400", "d05100", "e10200")


def check_proved(published: Published) -> None:
    """The least cost is found, judged right and proved."""
    instance, optimum = published.instance, published.optimum
    result = optimizer.solve(instance, limits=Limits(seconds=SECONDS, threads=2))
    assert result.status == "optimal", result.reason
    assert result.objective_usd == pytest.approx(optimum, rel=1e-6)
    check_sound(instance, result, optimum)


def check_sound(instance: Instance, result: optimizer.Result, optimum: float) -> None:
    """The plan is what it says and the bound is one."""
    assert result.verified
    assert result.bound_usd is not None
    assert result.bound_usd <= optimum * (1 + 1e-9)
    x, u = dense(instance, result.plan)
    assert violations_of(instance, x, u) == []
    assert cost_of(instance, x, u) == pytest.approx(result.objective_usd, rel=1e-9)


@pytest.mark.parametrize("name", CAPS)
def test_warehouse_location(name: str) -> None:
    check_proved(warehouses(name))


@pytest.mark.parametrize("number", range(1, 21))
def test_single_source_location(number: int) -> None:
    check_proved(single_source(number))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW_ASSIGNMENTS else ())
        for name in BEASLEY
    ],
)
def test_assignment(name: str) -> None:
    check_proved(assignment(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED_TYPES)
def test_assignment_of_type(name: str) -> None:
    check_proved(assignment_of_type(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", NEAR_TYPES)
def test_hard_assignment_comes_within_a_percent(name: str) -> None:
    published = assignment_of_type(name)
    limits = Limits(seconds=SECONDS, threads=2)
    result = optimizer.solve(published.instance, limits=limits)
    assert result.relative_gap is not None
    assert result.relative_gap <= 0.01
    assert result.objective_usd is not None
    assert result.objective_usd >= published.optimum * (1 - 1e-9)
    check_sound(published.instance, result, published.optimum)


def test_optima_stated_twice_agree() -> None:
    stated = stated_twice()
    assert len(stated) >= 5
    assert [here for _, here, _ in stated] == [there for _, _, there in stated]


WRITTEN: dict[str, Callable[[], Published]] = {
    "cap41": lambda: warehouses("cap41"),
    "p1": lambda: single_source(1),
    "gap1-1": lambda: assignment("gap1-1"),
}


@pytest.mark.parametrize("make", WRITTEN.values(), ids=WRITTEN)
def test_written_folder_is_solved_to_the_same_optimum(
    make: Callable[[], Published], tmp_path: Path
) -> None:
    """Through the public format and the command line."""
    published = make()
    optimizer.write(published.instance, tmp_path / "instance")
    command = [sys.executable, "-m", "optimizer", "solve", str(tmp_path / "instance"), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert (answer["status"], answer["verified"]) == ("optimal", True)
    assert answer["objective_usd"] == pytest.approx(published.optimum, rel=1e-6)
    assert answer["bound_usd"] <= published.optimum * (1 + 1e-9)

"""Published inputs of other planners: their optima are reached and proved.

Melange rents whole GPUs for a mix of request lengths; the inferno optimizer picks accelerators and
replicas for model servers. Their inputs are stated in the public instance format (see the two
modules of that name), and every plan is read back into the planner's own terms, straight from
its file.

The files are not part of the project: where they are not beside it, nothing is tested. What
takes more than a few seconds is marked ``slow`` (``pytest -m slow`` runs it). ``pytest -s`` prints
what was found and how long it took.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import optimizer
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from optimizer.plan import Plan
from tests.pipeline import inferno, melange
from tests.pipeline.library import FOLDER

pytestmark = pytest.mark.skipif(
    not ((FOLDER / "melange").is_dir() and (FOLDER / "llm-inferno").is_dir()),
    reason=f"inputs of other planners are not beside the project: {FOLDER}/melange, llm-inferno",
)

SECONDS = 60.0
GAP = 1e-6
NEAR = 0.01
"""Gap that must be reached where there is no proof within the time."""
SLOW_FLEETS = ("syn_b50x20_g8_r32_s4",)
FULL_GPUS = 4.12875
"""USD per hour of Melange's example when any part of a GPU may be rented: the linear program."""


def marked(names: dict[str, float], slow: tuple[str, ...]) -> list[object]:
    """Each name as a parameter, the slow ones marked."""
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ()) for name in names]


def solved(instance: Instance, optimum: float) -> optimizer.Result:
    """The result for an instance, which is judged right and whose bound is one."""
    result = optimizer.solve(instance, limits=Limits(seconds=SECONDS, relative_gap=GAP, threads=2))
    sys.stdout.write(
        f"\n{instance.name:24} {result.status:9} {result.objective_usd} of {optimum} USD, "
        f"bound {result.bound_usd}, gap {result.relative_gap}, {result.seconds.total:.2f} s\n"
    )
    assert result.verified
    assert result.bound_usd is not None
    assert result.bound_usd <= optimum * (1 + 1e-9)
    assert result.objective_usd is not None
    assert result.objective_usd >= optimum * (1 - 1e-9)
    return result


def proved(instance: Instance, optimum: float) -> Plan:
    """The plan of an instance, whose least cost is found and proved."""
    result = solved(instance, optimum)
    assert result.status == "optimal", result.reason
    assert result.objective_usd == pytest.approx(optimum, rel=1e-6)
    assert result.relative_gap is not None
    assert result.relative_gap <= GAP
    assert result.plan is not None
    return result.plan


@pytest.mark.parametrize("name", marked(melange.DIVISIBLE, SLOW_FLEETS))
def test_melange_with_divisible_demand(name: str) -> None:
    fleet = melange.fleet(name)
    instance = melange.instance_of(fleet)
    optimum = melange.DIVISIBLE[name]
    plan = proved(instance, optimum)
    melange.check_in_melanges_terms(fleet, instance, plan, optimum)


@pytest.mark.parametrize("slices", melange.SLICED)
def test_melange_with_slices(slices: int) -> None:
    fleet = melange.fleet("example", slices)
    instance = melange.instance_of(fleet)
    optimum = melange.SLICED[slices]
    plan = proved(instance, optimum)
    melange.check_in_melanges_terms(fleet, instance, plan, optimum)


def test_melange_with_parts_of_gpus() -> None:
    """Whole GPUs are what the example's optimum costs beyond the linear program."""
    proved(melange.instance_of(melange.fleet("example"), whole=False), FULL_GPUS)


@pytest.mark.parametrize("name", inferno.ONE_EACH)
def test_inferno_with_one_accelerator_each(name: str) -> None:
    given = inferno.candidates(name)
    instance = inferno.one_each(given)
    optimum = inferno.ONE_EACH[name]
    plan = proved(instance, optimum)
    inferno.check_one_each(given, instance, plan, optimum)


def test_inferno_with_mixed_accelerators() -> None:
    given = inferno.candidates("small")
    optimum = inferno.MIXED["small"]
    plan = proved(inferno.mixed(given), optimum)
    inferno.check_mixed(given, plan, optimum)


@pytest.mark.slow
def test_hard_mix_of_inferno_comes_within_a_percent() -> None:
    given = inferno.candidates("large")
    result = solved(inferno.mixed(given), inferno.MIXED["large"])
    assert result.relative_gap is not None
    assert result.relative_gap <= NEAR
    assert result.plan is not None
    assert result.objective_usd is not None
    inferno.check_mixed(given, result.plan, result.objective_usd)


@pytest.mark.parametrize("times", [1e2, 1e4])
@pytest.mark.parametrize("name", ["syn_b10x6_g4_r32_s8", "syn_b10x6_g4_r128_s8"])
def test_bound_is_one_however_dear_it_is_to_give_up(name: str, times: float) -> None:
    """Serving everything costs the same, and the price of a GPU is not lost beside the penalty."""
    instance = melange.instance_of(melange.fleet(name))
    usd = times * instance.workloads.unserved_usd_per_mtok
    workloads = dataclasses.replace(instance.workloads, unserved_usd_per_mtok=usd)
    solved(dataclasses.replace(instance, workloads=workloads), melange.DIVISIBLE[name])


@pytest.mark.parametrize("name", marked(melange.DIVISIBLE, SLOW_FLEETS))
def test_optima_of_melange_hold_in_its_own_terms(name: str) -> None:
    """An integer program straight from the file has the optimum that is published."""
    optimum = melange.DIVISIBLE[name]
    assert melange.least_cost(melange.fleet(name)) == pytest.approx(optimum, rel=1e-6)


@pytest.mark.parametrize("slices", melange.SLICED)
def test_optima_of_slices_hold_in_melanges_own_terms(slices: int) -> None:
    fleet = melange.fleet("example", slices)
    assert melange.least_cost(fleet) == pytest.approx(melange.SLICED[slices], rel=1e-6)


@pytest.mark.parametrize("name", inferno.ONE_EACH)
def test_optima_of_one_each_hold_in_infernos_own_terms(name: str) -> None:
    least = inferno.least_cost_one_each(inferno.candidates(name))
    assert least == pytest.approx(inferno.ONE_EACH[name], rel=1e-6)


@pytest.mark.parametrize("name", marked(inferno.MIXED, ("large",)))
def test_optima_of_mixes_hold_in_infernos_own_terms(name: str) -> None:
    least = inferno.least_cost_mixed(inferno.candidates(name))
    assert least == pytest.approx(inferno.MIXED[name], rel=1e-6)


WRITTEN: dict[str, tuple[Callable[[], Instance], float]] = {
    "melange-divisible": (lambda: melange.instance_of(melange.fleet("example")), 4.68),
    "melange-sliced": (lambda: melange.instance_of(melange.fleet("example", 1)), 6.70),
    "inferno-one-each": (lambda: inferno.one_each(inferno.candidates("small")), 41857.75),
    "inferno-mixed": (lambda: inferno.mixed(inferno.candidates("small")), 37929.0),
}


@pytest.mark.parametrize(("make", "optimum"), WRITTEN.values(), ids=WRITTEN)
def test_written_folder_is_solved_to_the_same_optimum(
    make: Callable[[], Instance], optimum: float, tmp_path: Path
) -> None:
    """Through the public format and the command line."""
    optimizer.write(make(), tmp_path / "instance")
    command = [sys.executable, "-m", "optimizer", "solve", str(tmp_path / "instance"), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert (answer["status"], answer["verified"]) == ("optimal", True)
    assert answer["objective_usd"] == pytest.approx(optimum, rel=1e-6)
    assert answer["bound_usd"] <= optimum * (1 + 1e-9)

"""A solver that lies never makes the result claim what is not so.

The status comes from the judge; a refused answer is solved again by another solver, and a
note says so. See ``docs/problem.md`` for what is judged.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import optimizer
from optimizer.methods import direct, elastic
from optimizer.methods.direct import Direct
from optimizer.result import Result
from optimizer.solvers.workers import Workers
from tests.conformance.stub import Stub, stub_workers
from tests.pipeline.dense_plan import dense
from tests.pipeline.oracle import optimum, violations_of

TINY = Path(__file__).parents[2] / "instances" / "tiny"
FOLDERS = ("capacity", "deadline", "shares", "shares_spend")
KILLED = ("aborts", "segfaults", "exits", "eats memory")
REFUSED = (
    "raises", "NaN", "one NaN", "infinity", "too few values", "too many values",
    "matrix of values", "half more", "negative", "nothing at all", "a thousandth less",
    "too few duals", "no values", "false infeasible", "false unbounded",
)  # fmt: skip
BAD_PRICES = ("NaN duals", "huge duals", "negated duals", "no duals")


@pytest.fixture(scope="module")
def children() -> Iterator[Workers]:
    workers = stub_workers(memory_mib=8192)
    yield workers
    workers.close()


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch, children: Workers) -> None:
    """Let the methods use children that know the stub."""
    for method in (direct, elastic):
        monkeypatch.setattr(method, "shared_workers", lambda count, memory: children)


def solved(folder: str, behaviour: str, *, seconds: float = 60.0, exact: bool = True) -> Result:
    instance = optimizer.read(TINY / folder)
    method = Direct(Stub(behaviour, exact))
    return optimizer.solve(instance, method=method, limits=optimizer.Limits(seconds=seconds))


def check_claims(result: Result) -> None:
    """Nothing that the result claims is false, by the oracle."""
    oracle = optimum(result.instance)
    assert oracle.status == "optimal"
    assert result.status != "infeasible"
    if result.status in ("optimal", "feasible"):
        assert result.verified
        x, u = dense(result.instance, result.plan)
        assert violations_of(result.instance, x, u) == []
    if result.status == "optimal":
        assert result.objective_usd == pytest.approx(oracle.objective_usd, rel=2e-6)
    if result.bound_usd is not None:
        assert result.bound_usd <= oracle.objective_usd * (1 + 1e-9)


@pytest.mark.usefixtures("stubbed")
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("behaviour", ["honest", *REFUSED, *BAD_PRICES])
def test_lie_is_found_out_and_another_solver_asked(folder: str, behaviour: str) -> None:
    result = solved(folder, behaviour)
    check_claims(result)
    assert result.status == "optimal", result.reason
    if behaviour in REFUSED:
        assert any("stub" in note and "solved again with highs" in note for note in result.notes)


@pytest.mark.usefixtures("stubbed")
@pytest.mark.parametrize("behaviour", KILLED)
def test_crash_is_answered_by_another_solver(behaviour: str) -> None:
    result = solved("capacity", behaviour)
    check_claims(result)
    assert result.status == "optimal"
    assert any("solved again with highs" in note for note in result.notes)


@pytest.mark.usefixtures("stubbed")
@pytest.mark.parametrize("behaviour", ["half more", "false infeasible", "NaN", "huge duals"])
def test_inexact_solver_is_judged_like_any_other(behaviour: str) -> None:
    """No second try is owed to it, but nothing false is claimed either."""
    for folder in FOLDERS:
        check_claims(solved(folder, behaviour, exact=False))


@pytest.mark.usefixtures("stubbed")
@pytest.mark.parametrize("folder", FOLDERS)
def test_endless_solver_leaves_a_verified_plan_at_the_limit(folder: str) -> None:
    begun = time.monotonic()
    result = solved(folder, "sleeps", seconds=0.5)
    assert time.monotonic() - begun < 0.5 + 5.0
    check_claims(result)
    assert result.limit == "time"
    assert result.verified
    assert result.exit_code == 6 or result.status == "optimal"


@pytest.mark.usefixtures("stubbed")
def test_solver_that_gives_up_early_leaves_a_verified_plan() -> None:
    result = solved("shares", "false time limit")
    check_claims(result)
    assert result.verified


INTERRUPTED = """
import json, sys, time
import optimizer
from optimizer.methods import direct
from optimizer.methods.direct import Direct
from tests.conformance.stub import Stub, stub_workers

class Told:
    def stage(self, name, total=0):
        if name == "solve":
            print("solving", flush=True)
    def step(self, count=1): pass
    def incumbent(self, value_usd, bound_usd, nodes): pass
    def note(self, text): pass
    def close(self): pass

direct.shared_workers = lambda count, memory: stub_workers()
instance = optimizer.read(sys.argv[1])
result = optimizer.solve(instance, method=Direct(Stub("sleeps")), progress=Told())
print(json.dumps([result.limit, result.status, result.verified, result.exit_code,
                  list(result.notes)]), flush=True)
"""


def test_interrupt_gives_the_verified_stand_in_within_two_seconds() -> None:
    """A real SIGINT to a parent that waits for an endless solver, with no time limit."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(TINY / "shares")],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"solving\n"
        time.sleep(1.0)
        os.kill(process.pid, signal.SIGINT)
        begun = time.monotonic()
        limit, status, verified, code, notes = json.loads(process.stdout.readline())
        assert time.monotonic() - begun < 2.0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert (limit, verified, code) == ("interrupt", True, 130)
    assert status in ("feasible", "optimal")
    assert "stand-in" in " ".join(notes)

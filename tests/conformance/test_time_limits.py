"""A search with whole numbers ends in time, and what it found by then is not lost.

Times are those handed to the jobs; nothing here measures how long anything took.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.methods import direct, integer
from optimizer.methods.base import Found, Limits
from optimizer.methods.direct import Direct
from optimizer.methods.integer import POLISH_GRACE_SECONDS, before_polish, polish_seconds, polished
from optimizer.model.formulation import Formulation
from optimizer.progress import Silent
from optimizer.solvers.base import Outcome, Reason
from optimizer.solvers.blocks import join, split
from optimizer.solvers.highs import Highs
from optimizer.solvers.workers import Done, Heard, Job, Workers, stop_requested
from tests.conformance.cases import transport
from tests.conformance.stub import MODULE, NODES, Stub

TINY = Path(__file__).parents[2] / "instances" / "tiny"
OPTIMUM_USD = 21.0
"""Of the instance with activation fees, derived in its optimum.md."""


class Recording(Workers):
    """Children that know the stub, and a list of solvers with the seconds they were handed."""

    def __init__(self) -> None:
        super().__init__(2, None, MODULE)
        self.handed: list[tuple[str, float | None]] = []

    def run(
        self,
        jobs: Sequence[Job],
        seconds: float | None = None,
        done: Done | None = None,
        heard: Heard | None = None,
        *,
        despite_stop: bool = False,
    ) -> list[Outcome]:
        self.handed += [(job.solver.name, seconds) for job in jobs]
        return super().run(jobs, seconds, done, heard, despite_stop=despite_stop)

    def most(self, solver: str) -> float:
        """Most seconds that a solver was handed."""
        times = [seconds for name, seconds in self.handed if name == solver]
        assert times, f"{solver} was never called"
        assert None not in times
        return max(seconds for seconds in times if seconds is not None)


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    workers = Recording()
    monkeypatch.setattr(direct, "shared_workers", lambda count, memory: workers)
    stop_requested.clear()
    # Children that have imported what they need: short limits are for the solvers.
    workers.run([Job(Stub(), transport(2, 2))] * 2)
    workers.handed.clear()
    yield workers
    stop_requested.clear()
    workers.close()


def solved(behaviour: str, seconds: float | None, folder: str = "activation") -> optimizer.Result:
    return optimizer.solve(
        optimizer.read(TINY / folder),
        method=Direct(Stub(behaviour, integers=True)),
        limits=Limits(seconds=seconds),
    )


@pytest.mark.parametrize(
    ("seconds", "kept"), [(None, None), (0.0, 0.0), (10.0, 0.5), (40.0, 2.0), (3600.0, 2.0)]
)
def test_a_part_of_the_limit_is_kept_back(seconds: float | None, kept: float | None) -> None:
    left = before_polish(Limits(seconds=seconds)).seconds
    if seconds is None or kept is None:
        assert left is None
    else:
        assert left == pytest.approx(seconds - kept)


def test_the_linear_program_gets_the_rest_and_at_least_its_grace() -> None:
    stop_requested.clear()
    now = time.monotonic()
    assert polish_seconds(Limits(), now) is None
    assert polish_seconds(Limits(seconds=1000.0), now) == pytest.approx(1000.0, abs=60.0)
    assert polish_seconds(Limits(seconds=5.0), now - 100.0) == POLISH_GRACE_SECONDS
    stop_requested.set()
    assert polish_seconds(Limits(seconds=1000.0), now) == POLISH_GRACE_SECONDS
    assert polish_seconds(Limits(), now) == POLISH_GRACE_SECONDS
    stop_requested.clear()


def test_both_programs_are_handed_less_than_the_limit(recording: Recording) -> None:
    result = solved("honest", 40.0)
    assert result.status == "optimal"
    assert recording.most("stub") <= 40.0 - POLISH_GRACE_SECONDS
    assert POLISH_GRACE_SECONDS <= recording.most("glop") <= 40.0


@pytest.mark.parametrize("folder", ["activation", "single_pool"])
def test_after_an_endless_solver_only_the_grace_is_left(recording: Recording, folder: str) -> None:
    result = solved("sleeps", 1.0, folder)
    assert recording.most("stub") <= 0.95
    name, last = recording.handed[-1]
    assert (name, last) == ("glop", POLISH_GRACE_SECONDS)
    assert result.limit == "time"
    assert result.verified


def test_without_a_limit_there_is_none(recording: Recording) -> None:
    assert solved("honest", None).status == "optimal"
    assert {seconds for _, seconds in recording.handed} == {None}


def test_values_stay_when_the_linear_program_does_not_end(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integer, "Glop", lambda: Stub("sleeps"))
    model = Formulation().build(optimizer.read(TINY / "activation"))
    parts = split(model.program, 1)
    whole = join(model.program, parts, [Highs().solve(part.program) for part in parts])
    final = polished(model.program, whole, recording, 0.2)
    assert final.reason is whole.reason
    assert final.values is not None
    assert (final.values == whole.values).all()
    assert final.duals is None
    assert final.bound == whole.bound


def test_the_best_plan_and_bound_survive_the_time_limit(recording: Recording) -> None:
    result = solved("tells, sleeps", 2.0)
    assert (result.limit, result.status) == ("time", "feasible")
    assert result.objective_usd == pytest.approx(OPTIMUM_USD)
    assert result.bound_usd is not None
    # The stub tells of a bound that is 1 USD below the cost of each part.
    assert OPTIMUM_USD - 2.0 - 1e-9 <= result.bound_usd <= OPTIMUM_USD - 1.0 + 1e-9


class Pressing(Silent):
    """Presses Ctrl-C as soon as a plan and a bound are known."""

    def __init__(self) -> None:
        self.heard: list[tuple[float | None, float | None, int]] = []

    def incumbent(self, value_usd: float | None, bound_usd: float | None, nodes: int) -> None:
        self.heard.append((value_usd, bound_usd, nodes))
        if value_usd is not None and bound_usd is not None:
            raise KeyboardInterrupt


def test_the_best_plan_and_bound_survive_an_interrupt(recording: Recording) -> None:
    progress = Pressing()
    result = optimizer.solve(
        optimizer.read(TINY / "activation"),
        method=Direct(Stub("tells, sleeps", integers=True)),
        progress=progress,
    )
    assert (result.limit, result.status, result.verified) == ("interrupt", "feasible", True)
    assert result.objective_usd == pytest.approx(OPTIMUM_USD)
    value, bound, _ = progress.heard[-1]
    assert value == pytest.approx(OPTIMUM_USD)
    assert bound == pytest.approx(result.bound_usd)
    # The linear program was solved all the same, within its grace: there are prices.
    assert recording.handed[-1] == ("glop", POLISH_GRACE_SECONDS)
    assert max(float(np.abs(family.value).max(initial=0)) for family in result.families) > 0


def test_nodes_of_all_parts_are_found(recording: Recording) -> None:
    instance = optimizer.read(TINY / "activation")
    method = Direct(Stub("tells, sleeps", integers=True))
    found: Found = method(instance, Limits(seconds=1.5), Silent())
    assert found.reason is Reason.TIME_LIMIT
    assert found.nodes == NODES * found.size.parts

"""A solver that misbehaves on demand, in a child process like any other.

``Workers(..., module="tests.conformance.stub_worker")`` starts children that know it.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optimizer.program import Basis, Program
from optimizer.solvers.base import Capabilities, Float, News, Outcome, Reason, Tell
from optimizer.solvers.glop import Glop
from optimizer.solvers.highs import Highs
from optimizer.solvers.workers import Workers

MODULE = "tests.conformance.stub_worker"


@dataclass(frozen=True)
class Stub:
    """Does what ``behaviour`` says: a name in ``BEHAVIOURS``."""

    behaviour: str = "honest"
    exact: bool = True
    integers: bool = False
    name: str = "stub"

    @property
    def capabilities(self) -> Capabilities:
        """Claims to be an exact solver unless told otherwise."""
        return Capabilities(duals=True, exact=self.exact, integers=self.integers, basis=False)

    def solve(
        self,
        program: Program,
        seconds: float | None = None,
        start: Basis | None = None,
        hint: Float | None = None,
        tell: Tell | None = None,
    ) -> Outcome:
        """Misbehave."""
        if self.behaviour in TELLING:
            assert tell is not None
            return TELLING[self.behaviour](program, tell)
        return BEHAVIOURS[self.behaviour](program)


def stub_workers(count: int = 1, memory_mib: int | None = None) -> Workers:
    """Give children that know the stub beside the real solvers."""
    return Workers(count, memory_mib, MODULE)


def _honest(program: Program) -> Outcome:
    return Glop().solve(program) if program.integer is None else Highs().solve(program)


def _sleeps(program: Program) -> Outcome:
    while True:
        time.sleep(1)


def _aborts(program: Program) -> Outcome:
    os.abort()


def _segfaults(program: Program) -> Outcome:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)
    return _sleeps(program)


def _exits(program: Program) -> Outcome:
    sys.stderr.write("the licence has run out\n")
    sys.stderr.flush()
    os._exit(3)


def _raises(program: Program) -> Outcome:
    raise ZeroDivisionError("pivot is zero")


def _eats_memory(program: Program) -> Outcome:
    return Outcome(Reason.OPTIMAL, values=np.ones(2**33))


def _prints(program: Program) -> Outcome:
    os.write(1, b"Welcome to the solver\n" * 10_000)
    return _honest(program)


def _answers_rubbish(program: Program) -> Outcome:
    """Write on the very pipe that answers go through, past the redirection of descriptor 1."""
    for descriptor in range(3, 10):
        try:
            os.write(descriptor, b"\x10\0\0\0\0\0\0\0{this is not a message, nor its end")
        except OSError:
            continue
    return _sleeps(program)


def _with_values(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Program], Outcome]:
    def solve(program: Program) -> Outcome:
        true = _honest(program)
        assert true.values is not None
        return dataclasses.replace(true, values=change(true.values))

    return solve


def _with_duals(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Program], Outcome]:
    def solve(program: Program) -> Outcome:
        true = _honest(program)
        assert true.duals is not None
        return dataclasses.replace(true, duals=change(true.duals))

    return solve


NODES = 7


def _tells(program: Program, tell: Tell) -> None:
    """Tell of a plan, then of a bound a little below its cost."""
    true = _honest(program)
    assert true.values is not None
    cost = float(program.cost @ true.values)
    tell(News(values=true.values))
    tell(News(bound=cost - 1.0, nodes=NODES))


def _tells_rubbish(program: Program, tell: Tell) -> None:
    columns = program.num_columns
    tell(News(values=np.zeros(columns + 1), bound=float("nan"), nodes=1))
    tell(News(values=np.full(columns, np.nan)))
    tell(News(values=np.zeros((columns, 1))))


def _tells_late(program: Program, tell: Tell) -> Outcome:
    """Answer, and tell from a thread that does not know of it."""

    def later() -> None:
        for _ in range(20):
            time.sleep(0.01)
            _tells_rubbish(program, tell)

    threading.Thread(target=later, daemon=True).start()
    return _honest(program)


def _telling(*acts: Callable[..., object]) -> Callable[[Program, Tell], Outcome]:
    *before, last = acts

    def solve(program: Program, tell: Tell) -> Outcome:
        for act in before:
            act(program, tell)
        outcome = last(program)
        assert isinstance(outcome, Outcome)
        return outcome

    return solve


TELLING: dict[str, Callable[[Program, Tell], Outcome]] = {
    "tells, sleeps": _telling(_tells, _sleeps),
    "tells, aborts": _telling(_tells, _aborts),
    "tells, answers": _telling(_tells, _honest),
    "tells, fails": _telling(_tells, _raises),
    "tells, knows nothing": _telling(_tells, lambda program: Outcome(Reason.TIME_LIMIT)),
    "tells, infeasible": _telling(_tells, lambda program: Outcome(Reason.INFEASIBLE)),
    "tells rubbish": _telling(_tells_rubbish, _sleeps),
    "tells, then rubbish": _telling(_tells, _tells_rubbish, _sleeps),
    "tells late": _tells_late,
}
"""What the stub can do that tells of news on the way, by name."""

BEHAVIOURS: dict[str, Callable[[Program], Outcome]] = {
    "honest": _honest,
    "sleeps": _sleeps,
    "aborts": _aborts,
    "segfaults": _segfaults,
    "exits": _exits,
    "raises": _raises,
    "eats memory": _eats_memory,
    "prints": _prints,
    "answers rubbish": _answers_rubbish,
    "NaN": _with_values(lambda values: np.full_like(values, np.nan)),
    "one NaN": _with_values(lambda values: np.where(np.arange(len(values)) == 0, np.nan, values)),
    "infinity": _with_values(lambda values: values + np.inf),
    "too few values": _with_values(lambda values: values[:-1]),
    "too many values": _with_values(lambda values: np.append(values, 0.0)),
    "matrix of values": _with_values(lambda values: values[:, None]),
    "nothing at all": _with_values(np.zeros_like),
    "half more": _with_values(lambda values: values * 1.5),
    "a thousandth less": _with_values(lambda values: values * 0.999),
    "negative": _with_values(lambda values: -values),
    "too few duals": _with_duals(lambda duals: duals[:-1]),
    "NaN duals": _with_duals(lambda duals: np.full_like(duals, np.nan)),
    "huge duals": _with_duals(lambda duals: duals - 1e12),
    "negated duals": _with_duals(lambda duals: -duals),
    "no duals": lambda program: dataclasses.replace(_honest(program), duals=None),
    "no values": lambda program: Outcome(Reason.OPTIMAL),
    "false infeasible": lambda program: Outcome(Reason.INFEASIBLE, detail="trust me"),
    "false unbounded": lambda program: Outcome(Reason.UNBOUNDED, detail="trust me"),
    "false time limit": lambda program: Outcome(Reason.TIME_LIMIT),
}
"""What the stub can do, by name."""

"""Whatever a solver does to its process, the parent gets an outcome in time.

Each test starts a child that does it for real.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from optimizer.solvers import workers as module_under_test
from optimizer.solvers.base import News, Outcome, Reason
from optimizer.solvers.highs import Highs
from optimizer.solvers.workers import Job, Workers
from tests.conformance.cases import least_cost, transport
from tests.conformance.stub import NODES, Stub, stub_workers

PROGRAM = transport(3, 4)


@pytest.fixture(scope="module")
def shared() -> Iterator[Workers]:
    """One child that most tests share: that the next job works is part of what they show."""
    workers = stub_workers()
    yield workers
    workers.close()


@pytest.fixture(autouse=True)
def no_stop_from_before() -> Iterator[None]:
    """An interrupt of one test must not reach into the next."""
    module_under_test.stop_requested.clear()
    yield
    module_under_test.stop_requested.clear()


def run(workers: Workers, *behaviours: str, seconds: float | None = 60.0) -> list[Outcome]:
    return workers.run([Job(Stub(behaviour), PROGRAM) for behaviour in behaviours], seconds)


def check_next_job(workers: Workers) -> None:
    (outcome,) = run(workers, "honest")
    assert outcome.reason is Reason.OPTIMAL, outcome.detail


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("aborts", "stub ended by SIGABRT"),
        ("segfaults", "stub ended by SIGSEGV"),
        ("exits", "stub ended by exit code 3: the licence has run out"),
    ],
)
def test_crash_names_its_cause_and_the_next_job_works(
    shared: Workers, behaviour: str, words: str
) -> None:
    first, second = run(shared, behaviour, "honest")
    assert first.reason is Reason.CRASHED
    assert words in first.detail
    assert second.reason is Reason.OPTIMAL


def test_exception_is_a_failure_with_its_text(shared: Workers) -> None:
    first, second = run(shared, "raises", "honest")
    assert first.reason is Reason.FAILED
    assert first.detail == "ZeroDivisionError: pivot is zero"
    assert second.reason is Reason.OPTIMAL


def test_rubbish_on_the_pipe_is_a_crash_and_not_a_hang(
    shared: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_under_test, "LAST_BREATH_SECONDS", 0.2)
    first, second = run(shared, "answers rubbish", "honest")
    assert first.reason is Reason.CRASHED
    assert second.reason is Reason.OPTIMAL


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("NaN", "not finite"),
        ("one NaN", "not finite"),
        ("infinity", "not finite"),
        ("too few values", r"shape \(11,\) where \(12,\) was asked for"),
        ("too many values", r"shape \(13,\) where \(12,\) was asked for"),
        ("matrix of values", r"shape \(12, 1\) where \(12,\) was asked for"),
        ("too few duals", r"row duals of shape \(6,\) where \(7,\) was asked for"),
        ("no values", "gave no column values"),
    ],
)
def test_answers_that_cannot_be_one_are_failures(
    shared: Workers, behaviour: str, words: str
) -> None:
    (outcome,) = run(shared, behaviour)
    assert outcome.reason is Reason.FAILED
    assert outcome.values is None
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(outcome.detail)


def test_output_of_a_solver_is_not_taken_for_its_answer(shared: Workers) -> None:
    (outcome,) = run(shared, "prints")
    assert outcome.reason is Reason.OPTIMAL


def test_endless_solver_is_killed_at_the_limit() -> None:
    workers = stub_workers(2)
    try:
        check_next_job(workers)
        begun = time.monotonic()
        ended = run(workers, "sleeps", "honest", "sleeps", "sleeps", seconds=1.0)
        took = time.monotonic() - begun
        assert [outcome.reason for outcome in ended] == [
            Reason.TIME_LIMIT, Reason.OPTIMAL, Reason.TIME_LIMIT, Reason.TIME_LIMIT,
        ]  # fmt: skip
        assert took < 1.0 + module_under_test.GRACE_SECONDS + 3.0
        check_next_job(workers)
    finally:
        workers.close()


def test_memory_limit_ends_the_solver_and_not_the_parent() -> None:
    """64 GiB asked for with 4 GiB allowed; the stub stands for a solver that grows."""
    workers = stub_workers(memory_mib=4096)
    try:
        first, second = run(workers, "eats memory", "honest")
        assert first.reason in (Reason.OUT_OF_MEMORY, Reason.CRASHED)
        assert first.detail
        assert second.reason is Reason.OPTIMAL
    finally:
        workers.close()


@pytest.mark.parametrize("solver", ["glop", "highs", "pdlp"])
def test_native_solver_without_memory_gives_an_outcome(solver: str) -> None:
    """With hardly more address space than its libraries take, a solver fails in its own way."""
    from optimizer.solvers.registry import solver_named

    workers = Workers(1, memory_mib=64)
    try:
        (outcome,) = workers.run([Job(solver_named(solver), transport(120, 120))], 30.0)
        assert outcome.reason in (Reason.OUT_OF_MEMORY, Reason.CRASHED, Reason.FAILED)
        assert outcome.detail
    finally:
        workers.close()


def test_child_that_died_while_idle_is_replaced() -> None:
    workers = stub_workers()
    try:
        check_next_job(workers)
        (child,) = workers._idle
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        check_next_job(workers)
    finally:
        workers.close()


def test_child_is_replaced_after_its_share_of_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_under_test, "JOBS_PER_CHILD", 2)
    workers = stub_workers()
    pids = set()
    try:
        for _ in range(3):
            for outcome in run(workers, "honest", "honest"):
                assert outcome.reason is Reason.OPTIMAL
            pids |= {child.process.pid for child in workers._idle}
        assert not pids, "a child that has had its jobs is not kept"
    finally:
        workers.close()


def test_children_that_cannot_be_started_end_every_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job is left waiting for a child that never comes."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    workers = stub_workers(2)
    ended = run(workers, *["honest"] * 5, seconds=None)
    assert [outcome.reason for outcome in ended] == [Reason.CRASHED] * 5
    assert "a solver process cannot be started" in ended[0].detail


def test_solver_that_is_no_record_ends_its_job(shared: Workers) -> None:
    class Loose:
        name = "loose"

    first, second = shared.run([Job(Loose(), PROGRAM), Job(Stub(), PROGRAM)])  # type: ignore[arg-type]
    assert first.reason is Reason.FAILED
    assert "a solver is a frozen record of its parameters" in first.detail
    assert second.reason is Reason.OPTIMAL


def test_unknown_solver_is_a_failure_with_the_list(shared: Workers) -> None:
    (outcome,) = Workers.run(shared, [Job(Stub(name="glpp"), PROGRAM)], 60.0)
    assert outcome.reason is Reason.FAILED
    assert "expected one of glop, pdlp, highs" in outcome.detail


def test_interrupt_ends_the_children_and_names_the_rest(shared: Workers) -> None:
    """A KeyboardInterrupt while waiting: what is done stays, the rest is INTERRUPTED.

    It is raised from the callback, which runs where the waiting does.
    """
    check_next_job(shared)
    begun = time.monotonic()

    def press(position: int, outcome: Outcome) -> None:
        raise KeyboardInterrupt

    jobs = [Job(Stub(behaviour), PROGRAM) for behaviour in ("honest", "sleeps", "sleeps")]
    ended = shared.run(jobs, 60.0, press)
    assert [outcome.reason for outcome in ended] == [
        Reason.OPTIMAL, Reason.INTERRUPTED, Reason.INTERRUPTED,
    ]  # fmt: skip
    assert time.monotonic() - begun < 2.0
    # It is remembered until a new search begins.
    assert run(shared, "honest")[0].reason is Reason.INTERRUPTED
    module_under_test.stop_requested.clear()
    check_next_job(shared)


# --- what a solver told of on the way ---------------------------------------------------------


def check_told(outcome: Outcome) -> None:
    least = least_cost(PROGRAM)
    assert outcome.values is not None
    assert PROGRAM.cost @ outcome.values == pytest.approx(least)
    assert outcome.bound == pytest.approx(least - 1.0)
    assert outcome.nodes == NODES


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("tells, sleeps", Reason.TIME_LIMIT),
        ("tells, aborts", Reason.CRASHED),
        ("tells, fails", Reason.FAILED),
        ("tells, knows nothing", Reason.TIME_LIMIT),
        ("tells, then rubbish", Reason.TIME_LIMIT),
    ],
)
def test_what_was_told_survives_the_end_of_the_solver(
    shared: Workers, behaviour: str, reason: Reason
) -> None:
    check_next_job(shared)
    (outcome,) = run(shared, behaviour, seconds=1.0)
    assert outcome.reason is reason
    check_told(outcome)
    check_next_job(shared)


def test_what_was_told_survives_an_interrupt(shared: Workers) -> None:
    """Raised where the waiting is, as soon as both the plan and the bound are known."""
    threads, known = [], []

    def press(position: int, news: News) -> None:
        threads.append(threading.get_ident())
        known.append(news)
        if news.values is not None and np.isfinite(news.bound):
            raise KeyboardInterrupt

    begun = time.monotonic()
    (outcome,) = shared.run([Job(Stub("tells, sleeps"), PROGRAM)], 60.0, heard=press)
    assert time.monotonic() - begun < 30.0
    assert outcome.reason is Reason.INTERRUPTED
    check_told(outcome)
    assert set(threads) == {threading.get_ident()}
    # The bound came alone; the plan from before is still known with it.
    assert [news.values is None for news in known] == [False, False]
    assert [news.nodes for news in known] == [0, NODES]


def test_a_verdict_is_not_mixed_with_what_was_told_before(shared: Workers) -> None:
    solved, infeasible = run(shared, "tells, answers", "tells, infeasible")
    assert solved.reason is Reason.OPTIMAL
    assert solved.bound == -np.inf
    assert infeasible.reason is Reason.INFEASIBLE
    assert infeasible.values is None


def test_news_that_cannot_be_any_is_left_out(shared: Workers) -> None:
    (outcome,) = run(shared, "tells rubbish", seconds=0.5)
    assert outcome.reason is Reason.TIME_LIMIT
    assert outcome.values is None
    assert outcome.bound == -np.inf
    assert outcome.nodes == 1


def test_news_after_the_answer_is_not_taken_for_another(shared: Workers) -> None:
    for outcome in run(shared, "tells late", "honest", "honest", "tells late", "honest"):
        assert outcome.reason is Reason.OPTIMAL, outcome.detail
    time.sleep(0.3)
    check_next_job(shared)


def test_jobs_run_despite_a_stop_when_asked_to(shared: Workers) -> None:
    module_under_test.stop_requested.set()
    jobs = [Job(Stub(), PROGRAM)]
    assert shared.run(jobs, 60.0)[0].reason is Reason.INTERRUPTED
    assert shared.run(jobs, 60.0, despite_stop=True)[0].reason is Reason.OPTIMAL


def test_another_interrupt_ends_jobs_that_run_despite_a_stop(shared: Workers) -> None:
    module_under_test.stop_requested.set()

    def press(position: int, outcome: Outcome) -> None:
        raise KeyboardInterrupt

    jobs = [Job(Stub(behaviour), PROGRAM) for behaviour in ("honest", "sleeps")]
    ended = shared.run(jobs, 60.0, press, despite_stop=True)
    assert [outcome.reason for outcome in ended] == [Reason.OPTIMAL, Reason.INTERRUPTED]


def test_no_child_is_taken_after_the_stop() -> None:
    """Taken a moment after the children were killed, a child would be waited for in vain."""
    workers = stub_workers()
    stop = threading.Event()
    stop.set()
    assert workers._take(stop) is None


def test_child_ends_with_its_parent() -> None:
    """A parent that is killed leaves no idle child behind: the closed pipe ends it."""
    script = (
        "import os, sys, signal\n"
        "from tests.conformance.stub import Stub, stub_workers\n"
        "from tests.conformance.test_workers import PROGRAM, Job\n"
        "workers = stub_workers()\n"
        "workers.run([Job(Stub(), PROGRAM)])\n"
        "print(workers._idle[0].process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    pid = int(done.stdout)
    for _ in range(100):
        if not _alive(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the child outlived its parent")


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a line of a process table
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_order_of_outcomes_is_that_of_the_jobs() -> None:
    workers = stub_workers(2)
    try:
        sizes = [(2, 3), (4, 5), (3, 3), (5, 2), (6, 6)]
        jobs = [Job(Highs(), transport(*size)) for size in sizes]
        seen: list[int] = []
        outcomes = workers.run(jobs, 60.0, lambda position, outcome: seen.append(position))
        assert [len(outcome.values) for outcome in outcomes] == [a * b for a, b in sizes]
        assert sorted(seen) == list(range(5))
        assert all(np.isfinite(outcome.values).all() for outcome in outcomes)
    finally:
        workers.close()

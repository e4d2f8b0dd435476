"""Child processes that solvers run in, so that none can take the program down.

A native solver may crash, swallow Ctrl-C, overrun its time limit, or print on standard
output. In a child it can do all of that: the parent waits with a clock, kills what is late,
and turns every end of a child into an outcome. Children are started on demand with a plain
command (never by fork, which threads and numba do not survive, nor by re-importing the
caller's main module), and are kept for the next call.
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from optimizer.errors import SolverError
from optimizer.program import Program
from optimizer.solvers.base import Basis, Float, News, Outcome, Reason, Solver, Tell
from optimizer.solvers.wire import receive, send
from optimizer.solvers.worker import pack, parameters_of, unpack_news, unpack_outcome

GRACE_SECONDS = 1.0
"""How long a solver may overrun its limit before it is killed."""
START_MODULE = "optimizer.solvers.worker"
"""Module that a child runs: it serves jobs on its standard input and output."""
LAST_BREATH_SECONDS = 5.0
"""How long a child that broke off its answer has to end by itself."""
JOBS_PER_CHILD = 2000
"""Jobs after which a child is replaced, so that leaks in native code stay small."""

Done = Callable[[int, Outcome], None]
Heard = Callable[[int, News], None]
_Ended = queue.SimpleQueue[tuple[int, Outcome | News]]

stop_requested = threading.Event()
"""Set to end all solving in this process; each new search clears it first.

A signal handler sets it beside raising KeyboardInterrupt, because an exception that is raised
in the wrong place (a destructor, a callback from native code) is lost without a trace.
"""


@dataclass(frozen=True, eq=False)
class Job:
    """One program for one solver.

    Attributes
    ----------
    solver, program, start : what to solve, with what, from where.
    hint : (n,) column values of a plan to start from, for solvers with integer columns.
    """

    solver: Solver
    program: Program
    start: Basis | None = None
    hint: Float | None = None


class _Child:
    """One child process and its pipes."""

    def __init__(self, module: str) -> None:
        root = str(Path(__file__).parents[2])
        path = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(path),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self.jobs = 0
        self.killed = False
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            self.log.close()
            raise SolverError(f"a solver process cannot be started: {error}") from error

    def solve(
        self, job: Job, seconds: float | None, memory_mib: int | None, tell: Tell
    ) -> tuple[Outcome, float]:
        """Hand a job over and wait; gives the outcome and the child's peak RSS in MiB.

        What the child tells before it answers is passed on, in this thread.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.jobs += 1
        head = {
            "solver": job.solver.name,
            "parameters": parameters_of(job.solver),
            "seconds": seconds,
            "memory_mib": memory_mib,
        }
        try:
            send(self.process.stdin, head, pack(job.program, job.start, job.hint))
            answer, arrays = receive(self.process.stdout)
            while (news := unpack_news(answer, arrays)) is not None:
                tell(news)
                answer, arrays = receive(self.process.stdout)
        except (EOFError, OSError, ValueError):
            return self._death(job), 0.0
        return unpack_outcome(answer, arrays), float(answer["peak_rss_mib"])

    @property
    def usable(self) -> bool:
        """Whether the child lives, was not told to end, and is not yet due for replacement."""
        return not self.killed and self.process.poll() is None and self.jobs < JOBS_PER_CHILD

    def kill(self) -> None:
        """End the child at once, wherever it is; the thread that reads from it sees the end."""
        self.killed = True
        self.process.kill()

    def close(self) -> None:
        """Release what is left of a child that has ended or is no longer wanted."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.log):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # a broken pipe has nothing left to flush
                    continue

    def _death(self, job: Job) -> Outcome:
        try:
            code = self.process.wait(LAST_BREATH_SECONDS)
        except subprocess.TimeoutExpired:  # it lives, but what it said was no answer
            self.process.kill()
            code = self.process.wait()
        self.log.seek(0)
        last = self.log.read().decode(errors="replace").strip().splitlines()[-1:]
        how = f"exit code {code}"
        if code < 0:
            how = signal.Signals(-code).name
            if code == -signal.SIGKILL:
                how += " (killed, perhaps for want of memory)"
        words = f": {last[0]}" if last else ""
        return Outcome(Reason.CRASHED, detail=f"{job.solver.name} ended by {how}{words}")


class Workers:
    """Up to ``count`` children that share a list of jobs.

    Parameters
    ----------
    count : most children at work at once.
    memory_mib : address space of each child, None for no limit.
    module : module that a child runs; tests name one that knows more solvers.
    """

    def __init__(
        self, count: int, memory_mib: int | None = None, module: str = START_MODULE
    ) -> None:
        self.count = max(1, count)
        self.memory_mib = memory_mib
        self.module = module
        self.peak_rss_mib = 0.0
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def start(self, count: int = 1) -> None:
        """Have children ready, so that they import while the caller does something else."""
        with self._lock:
            while len(self._idle) < min(count, self.count):
                self._idle.append(_Child(self.module))

    def run(
        self,
        jobs: Sequence[Job],
        seconds: float | None = None,
        done: Done | None = None,
        heard: Heard | None = None,
        *,
        despite_stop: bool = False,
    ) -> list[Outcome]:
        """Solve every job; gives outcomes in the order of the jobs.

        Parameters
        ----------
        seconds : wall-clock limit for all jobs together; what is not finished by then
            ends as TIME_LIMIT, whether or not its solver would stop.
        done : called with position and outcome as each job ends, in the calling thread.
        heard : called with position and all that is known of a job that is not finished, as
            its solver tells; in the calling thread.
        despite_stop : run although a stop was requested before; another one still ends it.

        Notes
        -----
        KeyboardInterrupt while waiting sets ``stop_requested``, which ends every child;
        unfinished jobs come back as INTERRUPTED, and so does every job of a later call until
        the event is cleared. The caller decides what to do with the rest.

        A job that is ended from outside, or whose child crashed, comes back with the best
        values and bound that its solver told of.
        """
        if stop_requested.is_set() and not despite_stop:
            return [_LOST[Reason.INTERRUPTED]] * len(jobs)
        deadline = None if seconds is None else time.monotonic() + seconds
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for position in range(len(jobs)):
            todo.put(position)
        ended: _Ended = queue.SimpleQueue()
        known: dict[int, News] = {}
        stop = threading.Event()
        threads = [
            threading.Thread(
                target=self._drain,
                args=(jobs, todo, ended, known, deadline, stop),
                daemon=True,
            )
            for _ in range(min(self.count, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        found = self._collect(len(jobs), ended, deadline, stop, done, heard, despite_stop)
        for thread in threads:
            thread.join()
        while not ended.empty():
            position, outcome = ended.get()
            # Children killed by us answer as crashed; that is our doing.
            if isinstance(outcome, Outcome) and outcome.reason is not Reason.CRASHED:
                found.setdefault(position, outcome)
        lost = _LOST[Reason.INTERRUPTED if stop_requested.is_set() else Reason.TIME_LIMIT]
        return [
            _with_news(found.get(position, lost), known.get(position))
            for position in range(len(jobs))
        ]

    def _collect(
        self,
        count: int,
        ended: _Ended,
        deadline: float | None,
        stop: threading.Event,
        done: Done | None,
        heard: Heard | None,
        despite_stop: bool,
    ) -> dict[int, Outcome]:
        """Wait for the jobs with a clock; kill the children when time is up."""
        found: dict[int, Outcome] = {}
        pressed = False
        while len(found) < count and not stop.is_set() and not pressed:
            try:
                if stop_requested.is_set() and not despite_stop:
                    break
                late = deadline is not None and time.monotonic() > deadline + GRACE_SECONDS
                if late:
                    break
                position, outcome = ended.get(timeout=0.1)
                if isinstance(outcome, News):
                    if heard is not None:
                        heard(position, outcome)
                    continue
                found[position] = outcome
                if done is not None:
                    done(position, outcome)
            except queue.Empty:
                continue
            except KeyboardInterrupt:
                # Remembered, since every job may have ended in this very moment.
                stop_requested.set()
                pressed = True
        if len(found) < count:
            stop.set()
            self._kill_busy()
        return found

    def _drain(
        self,
        jobs: Sequence[Job],
        todo: queue.SimpleQueue[int],
        ended: _Ended,
        known: dict[int, News],
        deadline: float | None,
        stop: threading.Event,
    ) -> None:
        """One child's life with this list of jobs; runs in a thread of its own.

        ``known`` takes the last news of each job.
        """
        child: _Child | None = None
        while not stop.is_set():
            try:
                position = todo.get_nowait()
            except queue.Empty:
                break
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                ended.put((position, Outcome(Reason.TIME_LIMIT, detail="not started")))
                continue
            try:
                child = child or self._take(stop)
                if child is None:
                    break
                tell = _teller(position, known, ended)
                outcome, peak = child.solve(jobs[position], left, self.memory_mib, tell)
            except Exception as error:
                # Nothing may end this thread: the jobs it leaves would be waited for.
                outcome, peak = _fault(error), 0.0
                if child is not None:
                    child.kill()  # who knows what is in its pipes
            self.peak_rss_mib = max(self.peak_rss_mib, peak)
            ended.put((position, outcome))
            if child is not None and (not child.usable or outcome.reason in _UNSOUND):
                self._discard(child)
                child = None
        if child is not None:
            self._give_back(child)

    def _take(self, stop: threading.Event) -> _Child | None:
        """A child at work from now on; None once everything is to stop."""
        with self._lock:
            # Looked at under the lock: a child taken after the killing would live on.
            if stop.is_set():
                return None
            child = self._idle.pop() if self._idle else _Child(self.module)
            while not child.usable:
                child.close()
                child = self._idle.pop() if self._idle else _Child(self.module)
            self._busy.add(child)
        return child

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
            if child.usable:
                self._idle.append(child)
                return
        child.close()

    def _discard(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
        child.close()

    def _kill_busy(self) -> None:
        with self._lock:
            for child in self._busy:
                child.kill()

    def close(self) -> None:
        """End every child."""
        if os.getpid() != self._owner:
            return  # a forked copy must not end its parent's children
        with self._lock:
            children = [*self._idle, *self._busy]
            self._idle, self._busy = [], set()
        for child in children:
            child.close()


_UNSOUND = (Reason.CRASHED, Reason.OUT_OF_MEMORY)
"""Ends after which a child is not trusted with another job."""
_LOST = {
    reason: Outcome(reason, detail="stopped from outside")
    for reason in (Reason.INTERRUPTED, Reason.TIME_LIMIT)
}
"""Outcomes of jobs that are ended by us."""
_VERDICTS = (Reason.OPTIMAL, Reason.INFEASIBLE, Reason.UNBOUNDED)
"""Ends after which a solver knows more than it told of on the way."""


def _teller(position: int, known: dict[int, News], ended: _Ended) -> Tell:
    def tell(news: News) -> None:
        known[position] = news.since(known.get(position))
        ended.put((position, known[position]))

    return tell


def _with_news(outcome: Outcome, news: News | None) -> Outcome:
    """An outcome that is no verdict, with what its solver told of on the way."""
    if news is None or outcome.reason in _VERDICTS:
        return outcome
    return replace(
        outcome,
        values=news.values if outcome.values is None else outcome.values,
        bound=max(outcome.bound, news.bound),
        nodes=max(outcome.nodes, news.nodes),
    )


def _fault(error: Exception) -> Outcome:
    """Outcome of a job that never reached a solver."""
    if isinstance(error, SolverError):
        return Outcome(Reason.CRASHED, detail=str(error))
    return Outcome(Reason.FAILED, detail=f"{type(error).__name__}: {error}")


_shared: dict[tuple[int, int, int | None], Workers] = {}


def shared_workers(count: int, memory_mib: int | None = None) -> Workers:
    """The children of this process, kept between calls and ended with it."""
    key = (os.getpid(), count, memory_mib)
    if key not in _shared:
        _shared[key] = Workers(count, memory_mib)
        atexit.register(_shared[key].close)
    return _shared[key]


def end_all() -> None:
    """End every child of this process at once."""
    for workers in list(_shared.values()):
        workers.close()

"""The child's side: take programs from standard input, solve, answer on standard output.

Before the answer to a job there may be any number of messages with news.

Run as ``python -P -m optimizer.solvers.worker``. Native libraries print what they like on
file descriptor 1, so it is pointed at standard error and answers go out on a copy.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from optimizer.program import Program
from optimizer.solvers.base import Basis, Float, News, Outcome, Reason, Tell
from optimizer.solvers.registry import solver_named
from optimizer.solvers.wire import receive, send

_PARTS = ("cost", "lower", "upper", "row_lower", "row_upper", "starts", "columns", "values")


def pack(
    program: Program, start: Basis | None = None, hint: Float | None = None
) -> dict[str, NDArray[Any]]:
    """Arrays of a job."""
    arrays = {name: getattr(program, name) for name in _PARTS}
    if program.integer is not None:
        arrays["integer"] = program.integer
    if start is not None:
        arrays |= {"start_columns": start.columns, "start_rows": start.rows}
    if hint is not None:
        arrays["hint"] = hint
    return arrays


def unpack_news(head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> News | None:
    """News from its message, None when the message is an answer."""
    if "reason" in head:
        return None
    return News(arrays.get("values"), head["bound"], head["nodes"])


def unpack_outcome(head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Outcome:
    """An outcome from its message."""
    basis = None
    if "basis_columns" in arrays:
        basis = Basis(arrays["basis_columns"], arrays["basis_rows"])
    return Outcome(
        Reason(head["reason"]),
        arrays.get("values"),
        arrays.get("duals"),
        basis,
        head["detail"],
        head["seconds"],
        head["iterations"],
        head["bound"],
        head["nodes"],
    )


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer jobs until the parent closes the pipe."""
    while True:
        try:
            head, arrays = receive(source)
        except EOFError:
            return
        outcome = _solve(head, arrays, sink)
        answer = {
            "reason": outcome.reason.value,
            "detail": outcome.detail,
            "seconds": outcome.seconds,
            "iterations": outcome.iterations,
            "bound": outcome.bound,
            "nodes": outcome.nodes,
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        found: dict[str, NDArray[Any]] = {}
        if outcome.values is not None:
            found["values"] = outcome.values
        if outcome.duals is not None:
            found["duals"] = outcome.duals
        if outcome.basis is not None:
            found |= {"basis_columns": outcome.basis.columns, "basis_rows": outcome.basis.rows}
        send(sink, answer, found)


def _solve(head: dict[str, Any], arrays: dict[str, NDArray[Any]], sink: BinaryIO) -> Outcome:
    """Solve one job; whatever goes wrong becomes an outcome."""
    try:
        if head.get("memory_mib"):
            limit = int(head["memory_mib"]) * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        parts: dict[str, Any] = {name: arrays[name] for name in _PARTS}
        program = Program(**parts, integer=arrays.get("integer"))
        start = None
        if "start_columns" in arrays:
            start = Basis(arrays["start_columns"], arrays["start_rows"])
        solver = solver_named(head["solver"], **head["parameters"])
        with _telling(sink, program) as tell:
            outcome = solver.solve(program, head["seconds"], start, arrays.get("hint"), tell)
        return _plausible(outcome, program)
    except MemoryError as error:
        return Outcome(Reason.OUT_OF_MEMORY, detail=str(error) or "out of memory")
    except Exception as error:
        return Outcome(Reason.FAILED, detail=f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def _telling(sink: BinaryIO, program: Program) -> Iterator[Tell]:
    """What sends news while a job lasts; news that cannot be any is left out.

    It is sent at once and not from a list, so that a crash loses none. Solvers call from
    threads of their own: nothing is sent once the job has ended, when the answer is.
    """
    lock, ended = threading.Lock(), threading.Event()

    def tell(news: News) -> None:
        values, bound = news.values, float(news.bound)
        if values is not None and (
            np.shape(values) != (program.num_columns,) or not np.isfinite(values).all()
        ):
            values = None
        head = {"bound": -math.inf if math.isnan(bound) else bound, "nodes": int(news.nodes)}
        with lock:
            # A broken pipe is noticed by who waits for the parent.
            if not ended.is_set():
                with contextlib.suppress(OSError):
                    send(sink, head, {} if values is None else {"values": values})

    try:
        yield tell
    finally:
        with lock:
            ended.set()


def _plausible(outcome: Outcome, program: Program) -> Outcome:
    """The outcome, or a failure when its arrays cannot be an answer to the program.

    Whether they are a good answer is for the judge; here it is only seen to that they can be
    put together with the answers of other parts.
    """
    columns, rows = (program.num_columns,), (program.num_rows,)
    shapes: list[tuple[NDArray[Any] | None, tuple[int], str]] = [
        (outcome.values, columns, "column values"),
        (outcome.duals, rows, "row duals"),
    ]
    if outcome.basis is not None:
        shapes += [
            (outcome.basis.columns, columns, "column statuses"),
            (outcome.basis.rows, rows, "row statuses"),
        ]
    fault = ""
    for array, shape, what in shapes:
        if array is not None and np.shape(array) != shape:
            fault = f"gave {what} of shape {np.shape(array)} where {shape} was asked for"
    if not fault and outcome.values is not None and not np.isfinite(outcome.values).all():
        fault = "gave column values that are not finite"
    if not fault and outcome.values is None and outcome.reason is Reason.OPTIMAL:
        fault = "called the program solved and gave no column values"
    if not fault:
        return outcome
    return Outcome(Reason.FAILED, detail=fault, seconds=outcome.seconds)


def warm_up() -> None:
    """Import what every job needs, while the parent still reads and builds."""
    import ortools.linear_solver.python.model_builder_helper
    import ortools.math_opt.core.python.solver
    import scipy.sparse

    _ = (ortools, scipy, np)


def end_with_parent(parent: int, pause_seconds: float = 1.0) -> None:
    """End this process soon after its parent has ended without saying so.

    A solve holds no lock of the interpreter, so this thread runs beside it.
    """
    while os.getppid() == parent:
        time.sleep(pause_seconds)
    os._exit(1)


def main() -> None:
    """Serve the parent that started this process."""
    threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    # The parent decides when to stop; a Ctrl-C on the terminal is for it alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "wb") as sink, os.fdopen(os.dup(0), "rb") as source:
        os.dup2(2, 1)
        warm_up()
        serve(source, sink)


def parameters_of(solver: object) -> dict[str, Any]:
    """The parameters of a solver record, to make it again in the child."""
    if not dataclasses.is_dataclass(solver) or isinstance(solver, type):
        raise TypeError("a solver is a frozen record of its parameters")
    return {
        entry.name: getattr(solver, entry.name)
        for entry in dataclasses.fields(solver)
        if entry.name != "name"
    }


if __name__ == "__main__":
    main()

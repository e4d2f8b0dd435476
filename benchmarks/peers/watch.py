"""A process with all it starts: run within limits on time and memory, and ended past them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

EVERY_SECONDS = 0.1
STARTING_SECONDS = 300.0
"""For libraries, arrays and the tiny problem, before the clock runs."""


@dataclass(frozen=True)
class Watched:
    """How a run ended.

    Attributes
    ----------
    outcome : empty when it ended by itself with exit code 0, else why it did not.
    peak_rss_mib : largest resident memory of all its processes together, as seen ten times a
        second.
    seconds : from its beginning to its end.
    cpu_seconds : used by all its processes meanwhile, as last seen.
    """

    outcome: str
    peak_rss_mib: float
    seconds: float
    cpu_seconds: float


def watched(
    command: list[str],
    variables: dict[str, str],
    begun: Path,
    log: Path,
    limit_s: float,
    limit_mib: float,
) -> Watched:
    """Run a command.

    Parameters
    ----------
    begun : file that it makes when its clock starts to run.
    log : where it may say what it likes.
    limit_s, limit_mib : seconds from then on, and memory of all its processes.
    """
    started, since, peak, outcome = time.monotonic(), 0.0, 0.0, ""
    known: set[tuple[int, str]] = set()
    used: dict[tuple[int, str], float] = {}
    before = 0.0
    with log.open("wb") as file:
        running = subprocess.Popen(
            command, env=variables, stdout=file, stderr=file, stdin=subprocess.DEVNULL
        )
    try:
        while running.poll() is None and not outcome:
            time.sleep(EVERY_SECONDS)
            now = time.monotonic()
            family = _family(running.pid)
            known |= family
            for process in family:
                used[process] = max(used.get(process, 0.0), _cpu_seconds(process[0]))
            if not since:
                since = now if begun.exists() else 0.0
                before = sum(used.values())
                if not since and now - started > STARTING_SECONDS:
                    outcome = f"did not begin in {STARTING_SECONDS:g} s"
                continue
            memory = sum(_rss_mib(process) for process, _ in family)
            peak = max(peak, memory)
            if now - since > limit_s:
                outcome = f"not done in {limit_s:g} s"
            elif memory > limit_mib:
                outcome = f"ended beyond {limit_mib / 1024:g} GiB after {now - since:.0f} s"
    finally:
        known |= _family(running.pid)
        if running.poll() is None:
            running.kill()
        code = running.wait()
        _end(known - {(running.pid, birth) for _, birth in known})
    if not outcome and code != 0:
        outcome = f"failed: {_last_line(log)}" if code > 0 else f"ended by signal {-code}"
    seconds = time.monotonic() - since if since else 0.0
    return Watched(outcome, peak, seconds, sum(used.values()) - before)


def _family(parent: int) -> set[tuple[int, str]]:
    """A process and all below it, each with the time of its birth."""
    children: dict[int, list[tuple[int, str]]] = {}
    found: set[tuple[int, str]] = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        birth = _born(int(name))
        if birth is None:
            continue
        if int(name) == parent:
            found.add((parent, birth[1]))
        children.setdefault(birth[0], []).append((int(name), birth[1]))
    waiting = [parent] if found else []
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child[0])
    return found


def _born(process: int) -> tuple[int, str] | None:
    """Parent and time of birth; None when it is gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    # The name of the command, which may hold anything, ends at the last bracket.
    words = text.rpartition(")")[2].split()
    return int(words[1]), words[19]


def _cpu_seconds(process: int) -> float:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0.0
    words = text.rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mib(process: int) -> float:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _end(family: set[tuple[int, str]]) -> None:
    """End what was started below, and nothing that got its number since."""
    for process, birth in family:
        alive = _born(process)
        if alive is not None and alive[1] == birth:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "said nothing"

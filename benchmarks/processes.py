"""Peak memory of this process by phase; memory and CPU of its children.

The kernel keeps the high-water mark of the resident set of every process (``VmHWM`` in
``/proc/PID/status``); writing 5 to ``/proc/self/clear_refs`` sets ours back to what is in
use now. So the peak of a phase includes what earlier phases left behind, and nothing that
they have let go of.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

_PROCESSES = Path("/proc")


def reset_peak() -> None:
    """Begin to measure: the high-water mark goes down to what is in use."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_rss_mib() -> float:
    """High-water mark of this process since the last reset."""
    return _mib(_status(_PROCESSES / "self")["VmHWM"])


def children_peak_rss_mib() -> tuple[float, ...]:
    """High-water mark of each child that lives, the largest first."""
    return tuple(sorted((_mib(text) for text in _of_children("VmHWM")), reverse=True))


def children_cpu_seconds() -> float:
    """CPU that children which live have used so far."""
    ticks = 0
    for process in _of_children("Pid"):
        try:
            # The name of the command, which may hold anything, ends at the last bracket.
            words = (_PROCESSES / process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def ended_child_peak_rss_mib() -> float:
    """High-water mark of the largest child that has ended, 0 when none has."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _of_children(entry: str) -> list[str]:
    """An entry of the status of each child that lives."""
    own = str(os.getpid())
    found = []
    for process in _PROCESSES.iterdir():
        if not process.name.isdigit():
            continue
        try:
            status = _status(process)
        except OSError:  # it ended meanwhile
            continue
        if status.get("PPid") == own and entry in status:
            found.append(status[entry])
    return found


def _status(process: Path) -> dict[str, str]:
    lines = (process / "status").read_text().splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in pairs}


def _mib(text: str) -> float:
    """``"1234 kB"`` in MiB."""
    return int(text.split()[0]) / 1024

"""Peak memory of this process by phase, and of its children.

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
    own = str(os.getpid())
    found = []
    for entry in _PROCESSES.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = _status(entry)
        except OSError:  # it ended meanwhile
            continue
        if status.get("PPid") == own and "VmHWM" in status:
            found.append(_mib(status["VmHWM"]))
    return tuple(sorted(found, reverse=True))


def ended_child_peak_rss_mib() -> float:
    """High-water mark of the largest child that has ended, 0 when none has."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _status(process: Path) -> dict[str, str]:
    lines = (process / "status").read_text().splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in pairs}


def _mib(text: str) -> float:
    """``"1234 kB"`` in MiB."""
    return int(text.split()[0]) / 1024

"""Where and with what a figure was measured."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ("token-placement-optimizer", "numpy", "scipy", "ortools", "numba", "polars")
LIKENESS = ("cpu", "cores", "memory_gib")
"""What two machines must have in common for their times to be compared."""


def machine() -> dict[str, Any]:
    """CPU model, cores this process may use, memory; no name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": next(named, platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30),
    }


def unlike(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """In what two machines differ, in words; empty when they are alike."""
    return [
        f"{what}: {one.get(what)} and {other.get(what)}"
        for what in LIKENESS
        if one.get(what) != other.get(what)
    ]


def load_average() -> float:
    """Processes that wanted a core over the last minute."""
    return round(os.getloadavg()[0], 2)


def versions() -> dict[str, str]:
    """Of Python and of the packages that matter for time."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def commit() -> dict[str, Any]:
    """The commit that is checked out, and whether the code differs from it."""
    head = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return {"hash": head or "unknown", "dirty": bool(changes) or not head}


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

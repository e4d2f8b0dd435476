"""Records: one JSON line per run, and the files they are kept in."""

from __future__ import annotations

import fcntl
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import commit, machine, versions

SCHEMA = 1
"""Version of the layout; keys may be added within a version, never changed."""
KEYS = ("schema", "case", "time", "commit", "machine", "load", "versions", "phases", "quality")


def record(
    case: str,
    code: dict[str, Any],
    load: tuple[float, float],
    phases: dict[str, dict[str, float]],
    quality: dict[str, Any],
    **more: Any,
) -> dict[str, Any]:
    """Make a record.

    Parameters
    ----------
    code : the commit before the run; if it is another one now, the code counts as changed.
    load : load average before and after the run.
    phases : figures by phase; the unit is the end of a figure's name.
    quality : how good the answer was.

    Raises
    ------
    ValueError
        When a time comes without the quality of the answer.
    """
    if not quality:
        raise ValueError(f"{case}: a time is never recorded without the quality of the answer")
    return {
        "schema": SCHEMA,
        "case": case,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": code | {"dirty": code["dirty"] or code != commit()},
        "machine": machine(),
        "load": {"before": load[0], "after": load[1]},
        "versions": versions(),
        **more,
        "phases": phases,
        "quality": quality,
    }


def keep(made: dict[str, Any], path: Path | None) -> None:
    """Add a record to a file, or print it when there is none."""
    if path is None:
        print(json.dumps(made), flush=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(made) + "\n")


def load(path: Path) -> list[dict[str, Any]]:
    """All records of a file.

    Raises
    ------
    ValueError
        When a line is no record of this layout.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        made = json.loads(line)
        missing = [key for key in KEYS if key not in made]
        if missing or made["schema"] != SCHEMA:
            raise ValueError(f"{path.name}, line {number}: not a record of layout {SCHEMA}")
        found.append(made)
    return found


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other benchmark runs on this machine, then keep others out."""
    with (Path(tempfile.gettempdir()) / "token-placement-benchmarks.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

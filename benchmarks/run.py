"""Run cases: ``python -m benchmarks.run [CASE ...] [--repeat N] [--out FILE.jsonl]``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, commit, load_average
from benchmarks.record import alone, keep, record
from benchmarks.registry import CASES, Case, case_named
from benchmarks.table import of_runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that are named, or all; gives 1 when an answer was not verified."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "cases",
        nargs="*",
        metavar="CASE",
        help="by default, every case but those for large machines",
    )
    parser.add_argument("--repeat", type=int, metavar="N", help="runs per case")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="file to append to")
    asked = parser.parse_args(arguments)
    try:
        cases = [case_named(name) for name in asked.cases]
    except LookupError as error:
        parser.error(str(error.args[0]))
    cases = cases or [case for case in CASES if not case.only_when_named]
    made = []
    with alone():
        for case in cases:
            with tempfile.TemporaryDirectory() as scratch:
                folder = case.prepare(Path(scratch)) or Path(scratch)
                for _ in range(asked.repeat or case.repeat):
                    one = run_once(case, folder)
                    made.append(one)
                    keep(one, asked.out)
    print(of_runs(made), file=sys.stderr)
    return 0 if all(one["quality"]["verified"] for one in made) else 1


def run_once(case: Case, folder: Path) -> dict[str, Any]:
    """Run a case in fresh processes; gives its record."""
    code, before = commit(), load_average()
    first = _fresh("first", {"folder": str(folder), "method": case.method})
    found = _fresh(
        "main",
        {
            "folder": str(folder),
            "method": case.method,
            "solver": case.solver,
            "time_limit_s": case.time_limit_s,
        },
    )
    found["phases"]["build"]["first_seconds"] = first["build_first_seconds"]
    return record(
        case.name,
        code,
        (before, load_average()),
        found["phases"],
        found["quality"],
        title=case.title,
        method=case.method,
        solver=case.solver,
        size=found["size"],
    )


def _fresh(part: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Do a part of :mod:`benchmarks.phases` in a process of its own."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks.phases", part, json.dumps(asked)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    sys.exit(main())

"""Whole processes: ``python -m benchmarks.startup [--repeat N] [--out FILE.jsonl]``.

Wall clock and peak memory of ``optimizer --help`` and of ``optimizer solve`` on the shipped
instance, from the start of the process to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cases.frontier import FOLDER
from benchmarks.machine import commit, load_average
from benchmarks.record import alone, keep, record
from benchmarks.table import of_runs

START = "import sys; from optimizer.cli.main import run; sys.argv[0] = 'optimizer'; run()"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both commands several times; gives 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="file to append to")
    asked = parser.parse_args(arguments)
    made = []
    with alone():
        for _ in range(asked.repeat):
            one = run_once()
            made.append(one)
            keep(one, asked.out)
    print(of_runs(made), file=sys.stderr)
    return 0 if all(one["quality"]["verified"] for one in made) else 1


def run_once() -> dict[str, Any]:
    """Run both commands once; gives their record."""
    code, before = commit(), load_average()
    help_, help_code, _ = _whole(["--help"])
    solve, solve_code, text = _whole(["solve", str(FOLDER), "--quiet", "--json"])
    answer = json.loads(text)
    names = ("status", "verified", "objective_usd", "bound_usd", "relative_gap")
    quality = {name: answer.get(name) for name in names}
    quality["exit_codes"] = [help_code, solve_code]
    quality["verified"] = bool(quality["verified"]) and help_code == solve_code == 0
    phases = {"help": help_, "solve": solve}
    load = (before, load_average())
    return record("startup", code, load, phases, quality, title="whole processes")


def _whole(arguments: list[str]) -> tuple[dict[str, float], int, str]:
    """Figures, exit code and output of a command; memory without that of its children."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", START, *arguments], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        text = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    figures = {"seconds": took, "peak_rss_mib": usage.ru_maxrss / 1024}
    return figures, process.returncode, text


if __name__ == "__main__":
    sys.exit(main())

"""Memory does not grow with the length of a trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LINES = 20_000
PROGRAM = """
import resource, sys
from optimizer.serving.traces.importing import read_traces
from optimizer.serving.traces.settings import TraceSettings
found = read_traces([sys.argv[1]], TraceSettings(late_seconds=float("inf")))
print(int(found.requests.sum()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_peak_memory_of_a_trace_ten_times_as_long(tmp_path: Path) -> None:
    header = b"TIMESTAMP,ContextTokens,GeneratedTokens\n"
    body = b"".join(
        b"2026-05-0%d %02d:%02d:%02d.1230000,%d,%d\n"
        % (1 + k % 7, k % 24, k % 60, k % 59, k % 9000, k % 700)
        for k in range(LINES)
    )
    peaks = []
    for times in (16, 160):  # 12 MB, which is three blocks, and 120 MB
        path = tmp_path / f"{times}.csv"
        with path.open("wb") as file:
            file.write(header)
            for _ in range(times):
                file.write(body)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
        )
        requests, kib = map(int, done.stdout.split())
        assert requests == times * LINES
        peaks.append(kib)
        path.unlink()
    assert peaks[1] < peaks[0] + 40_000, peaks

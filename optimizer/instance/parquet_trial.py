"""Try Parquet files in a process of its own, before this one reads them.

A damaged page can make the Rust reader ask for more memory than there is, or panic in a
thread of its own; either ends the process, and no ``except`` helps. So another process,
which takes a fifth of a second to start, goes first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_TRIAL = """
import sys
import polars
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass
for path in sys.argv[1:]:
    try:
        file = polars.scan_parquet(path, glob=False, hive_partitioning=False)
        rows = file.select(polars.len()).collect().item()
        # In slices: every page is read, and no table has to fit into memory twice.
        for begin in range(0, max(rows, 1), 4_000_000):
            file.slice(begin, 4_000_000).collect()
    except BaseException:
        continue
"""


def end_their_reader(paths: Sequence[Path]) -> bool:
    """Whether reading any of these files ends the process that does it.

    Errors that can be caught are left to whoever reads the file next; so is everything when
    no other process can be started.
    """
    if not sys.executable or not paths:
        return False
    try:
        done = subprocess.run(
            # Isolated, so that nothing in the working folder is imported.
            [sys.executable, "-I", "-c", _TRIAL, *(os.fspath(path.absolute()) for path in paths)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return False
    # Processes that a signal ended have a negative code.
    return done.returncode < 0

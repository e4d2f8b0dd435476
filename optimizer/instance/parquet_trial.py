"""Try a Parquet file in a process of its own, before this one reads it.

A damaged page can make the Rust reader ask for more memory than there is, or panic in a
thread of its own; either ends the process, and no ``except`` helps. So another process,
which takes a fifth of a second to start, goes first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_TRIAL = """
import sys
import polars
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass
polars.read_parquet(sys.argv[1], glob=False, hive_partitioning=False)
"""


def ends_its_reader(path: Path) -> bool:
    """Whether reading a file ends the process that does it.

    Errors that can be caught are left to whoever reads the file next; so is everything when
    no other process can be started.
    """
    if not sys.executable:
        return False
    try:
        done = subprocess.run(
            # Isolated, so that nothing in the working folder is imported.
            [sys.executable, "-I", "-c", _TRIAL, os.fspath(path.absolute())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return False
    # Processes that a signal ended have a negative code.
    return done.returncode < 0

"""A run is ended past its limits, with all that it started, and the record says so."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.peers.environments import OWN, python_of
from benchmarks.peers.watch import Watched, watched

BEGIN = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch(); "


def run(folder: Path, text: str, limit_s: float = 60.0, limit_mib: float = 4096.0) -> Watched:
    begun = folder / "begun"
    command = [sys.executable, "-c", BEGIN + text, str(begun), str(folder / "child")]
    return watched(command, dict(os.environ), begun, folder / "log", limit_s, limit_mib)


def alive(process: int) -> bool:
    """Whether it runs; a zombie nobody has collected yet does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_what_ends_by_itself_has_no_outcome(tmp_path: Path) -> None:
    assert run(tmp_path, "pass").outcome == ""


def test_time_is_up_for_the_children_too(tmp_path: Path) -> None:
    text = (
        "import subprocess, time; "
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True); "
        "pathlib.Path(sys.argv[2]).write_text(str(child.pid)); time.sleep(600)"
    )
    ended = run(tmp_path, text, limit_s=1.0)
    assert ended.outcome == "not done in 1 s"
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)


def test_cpu_is_that_of_all_processes_from_its_beginning_on(tmp_path: Path) -> None:
    busy = "import time; b = time.process_time()\nwhile time.process_time() - b < 0.6: pass"
    text = f"import subprocess; subprocess.run([sys.executable, '-c', {busy!r}])\n{busy}"
    ended = run(tmp_path, text)
    assert ended.outcome == ""
    assert ended.cpu_seconds >= 0.8


def test_too_much_memory_ends_a_run(tmp_path: Path) -> None:
    ended = run(tmp_path, "import time; a = bytearray(600 << 20); time.sleep(600)", 60.0, 256.0)
    assert ended.outcome.startswith("ended beyond 0.25 GiB")
    assert ended.peak_rss_mib > 256


def test_a_failure_says_its_last_words(tmp_path: Path) -> None:
    assert run(tmp_path, "raise ValueError('no such thing')").outcome == (
        "failed: ValueError: no such thing"
    )


def test_environments_have_lists() -> None:
    assert python_of(OWN, Path("/nowhere")) == Path(sys.executable)
    with pytest.raises(LookupError, match=r"no list nothing\.txt"):
        python_of("nothing", Path("/nowhere"))

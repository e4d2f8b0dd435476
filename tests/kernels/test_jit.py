"""Kernels give the same answers uncompiled, with bounds checked, and on a damaged cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

HERE = Path(__file__).parent
INNER = "OPTIMIZER_TEST_KERNELS_AGAIN"
"""Set in the runs that are started here, so that they start no further ones."""

outermost = pytest.mark.skipif(INNER in os.environ, reason="already one of the runs meant here")

SUM_UP = """
import numpy as np
from optimizer.kernels.placements import totals
zero = np.zeros(3, np.int64)
print(totals(zero, zero, np.array([1.0, 2.0, 4.0]), 1, 1)[0, 0])
"""


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env=os.environ | {INNER: "1"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=HERE.parents[1],
    )


def check_all_kernels(**environment: str) -> None:
    done = run("-m", "pytest", str(HERE), "-q", "-p", "no:cacheprovider", **environment)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


@outermost
def test_all_kernels_again_as_plain_python() -> None:
    check_all_kernels(NUMBA_DISABLE_JIT="1")


@outermost
def test_all_kernels_again_with_bounds_checked(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """With a cache of its own: what is compiled without checks must not be taken from it."""
    kept = getattr(pytestconfig, "cache", None)
    folder = tmp_path if kept is None else kept.mkdir("kernels-with-bounds-checked")
    check_all_kernels(NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(folder))


def test_switches_are_on_in_the_runs_started_here() -> None:
    """Else the runs above would show nothing."""
    if os.environ.get("NUMBA_DISABLE_JIT"):
        from optimizer.kernels.sweep import cheapest

        assert not hasattr(cheapest, "__wrapped__")
    if os.environ.get("NUMBA_BOUNDSCHECK"):
        assert numba.config.BOUNDSCHECK


def cache_files(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.rglob(f"*.{ending}"))


@pytest.fixture(scope="module")
def sound_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    done = run("-c", SUM_UP, NUMBA_CACHE_DIR=str(folder))
    assert done.stdout == "7.0\n", done.stderr
    return folder


@outermost
@pytest.mark.parametrize(
    ("ending", "keep"),
    [("nbi", 0.5), ("nbi", 0.0), ("nbi", None), ("nbc", 0.5), ("nbc", 0.0)],
    ids=["index cut short", "index empty", "index rubbish", "code cut short", "code empty"],
)
def test_damaged_cache_still_computes(
    sound_cache: Path, tmp_path: Path, ending: str, keep: float | None
) -> None:
    """numba/numba#10434: such a file makes every call fail until it is deleted."""
    folder = tmp_path / "cache"
    shutil.copytree(sound_cache, folder)
    files = cache_files(folder, ending)
    assert files, "nothing was cached"
    for file in files:
        sound = file.read_bytes()
        file.write_bytes(b"\xff" * 300 if keep is None else sound[: int(keep * len(sound))])
    again = run("-c", SUM_UP, NUMBA_CACHE_DIR=str(folder))
    assert again.stdout == "7.0\n", again.stderr


@outermost
def test_cache_that_cannot_be_written_still_computes(tmp_path: Path) -> None:
    """A file stands where the cache folder should be, which no user can write into."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = run("-c", SUM_UP, NUMBA_CACHE_DIR=str(blocked / "cache"))
    assert done.stdout == "7.0\n", done.stderr


@outermost
def test_read_only_cache_still_computes(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write into a read-only folder")
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o500)
    try:
        done = run("-c", SUM_UP, NUMBA_CACHE_DIR=str(folder))
    finally:
        folder.chmod(0o700)
    assert done.stdout == "7.0\n", done.stderr


@outermost
def test_cache_can_be_switched_off(tmp_path: Path) -> None:
    done = run("-c", SUM_UP, NUMBA_CACHE_DIR=str(tmp_path), OPTIMIZER_NO_KERNEL_CACHE="1")
    assert done.stdout == "7.0\n", done.stderr
    assert not cache_files(tmp_path, "nbi")

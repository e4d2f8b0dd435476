"""A virtual environment for each peer, made once from its pinned list and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

LISTS = Path(__file__).parent / "requirements"
OWN = "own"
"""The environment of this process, in which our own methods run."""


def python_of(name: str, cache: Path) -> Path:
    """The interpreter of an environment, which is made when it is not there.

    A changed list, or another Python, makes another environment.

    Raises
    ------
    LookupError
        When there is no such list.
    RuntimeError
        When an environment cannot be made.
    """
    if name == OWN:
        return Path(sys.executable)
    path = LISTS / f"{name}.txt"
    if not path.exists():
        raise LookupError(f"environment: no list {path.name}")
    wanted = f"{sys.version}\n{path.read_text(encoding='utf-8')}"
    folder = cache / "environments" / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"making the environment {name}", file=sys.stderr, flush=True)
        _done([sys.executable, "-m", "venv", str(folder)])
        _done([str(python), "-m", "pip", "install", "--quiet", "-r", str(path)])
        ready.touch()
    return python


def variables(root: Path, name: str, cache: Path) -> dict[str, str]:
    """Environment variables of a peer's process.

    Peers other than ours get a home of their own, so that nothing is written to the user's.
    """
    own = os.environ.get("PYTHONPATH")
    found = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(root), own]))}
    if name != OWN:
        home = cache / "home"
        home.mkdir(parents=True, exist_ok=True)
        found |= {"PYTHONPATH": str(root), "HOME": str(home)}
    return found


def _done(command: list[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {ran.stderr.strip()[-2000:]}")

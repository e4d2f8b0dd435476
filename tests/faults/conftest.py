from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A sound instance folder of three workloads, two pools, three periods and what they cost."""
    return Folder.sound(tmp_path / "instance")


@pytest.fixture
def fleet(tmp_path: Path) -> Folder:
    """The same with every table and column that says how the fleet is run."""
    return Folder.fleet(tmp_path / "instance")

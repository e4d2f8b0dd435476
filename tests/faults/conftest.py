from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A sound instance folder of three workloads, two pools, three periods and every table."""
    return Folder.sound(tmp_path / "instance")

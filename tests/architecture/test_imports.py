"""The arrows between the rooms of the package point one way.

A room is a folder or a module directly under ``optimizer``. Each may import rooms that stand
before it in :data:`ORDER`, and itself; rooms that stand side by side do not know each other.
Imports inside functions and under ``TYPE_CHECKING`` count as any other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "optimizer"
PACKAGE = "optimizer"

ORDER: tuple[tuple[str, ...], ...] = (
    ("errors", "progress"),
    ("kernels",),
    ("instance",),
    ("serving",),
    ("plan", "program", "prices"),
    ("model", "solvers", "evaluation"),
    ("methods",),
    ("result",),
    ("solving",),  # named so because optimizer.solve is the function
    ("promises",),
    ("explanation", "session"),
    ("studies",),
    ("reports",),
    ("__init__",),  # the names that users of the library import
    ("cli",),
    ("__main__",),
)
"""Rooms from the ground up; those on one line may not import each other."""

DRAWERS = ("utils", "util", "common", "misc", "helpers", "helper", "core")


def faults_of(root: Path) -> list[str]:
    """Every import and every name that breaks a rule, as ``file:line: what``."""
    faults = []
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root.parent)
        room = room_of(path.relative_to(root))
        if level_of(room) is None:
            faults.append(f"{place}: {room} is not a room of the order")
            continue
        for line, target in imported_rooms(path):
            reason = why_not(room, target)
            if reason:
                faults.append(f"{place}:{line}: {reason}")
    return faults


def drawers_in(root: Path) -> list[str]:
    """Files and folders whose name says nothing of what is in them."""
    return [
        str(path.relative_to(root.parent))
        for path in sorted(root.rglob("*"))
        if path.stem.strip("_").lower() in DRAWERS and (path.is_dir() or path.suffix == ".py")
    ]


def room_of(path: Path) -> str:
    """Room that a file of the package belongs to."""
    return path.parts[0] if len(path.parts) > 1 else path.stem


def level_of(room: str) -> int | None:
    """Height of a room in the order, None when it has none."""
    return next((level for level, rooms in enumerate(ORDER) if room in rooms), None)


def why_not(room: str, target: str) -> str:
    """Why a room may not import another; empty when it may."""
    if target.startswith("."):
        return "a relative import"
    height, ground = level_of(room), level_of(target)
    if ground is None:
        return f"{room} imports {target}, which is not a room of the order"
    if room == target or (height is not None and ground < height):
        return ""
    relation = "beside" if ground == height else "above"
    return f"{room} imports {target}, which stands {relation} it"


def imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    """Line and room of each import of the package, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield from _room_in(node.lineno, name.name)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "." * node.level + (node.module or "")
            elif node.module == PACKAGE:
                # "from optimizer import x": x is a room, or a name of the package itself.
                for name in node.names:
                    yield node.lineno, name.name if level_of(name.name) is not None else "__init__"
            else:
                yield from _room_in(node.lineno, node.module or "")


def _room_in(line: int, module: str) -> Iterator[tuple[int, str]]:
    first, *rest = module.split(".")
    if first == PACKAGE:
        yield line, rest[0] if rest else "__init__"


def test_arrows_point_one_way() -> None:
    assert faults_of(ROOT) == []


def test_no_folder_and_no_file_is_a_drawer() -> None:
    assert drawers_in(ROOT) == []


def test_the_package_is_looked_at() -> None:
    assert len(list(ROOT.rglob("*.py"))) > 20


# The test of the tests: a small tree in which each wrong arrow must be found.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A package that keeps the order."""
    root = tmp_path / PACKAGE
    write(root, "__init__.py", "from optimizer.solving import solve\n")
    write(root, "errors.py", "import numpy\n")
    write(root, "program.py", "from optimizer import errors\n")
    write(root, "instance/read.py", "import optimizer.errors\nfrom optimizer.instance import a\n")
    write(root, "model/rows.py", "from optimizer.program import Program\n")
    write(root, "solving.py", "from optimizer.model.rows import Rows\n")
    return root


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_tree_that_keeps_the_order_passes(tree: Path) -> None:
    assert faults_of(tree) == []
    assert drawers_in(tree) == []


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        pytest.param(
            "instance/bad.py",
            "from optimizer.plan import Plan\n",
            "1: instance imports plan, which stands above it",
            id="upwards",
        ),
        pytest.param(
            "instance/bad.py",
            "def f():\n    import optimizer.cli.main\n",
            "2: instance imports cli, which stands above it",
            id="inside a function",
        ),
        pytest.param(
            "kernels/bad.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    from optimizer.instance.instance import Instance\n",
            "3: kernels imports instance, which stands above it",
            id="for type checking",
        ),
        pytest.param(
            "solvers/bad.py",
            "from optimizer.model.rows import Rows\n",
            "1: solvers imports model, which stands beside it",
            id="beside, folders",
        ),
        pytest.param(
            "prices.py",
            "import optimizer.plan as p\n",
            "1: prices imports plan, which stands beside it",
            id="beside, files",
        ),
        pytest.param(
            "progress.py",
            "from optimizer import errors\n",
            "1: progress imports errors, which stands beside it",
            id="beside, from the package",
        ),
        pytest.param(
            "model/bad.py",
            "from . import rows\n",
            "1: a relative import",
            id="relative",
        ),
        pytest.param(
            "model/bad.py",
            "try:\n    from ..program import Program\nexcept ImportError:\n    pass\n",
            "2: a relative import",
            id="relative, upwards",
        ),
        pytest.param(
            "reports/bad.py",
            "from optimizer import read_instance\n",
            "1: reports imports __init__, which stands above it",
            id="name of the package",
        ),
        pytest.param(
            "reports/bad.py",
            "import optimizer\n",
            "1: reports imports __init__, which stands above it",
            id="package as a whole",
        ),
        pytest.param(
            "__init__.py",
            "from optimizer.cli.main import run\n",
            "1: __init__ imports cli, which stands above it",
            id="from the door",
        ),
        pytest.param(
            "model/deep/er/bad.py",
            "import os, optimizer.methods.sweep\n",
            "1: model imports methods, which stands above it",
            id="deep folder, several on a line",
        ),
        pytest.param(
            "cli/bad.py",
            "from optimizer.cellar import x\n",
            "1: cli imports cellar, which is not a room of the order",
            id="unknown room",
        ),
    ],
)
def test_a_wrong_arrow_is_found(tree: Path, name: str, text: str, fault: str) -> None:
    write(tree, name, text)
    assert faults_of(tree) == [f"{PACKAGE}/{name}:{fault}"]


def test_a_room_that_nobody_ordered_is_found(tree: Path) -> None:
    write(tree, "cellar/wine.py", "")
    assert faults_of(tree) == ["optimizer/cellar/wine.py: cellar is not a room of the order"]


@pytest.mark.parametrize(
    "name",
    ["model/utils.py", "model/_misc.py", "core/x.py", "instance/common/x.py", "cli/Helpers.py"],
)
def test_a_drawer_is_found(tree: Path, name: str) -> None:
    write(tree, name, "")
    assert len(drawers_in(tree)) == 1

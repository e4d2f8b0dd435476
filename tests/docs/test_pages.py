"""README and pages: commands that are run, links that lead somewhere, nothing of the workshop."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("README.md", "docs/**/*.md", "instances/**/*.md", "benchmarks/*.md")
PAGES = sorted(page for place in PLACES for page in ROOT.glob(place))


def commands() -> list[str]:
    """The README's shell commands."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [block.strip() for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL)]


def test_readme_has_two_commands_that_do_all_the_set_up() -> None:
    found = commands()
    assert len(found) == 2
    assert all("\n" not in command for command in found)
    assert all(command.startswith("python3 -m venv .venv && .venv/bin/pip ") for command in found)
    assert "optimizer solve instances/frontier-2026-05" in found[0]
    assert "pytest" in found[1]


def test_ci_runs_exactly_the_readme_s_test_command() -> None:
    done = subprocess.run(
        ["grep", "-m", "1", "pytest", ROOT / "README.md"], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == commands()[1]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "test_command=$(grep -m 1 'pytest' README.md)" in script
    assert 'eval "$test_command"' in script


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


def anchors(page: Path) -> set[str]:
    """Headings of a page as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_a_heading_that_is_there(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert anchor in anchors((page.parent / target).resolve() if target else page), anchor


def test_readme_figures_are_those_of_the_plan() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "cost      205,428,020." in text

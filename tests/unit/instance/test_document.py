from __future__ import annotations

import re
from pathlib import Path

from optimizer.instance.declare import columns_of
from optimizer.instance.document import KEYS as DOCUMENTED
from optimizer.instance.document import format_page
from optimizer.instance.example import EXAMPLE
from optimizer.instance.manifest import KEYS, LIMIT_KEYS
from optimizer.instance.read import read
from optimizer.instance.tables import MATRICES, TABLES

PAGE = Path(__file__).parents[3] / "docs" / "format.md"


def test_page_is_that_of_the_declarations() -> None:
    assert PAGE.read_text(encoding="utf-8") == format_page(), (
        "docs/format.md is old: python -m optimizer.instance.document > docs/format.md"
    )


def test_page_names_everything_that_is_declared() -> None:
    page = format_page()
    for spec in TABLES:
        section = page.split(f"\n### {spec.name}\n")[1].split("\n#")[0]
        for name, declared in columns_of(spec.record):
            line = next(line for line in section.split("\n") if line.startswith(f"| `{name}` |"))
            assert declared.meaning in line
            assert f"| {declared.unit} |" in line
            assert ("**required**" in line) == declared.required
    for matrix in MATRICES:
        assert re.search(rf"\| `{matrix.name}` \|.*\| {matrix.unit} \|.*{matrix.meaning}", page)


def test_page_names_every_key_of_the_manifest() -> None:
    assert set(DOCUMENTED) == {*KEYS, *(f"limits.{key}" for key in LIMIT_KEYS)}


def test_links_lead_somewhere() -> None:
    page = format_page()
    headings = {line.lstrip("# ") for line in page.split("\n") if line.startswith("#")}
    for target in re.findall(r"\]\(([^)]+)\)", page):
        if target.startswith("#"):
            assert target[1:] in headings
        else:
            assert (PAGE.parent / target).exists()


def test_example_on_the_page_can_be_read(tmp_path: Path) -> None:
    found = re.findall(r"\n`([a-z.]+)`\n\n```[a-z]+\n(.*?)```\n", format_page(), re.DOTALL)
    assert dict(found) == EXAMPLE
    for name, text in found:
        (tmp_path / name).write_text(text, encoding="utf-8")
    instance = read(tmp_path)
    assert (instance.num_workloads, instance.num_pools, instance.num_periods) == (2, 2, 3)

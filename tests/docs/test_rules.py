"""The pages of the rules: one for each family, with numbers and messages that are the program's."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.evaluation.checks import CHECKS
from optimizer.evaluation.evaluate import evaluate
from optimizer.instance.fleet_tables import Replicas
from optimizer.model.formulation import Formulation
from optimizer.plan import Plan
from tests.pipeline.test_removed_family import WITHOUT, judged

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "rules"
TINY = ROOT / "instances" / "tiny"
PAGES = {page.stem: page for page in sorted(RULES.glob("*.md")) if page.stem != "README"}
STRAY = {"routes": ("priority", "gold", "gpu"), "left_out": ("left_out", "chat", "maia")}
"""Families that no formulation can leave out: an instance, and a placement that may not be."""

every_page = pytest.mark.parametrize("name", PAGES)


def text_of(name: str) -> str:
    """The page with its lines joined, so that a sentence is found wherever it is wrapped."""
    return " ".join(PAGES[name].read_text(encoding="utf-8").split())


def messages(name: str) -> list[str]:
    """What the judge says, according to the page."""
    found = re.search(r"```text\n(.*?)```", PAGES[name].read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def said(name: str) -> set[str]:
    """What the judge says of a plan that breaks the rule."""
    if name not in STRAY:
        verdict = judged(optimizer.read(TINY / name), WITHOUT[name])
        assert verdict is not None
        return {str(violation) for violation in verdict[0].violations}
    folder, workload, pool = STRAY[name]
    instance = optimizer.read(TINY / folder)
    stray = dataclasses.replace(
        Plan.nothing_served(instance),
        workload=np.array([instance.workloads.workload.index(workload)], np.int32),
        pool=np.array([instance.pools.pool.index(pool)], np.int32),
        period=np.zeros(1, np.int32),
        placed_mtok=np.ones(1),
    )
    return {str(violation) for violation in evaluate(instance, stray).violations}


def test_every_family_has_a_page_and_every_page_a_family() -> None:
    assert set(PAGES) == set(CHECKS) | set(Formulation.families())


def test_index_names_every_page() -> None:
    text = (RULES / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\)", text, re.MULTILINE)
    assert sorted(name for name, _ in listed) == sorted(PAGES)
    assert all(name == target for name, target in listed)


@every_page
def test_page_is_short_and_names_its_files(name: str) -> None:
    lines = PAGES[name].read_text(encoding="utf-8").splitlines()
    assert 20 <= len(lines) <= 50
    assert f"(../../optimizer/evaluation/checks/{name}.py)" in text_of(name) or name == "activation"
    stated = ROOT / "optimizer" / "model" / "constraints" / f"{name}.py"
    if stated.exists():
        assert f"(../../optimizer/model/constraints/{name}.py)" in text_of(name)


@every_page
def test_optimum_is_the_one_derived_by_hand(name: str) -> None:
    found = re.findall(r"Optimum of \[instances/tiny/(\w+)\]\(\S+\): (\S+) USD", text_of(name))
    assert len(found) == (name != "routes")
    others = re.findall(r"\[(shares_\w+)\]\(\S+\) \((\S+) USD\)", text_of(name))
    for folder, usd in found + others:
        first = (TINY / folder / "optimum.md").read_text(encoding="utf-8").splitlines()[0]
        assert float(usd) == float(first.removeprefix("objective_usd: "))


@every_page
def test_messages_are_the_judge_s(name: str) -> None:
    assert set(messages(name)) <= said(name)


def test_columns_named_for_replicas_exist() -> None:
    """The pages of the fleet name columns in code style; a renamed column must not linger."""
    known = {entry.name for entry in dataclasses.fields(Replicas)}
    for name in ("replicas", "startup"):
        named = re.findall(r"`((?:startup|max_changes|chips_per|target)_\w+)`", text_of(name))
        assert named
        assert set(named) <= known

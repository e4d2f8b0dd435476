"""The judge names the rule of a fleet that a model forgot, on random problems.

As ``test_removed_family.py``, for the kinds of ``fleet_draws.py``: where the optimum without the
family is cheaper than any legal plan, the judge must say why it is none; elsewhere it may say no
more than that.
"""

from __future__ import annotations

import pytest

from tests.pipeline.fleet_draws import KINDS
from tests.pipeline.test_fleet_agreement import SEEDS, least, problem
from tests.pipeline.test_removed_family import WITHOUT, judged, named

FAMILY = {"shares_period": "shares"}
"""The family of a kind, where it has another name."""
LEAST_SEEN = 20


@pytest.mark.parametrize("kind", KINDS)
def test_judge_names_the_family_on_random_fleets(kind: str) -> None:
    """Twenty problems or more in which a plan without the family is cheaper than any legal one."""
    family = FAMILY.get(kind, kind)
    seen, wrong = 0, {}
    for seed in range(SEEDS):
        found = judged(problem(kind, seed), WITHOUT[family])
        if found is None:
            continue
        evaluation, claimed = found
        broken, expected = set(evaluation.violation_counts), least(kind, seed)
        cheaper = expected is None or claimed < expected - 1e-3
        seen += cheaper
        # Of several names (a start that is forgotten costs, takes time, counts) any may be it.
        if not broken <= named(family) or (cheaper and not broken):
            wrong[seed] = broken
    assert wrong == {}
    assert seen >= LEAST_SEEN


def test_every_kind_of_fleet_has_a_family() -> None:
    assert {FAMILY.get(kind, kind) for kind in KINDS} <= set(WITHOUT)

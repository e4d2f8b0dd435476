"""Rules, changes and periods in words."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.explanation.change import Change
from optimizer.explanation.rule_words import change_words, figure, rule_words
from optimizer.explanation.rules import Rule
from optimizer.explanation.spans import spans_of, spans_text
from tests.unit.explanation.test_change import everything


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.63, "0.63"), (1_040_000.4, "1,040,000"), (12_345.678, "12,345.7"), (1 / 3, "0.333333")],
)
def test_figures(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("share_max", 0), "share both (max 0.5 of compute in provider north)"),
        (Rule("share_min", 0), "share both (min 0.25 of compute in provider north)"),
        (Rule("budget", 0), "budget 100 USD"),
        (Rule("min_replicas", 0), "min_replicas of model model (3)"),
        (Rule("max_changes", 0), "max_changes_per_period of model model on chip alpha (2)"),
        (Rule("outage", 0), "outage loss (0.5 served without pool own)"),
        (Rule("power", 0), "power limit site (0.01 MW in pool own)"),
        (Rule("capacity", 0), "chips of pool own (8 to 10)"),
        (Rule("capacity", 1), "chips of pool other (0)"),
    ],
)
def test_a_rule_is_told_by_its_name_and_limit(rule: Rule, words: str) -> None:
    assert rule_words(everything(), rule) == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(Rule("share_max", 0), 0.5, 0.53), "share both max 0.53 (+0.03)"),
        (Change(Rule("share_min", 0), 0.25, 0.2), "share both min 0.2 (-0.05)"),
        (Change(Rule("budget", 0), 100.0, 140.0), "budget 140 USD (+40)"),
        (Change(Rule("power", 0), 0.01, 0.02), "power limit site 0.02 MW (+0.01)"),
        (Change(Rule("min_replicas", 0), 3.0, 1.0), "min_replicas of model model 1 (-2)"),
        (
            Change(Rule("capacity", 0), 0.0, 310.0, np.array([0.0, 310.0])),
            "chips of pool own: 310 more chips in period 1",
        ),
        (
            Change(Rule("capacity", 0), 0.0, 310.0, np.array([155.0, 310.0])),
            "chips of pool own: up to 310 more chips in periods 0-1, 465 chip-hours in all",
        ),
    ],
)
def test_a_change_is_told_in_the_units_of_the_rule(change: Change, words: str) -> None:
    assert change_words(everything(), change) == words


def test_periods_are_told_as_ranges() -> None:
    periods = np.zeros(24, np.bool_)
    periods[[0, 3, 4, 5, 23]] = True
    assert spans_of(periods) == ((0, 0), (3, 5), (23, 23))
    assert spans_text(spans_of(periods)) == "periods 0, 3-5, 23"
    assert spans_text(((7, 7),)) == "period 7"
    assert spans_text(((7, 9),)) == "periods 7-9"
    assert spans_of(np.zeros(3, np.bool_)) == ()
    assert spans_of(np.ones(3, np.bool_)) == ((0, 2),)


def test_many_ranges_are_counted() -> None:
    spans = tuple((2 * at, 2 * at) for at in range(9))
    assert spans_text(spans) == "periods 0, 2, 4, 6, 8, 10 and 3 more ranges"

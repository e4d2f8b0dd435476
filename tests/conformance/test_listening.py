"""What is read from logs and files of solvers, and how it is summed up and shown."""

from __future__ import annotations

import io
import math
import time
from pathlib import Path

import numpy as np
import pytest

from optimizer.cli import progress_lines
from optimizer.cli.progress_lines import Bar, Lines, incumbent_words
from optimizer.methods.best_known import BestKnown
from optimizer.progress import Silent
from optimizer.solvers.base import News, Outcome, Reason
from optimizer.solvers.highs import Highs
from optimizer.solvers.listening import (
    TOLERANCE,
    Float,
    Watch,
    highs_line,
    keeps,
    lowered,
    plans_file,
    scip_line,
)
from optimizer.solvers.scaling import scale
from tests.conformance.test_whole_numbers import knapsack

# Lines as HiGHS 1.12 and SCIP 10 printed them.
HIGHS = (
    (" R       0       0         0   0.00%   -25651.747065   -23142.75         10.84%        0"
     "      0      0        22     0.0s", -25651.747065, 0),
    ("       313      46       122   0.63%   -25609.964188   -25311.380333      1.18%      825"
     "      7   2782      6005     0.9s", -25609.964188, 313),
    ("     1234k     46       122   0.63%   21              22                 4.55%      825"
     "      7   2782      6005   600.9s", 21.0, 1_234_000),
)  # fmt: skip
SCIP = (
    "  2.8s|  1600 |  1175 | 16532 |  10.2 |    35M |  23 |  59 | 158 |  23 | 780 |  2 | 460 |"
    " 305 |-2.554243e+04 |-2.538145e+04 |   0.63%|  15.36%"
)


@pytest.mark.parametrize(("line", "bound", "nodes"), HIGHS)
def test_line_of_highs_gives_a_bound_below_what_it_prints(
    line: str, bound: float, nodes: int
) -> None:
    known = highs_line(line)
    assert known is not None
    assert known[1] == nodes
    # One unit of the ninth digit covers what rounding to nine digits or more can hide.
    assert bound - 1e-8 * abs(bound) * 1.01 <= known[0] <= bound - 0.5e-8 * abs(bound)


def test_line_of_scip_gives_a_bound_below_what_it_prints() -> None:
    known = scip_line(SCIP)
    assert known is not None
    assert known[1] == 1600
    assert -25542.43 - 0.026 <= known[0] <= -25542.43 - 0.005


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Src  Proc. InQueue |  Leaves   Expl. | BestBound       BestSol              Gap |",
        "3.3% inactive integer columns, restarting",
        "  Gap               0.955% (tolerance: 0.0001%)",
        " time | node  | left  |LP iter|LP it/n|mem/heur|mdpt |vars |cons |rows |cuts |sepa|confs"
        "|strbr|  dualbound   | primalbound  |  gap   | compl. ",
        "Solving Nodes      : 1720 (total of 1721 nodes in 2 runs)",
    ],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert highs_line(line) is None
    assert scip_line(line) is None


def test_bound_that_is_none_is_no_bound() -> None:
    line = (
        " J       0       0         0   0.00%   -inf            7349.3             Large        0"
        "      0      0         0     0.0s"
    )
    assert highs_line(line) == (-math.inf, 0)
    assert highs_line(line.replace("-inf", " inf")) == (-math.inf, 0)
    assert scip_line(SCIP.replace("-2.554243e+04", "     --      ")) == (-math.inf, 1600)


@pytest.mark.parametrize("value", [1.23456789, -1.23456789, 9.99999999e-7, -9.99999999e11, 0.0])
@pytest.mark.parametrize("digits", [7, 9])
def test_lowered_is_below_whatever_was_rounded(value: float, digits: int) -> None:
    printed = float(f"{value:.{digits}g}")
    assert lowered(printed, digits) <= value
    assert lowered(printed, digits) == pytest.approx(value, rel=3 * 10.0 ** (1 - digits))


def plan_text(cost: float, values: list[float]) -> str:
    return f"Objective {cost}\n# Columns {len(values)}\n" + "".join(f" {v:g}\n" for v in values)


def test_last_complete_plan_of_a_file_is_passed_on() -> None:
    """Written in pieces, as a solver that is interrupted anywhere would."""
    seen: list[list[float]] = []
    text = plan_text(-3, [1, 0, 0.5]) + plan_text(-4, [1, 1, 0.25]) + plan_text(-5, [0, 1, 9])
    with plans_file(lambda values: seen.append(values.tolist())) as name:
        assert name is not None
        with Path(name).open("w") as file:  # as a solver does, truncating it
            for character in text[:-3]:
                file.write(character)
                file.flush()
            wait_for(lambda: seen[-1:] == [[1, 1, 0.25]])
            assert [0, 1, 9] not in seen
            file.write(text[-3:])
        wait_for(lambda: seen[-1:] == [[0, 1, 9]])


def wait_for(condition: object) -> None:
    assert callable(condition)
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited in vain")


def test_watch_passes_on_better_plans_that_keep_every_rule() -> None:
    program = knapsack(Highs(), 1e-6)
    told: list[News] = []
    watch = Watch(scale(program), told.append)
    plans: list[list[float]] = [
        [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, 0], [1, 0, 0.5, 0],
        [1, 0, math.nan, 0], [1, 0, 1, 0], [1, 0, 1, 5], [1, 0, 1, 0],
    ]  # fmt: skip
    for plan in plans:
        watch.found(np.array(plan))
    watch.found(np.zeros(3))
    values = [news.values.tolist() for news in told if news.values is not None]
    assert values == [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0]]


def test_watch_scales_back_and_keeps_the_highest_bound() -> None:
    program = knapsack(Highs(), 1e-6)
    scaled, told = scale(program), list[News]()
    assert scaled.cost != 1.0
    watch = Watch(scaled, told.append)
    for bound, nodes in ((-30e-6, 0), (-20e-6, 5), (-25e-6, 6), (math.inf, 7), (-math.inf, 8)):
        watch.proved(bound / scaled.cost, nodes)
    assert [news.bound for news in told] == pytest.approx([-30e-6, -20e-6])
    assert told[-1].nodes == 5


def test_keeps_allows_noise_and_no_more() -> None:
    program = knapsack(Highs())
    for values, kept in (
        ([1, 0, 1, 0], True),
        ([1 + TOLERANCE / 2, 0, 1, 0], True),
        ([1 + TOLERANCE * 3, 0, 1, 0], False),
        ([1, 0, 1 - TOLERANCE * 3, 0], False),
        ([0, 1, 1, 1], False),
        ([0, 1, 1, -1], False),
    ):
        assert keeps(program, np.array(values, float)) is kept, values


# --- the sum over parts --------------------------------------------------------------------------


class Told(Silent):
    def __init__(self) -> None:
        self.last: tuple[float | None, float | None, int] | None = None

    def incumbent(self, value_usd: float | None, bound_usd: float | None, nodes: int) -> None:
        self.last = (value_usd, bound_usd, nodes)


def column(value: float) -> Float:
    return np.array([value])


def test_sums_are_told_once_every_part_is_known() -> None:
    told = Told()
    known = BestKnown([column(2.0), column(3.0)], 100.0, told)
    known.hear(0, News(values=column(5.0), nodes=1), math.inf)
    assert told.last == (None, None, 1)
    known.hear(1, News(values=column(1.0), bound=2.0, nodes=4), math.inf)
    assert told.last == (113.0, None, 5)
    known.hear(0, Outcome(Reason.OPTIMAL, column(4.0), bound=8.0, nodes=3), math.inf)
    assert told.last == (111.0, 110.0, 7)


def test_a_search_that_leaves_plans_out_proves_no_more_than_the_bound_on_those() -> None:
    told = Told()
    known = BestKnown([column(1.0)], 0.0, told)
    known.hear(0, News(values=column(10.0), bound=9.0, nodes=2), 7.0)
    assert told.last == (10.0, 7.0, 2)
    known.begin_again()
    known.hear(0, News(values=column(12.0), bound=8.0, nodes=3), 9.0)
    assert told.last == (10.0, 8.0, 5)
    known.hear(0, News(bound=9.5, nodes=4), 9.0)
    assert told.last == (10.0, 9.0, 6)


# --- what the user sees --------------------------------------------------------------------------


def test_words_say_what_is_known() -> None:
    assert incumbent_words(210_712_345.12, 210_635_160.66, 1234) == (
        "best 210,712,345.12 USD, bound 210,635,160.66 USD, gap 0.037 %, 1,234 nodes"
    )
    assert incumbent_words(None, 5.0, 0) == "bound 5.00 USD"
    assert incumbent_words(7.0, None, 1) == "best 7.00 USD, 1 node"
    assert incumbent_words(0.0, -1.0, 0) == "best 0.00 USD, bound -1.00 USD"
    assert incumbent_words(None, None, 0) == ""


def test_lines_are_printed_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress_lines.time, "monotonic", lambda: now)
    stream = io.StringIO()
    lines = Lines(stream)
    lines.stage("solve", 2)
    lines.incumbent(5.0, 4.0, 1)
    now += progress_lines.PAUSE_SECONDS
    lines.incumbent(None, None, 0)
    lines.incumbent(5.0, 4.0, 2)
    lines.incumbent(5.0, 4.0, 3)
    assert stream.getvalue().splitlines() == [
        "[   0.00 s] solve (2 parts)",
        "[   2.00 s] best 5.00 USD, bound 4.00 USD, gap 20 %, 2 nodes",
    ]


def test_bar_shows_it_behind_the_stage() -> None:
    bar = Bar(io.StringIO())
    try:
        bar.incumbent(5.0, 4.0, 1)  # before any stage there is no place for it
        bar.stage("solve", 2)
        bar.incumbent(5.0, 4.0, 2)
        (task,) = bar._bar.tasks
        assert task.description == "solve: best 5.00 USD, bound 4.00 USD, gap 20 %, 2 nodes"
    finally:
        bar.close()

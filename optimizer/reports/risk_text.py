"""The risk of a plan as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable

from optimizer.evaluation.comparison import Against
from optimizer.evaluation.distribution import PERCENTILES, Distribution
from optimizer.evaluation.risk import Risk
from optimizer.evaluation.uncertainty import Spread
from optimizer.reports.figures import columns, mtok, percent, usd, usd_short

__all__ = ["render"]

MOST_POOLS = 10
"""Pools listed; the count is of all."""

ENDED = {"time": "the time limit was reached", "interrupt": "interrupted"}


def render(found: Risk) -> str:
    """How it was drawn, the distributions, what they come from, the other plan."""
    blocks = [_head(found), _distributions(found), _chances(found), _sources(found), _pools(found)]
    if found.against is not None:
        blocks.append(_against(found, found.against))
    blocks.append("\n".join(f"note: {note}" for note in found.notes))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(found: Risk) -> str:
    instance, ranges, settings = found.instance, found.ranges, found.uncertainty
    drawn = [
        _range("demand", "workloads", ranges.demand),
        _range("throughput", "classes of routes", ranges.throughput),
        _range("price", "pools", ranges.price),
    ]
    made = f"{found.draws:,} draws"
    if found.limit:
        made += f" of {found.asked:,} ({ENDED[found.limit]})"
    rate = found.draws / found.seconds if found.seconds > 0 else math.inf
    lines = [
        f"{instance.name}: {instance.title}" if instance.title else instance.name,
        f"{made}, seed {found.seed}, {settings.distribution}; {found.seconds:.2f} s, "
        f"{rate:,.0f} draws/s",
        *drawn,
    ]
    if not ranges.demand.certain:
        lines.append(f"  of the variance of demand, workloads share {settings.common_demand:g}")
    lines.append(f"cost as stated  {usd(found.planned.total)}")
    return "\n".join(lines)


def _range(name: str, rows: str, spread: Spread) -> str:
    if spread.certain:
        return f"  {name}: as stated"
    low, high = float(spread.low.min()), float(spread.high.max())
    return f"  {name}: {spread.drawn} of {len(spread.low)} {rows}, factors {low:.4g} ... {high:.4g}"


def _distributions(found: Risk) -> str:
    rows = [["", "mean", "+-", *(f"{part} %" for part in PERCENTILES), _tail_name(found.level)]]
    rows += [
        _row("cost", found.cost, usd_short),
        _row("without penalty", found.spent, usd_short),
        _row("unserved", found.unserved_mtok, mtok),
        _row("  of what arrives", found.unserved_part, percent),
        _row("sent where room is short", found.overloaded_part, percent),
    ]
    if found.attainment is not None:
        rows.append(_row("within promise", found.attainment, percent))
    return columns(rows, 1)


def _tail_name(level: float) -> str:
    return f"worst {100 * (1 - level):.4g} %"


def _row(name: str, found: Distribution, words: Callable[[float], str]) -> list[str]:
    error = "-" if math.isnan(found.standard_error) else words(found.standard_error)
    quantiles = [words(found.quantiles[part]) for part in PERCENTILES]
    return [name, words(found.mean), error, *quantiles, words(found.tail_mean)]


def _chances(found: Risk) -> str:
    lines = [f"chance of unserved demand  {_chance(found, found.chance_unserved)}"]
    if found.chance_over_budget is not None:
        budget = usd_short(found.instance.budget_usd or 0.0)
        lines.append(
            f"chance of spending above {budget}  {_chance(found, found.chance_over_budget)}"
        )
    return "\n".join(lines)


def _chance(found: Risk, chance: float) -> str:
    return f"{percent(chance)} +- {percent(found.chance_error(chance))}"


def _sources(found: Risk) -> str:
    if not found.sources:
        return ""
    rows = [["alone", "mean cost", "standard deviation", "part of variance"]]
    rows += [
        [
            row.name,
            usd_short(row.mean_usd),
            usd_short(row.standard_deviation_usd),
            percent(row.part_of_variance),
        ]
        for row in found.sources
    ]
    return columns(rows, 1)


def _pools(found: Risk) -> str:
    if not found.pools:
        return "no pool is short of room in any draw"
    rows = [["short of room", "chance", "mean cut"]]
    shown = found.pools[:MOST_POOLS]
    rows += [[row.pool, percent(row.chance), mtok(row.mean_cut_mtok)] for row in shown]
    if len(found.pools) > len(shown):
        rows.append([f"and {len(found.pools) - len(shown)} more", "", ""])
    return columns(rows, 1)


def _against(found: Risk, other: Against) -> str:
    rows = [["", "mean", "+-", *(f"{part} %" for part in PERCENTILES), _tail_name(found.level)]]
    rows += [
        _row("other plan: cost", other.cost, usd_short),
        _row("other plan: unserved", other.unserved_mtok, mtok),
        _row("cost less the other's", other.difference, usd_short),
        _row("unserved less the other's", other.unserved_difference, mtok),
    ]
    if other.attainment is not None and other.attainment_difference is not None:
        rows += [
            _row("other plan: within promise", other.attainment, percent),
            _row("within promise less the other's", other.attainment_difference, percent),
        ]
    return "\n".join(
        [
            columns(rows, 1),
            f"cheaper than the other in {_chance(found, other.chance_cheaper)} of the draws",
            f"with draws of its own for each plan the mean difference would be known to "
            f"+- {usd_short(other.independent_standard_error)}",
        ]
    )

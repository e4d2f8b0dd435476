"""Why the winner won, in a sentence."""

from __future__ import annotations

from optimizer.evaluation.verdict import SPECK
from optimizer.explanation.candidates import Candidate, Candidates
from optimizer.explanation.way_words import way_words
from optimizer.instance.instance import Instance

SAME = 1e-6
"""Part by which two costs may differ and count as the same."""


def choice_words(instance: Instance, found: Candidates) -> str:
    """Where the tokens go and why not elsewhere."""
    names, workload = instance.pools.pool, instance.workloads.workload[found.workload]
    winners = [row for row in found.rows if row.placed_mtok > SPECK]
    if not winners:
        if found.unserved_mtok > SPECK:
            return _given_up(found, workload)
        return f"Nothing of {workload} is placed: none arrives, or it waits or was served before."
    first = max(winners, key=lambda row: row.placed_mtok)
    cost = first.marginal_usd_per_mtok
    said = f"{names[first.pool]} serves {'it' if len(winners) == 1 else 'most of it'}"
    if cost == cost:
        said += f": one more Mtok costs {cost:,.4g} USD there, all that is scarce counted"
    if len(winners) > 1:
        others = ", ".join(names[row.pool] for row in winners if row is not first)
        said += f"; {others} serve{'s' if len(winners) == 2 else ''} the rest"
    parts = [f"{said}.", way_words(instance, found.ways, first.pool), _next(found, names, first)]
    return " ".join(part for part in parts if part) + _also_given_up(found)


def _next(found: Candidates, names: tuple[str, ...], first: Candidate) -> str:
    """The best of those that serve nothing, and the cheapest by list price that does not."""
    idle = [row for row in found.rows if row.placed_mtok <= SPECK and row.open]
    idle = [row for row in idle if row.marginal_usd_per_mtok == row.marginal_usd_per_mtok]
    words = []
    if idle:
        best = min(idle, key=lambda row: row.marginal_usd_per_mtok)
        more = best.marginal_usd_per_mtok - first.marginal_usd_per_mtok
        if more > SAME * max(abs(first.marginal_usd_per_mtok), SAME):
            words.append(f"The next best, {names[best.pool]}, would cost {more:,.4g} USD more.")
        else:
            words.append(f"{names[best.pool]} would cost no more; either is best.")
    cheap = [
        row
        for row in found.rows
        if row.placed_mtok <= SPECK and row.list_usd_per_mtok < first.list_usd_per_mtok
    ]
    if cheap:
        least = min(cheap, key=lambda row: row.list_usd_per_mtok)
        why = least.obstacle or "other tokens gain more there"
        words.append(
            f"{names[least.pool]} is cheaper at list price "
            f"({least.list_usd_per_mtok:,.4g} against {first.list_usd_per_mtok:,.4g} USD/Mtok), "
            f"but: {why}."
        )
    return " ".join(words)


def _given_up(found: Candidates, workload: str) -> str:
    shut = all(not row.open for row in found.rows)
    why = "no pool is open to it" if shut else "every open pool costs as much or more"
    return (
        f"All of {workload} is given up at {found.penalty_usd_per_mtok:,.4g} USD/Mtok: {why} "
        "at the margin."
    )


def _also_given_up(found: Candidates) -> str:
    if found.unserved_mtok <= SPECK:
        return ""
    return (
        f" {found.unserved_mtok:,.4g} Mtok are given up at {found.penalty_usd_per_mtok:,.4g} "
        "USD/Mtok."
    )

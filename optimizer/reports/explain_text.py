"""An explanation as text for a terminal: the verdict first, then why."""

from __future__ import annotations

from optimizer.explanation.candidates import Candidates
from optimizer.explanation.choice_words import choice_words
from optimizer.explanation.explain import Explanation
from optimizer.explanation.infeasible import Alternative, Infeasible
from optimizer.explanation.rule_words import change_words, rule_name, rule_words
from optimizer.explanation.spans import spans_text
from optimizer.explanation.unserved import GivenUp, Unserved
from optimizer.instance.instance import Instance
from optimizer.reports.figures import columns, mtok, usd, usd_short
from optimizer.reports.ways_text import ways_rows

__all__ = ["render"]


def render(found: Explanation) -> str:
    """Why there is no plan; or what is given up, and the candidates that were asked for."""
    instance = found.instance
    blocks = [_head(found)]
    if found.infeasible is not None:
        blocks += _infeasible(instance, found.infeasible)
    if found.unserved is not None:
        blocks += _unserved(instance, found.unserved)
    if found.candidates is not None:
        blocks += _candidates(instance, found.candidates)
    blocks.append("\n".join(f"note: {note}" for note in found.notes))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(found: Explanation) -> str:
    instance, verdict = found.instance, found.evaluation
    title = f"{instance.name}: {instance.title}" if instance.title else instance.name
    if found.infeasible is not None:
        return f"{title}\nNO PLAN keeps every rule"
    if verdict is None:
        reason = "" if found.result is None else found.result.reason
        return f"{title}\nno plan: {reason}"
    if not verdict.verified:
        broken = [f"  {violation}" for violation in verdict.violations[:10]]
        return "\n".join([title, "the judge refuses the plan:", *broken])
    return f"{title}\nplan verified, cost {usd(verdict.objective_usd)}"


def _infeasible(instance: Instance, found: Infeasible) -> list[str]:
    conflict, rules = found.conflict, found.conflict.rules
    told = [rule_words(instance, rule) for rule in rules]
    if len(told) == 1:
        first = f"{told[0]} cannot be kept, whatever the plan."
    else:
        first = f"{', '.join(told[:-1])} and {told[-1]} cannot {_all(told)} hold."
    more = []
    if conflict.whole:
        more.append("Only whole numbers are in conflict: parts of replicas or blocks would do.")
    if conflict.irreducible and len(told) > 1:
        more.append("Without any one of them the others can be kept.")
    if not conflict.irreducible:
        more.append("Time was too short to find out whether all of them are needed for it.")
    blocks = [" ".join([first, *more])]
    rows = [_way(instance, way) for way in found.alternatives]
    lines = ["to have a plan, one of these is the least that does:"] if len(rows) > 1 else []
    if len(rows) == 1:
        lines = ["to have a plan, the least that does:"]
    if rows:
        lines.append(columns([(f"  {words}", cost) for words, cost in rows], 2))
    for rule in found.hopeless:
        lines.append(f"  {rule_name(instance, rule)}: not by itself, other rules clash as well")
    for rule in found.unknown:
        lines.append(f"  {rule_name(instance, rule)}: not found out in time")
    if lines:
        blocks.append("\n".join(lines))
    if found.together is not None:
        blocks.append(_together(instance, found.together))
    return blocks


def _all(told: list[str]) -> str:
    return "both" if len(told) == 2 else "all"


def _way(instance: Instance, way: Alternative) -> tuple[str, str]:
    words = " and ".join(change_words(instance, change) for change in way.relaxed.changes)
    return words, _cost(way)


def _cost(way: Alternative) -> str:
    if not way.sufficient:
        return "at least that much: no plan was found that the judge verifies"
    if way.cost_usd is None:
        return "cost of the best plan not looked for: time was too short"
    least = "" if way.relaxed.least else "; less may do, time was too short to look"
    known = "best plan" if way.optimal else "a plan"
    return f"{known} then costs {usd_short(way.cost_usd)}{least}"


def _together(instance: Instance, way: Alternative) -> str:
    lines = ["or, the smallest change by relative size, together:"]
    lines += [f"  {change_words(instance, change)}" for change in way.relaxed.changes]
    return "\n".join([*lines, f"  {_cost(way)}"])


def _unserved(instance: Instance, found: Unserved) -> list[str]:
    if not found.rows:
        return ["nothing is given up"]
    rows: list[tuple[str, ...]] = [("given up", "when", "how much", "penalty", "why")]
    rows += [
        (
            instance.workloads.workload[row.workload],
            spans_text(row.spans),
            mtok(row.mtok),
            usd_short(row.penalty_usd),
            _why(instance, row),
        )
        for row in found.rows
    ]
    blocks = [_ragged(rows, 2)]
    closed = [row for row in found.rows if row.closed]
    for row in closed:
        name = instance.workloads.workload[row.workload]
        lines = [f"what closes the pools to {name} in period {row.spans[0][0]}:"]
        blocks.append("\n".join([*lines, *(f"  {pool}: {why}" for pool, why in row.closed)]))
    if found.needed is not None:
        way = found.needed
        lines = ["to serve what limits stand against, at the least, by relative size:"]
        lines += [f"  {change_words(instance, change)}" for change in way.changes]
        if not way.verdict.verified:
            lines.append("  at least that much: the judge refuses the plan behind it")
        blocks.append("\n".join(lines))
    return blocks


def _why(instance: Instance, row: GivenUp) -> str:
    penalty = float(instance.workloads.unserved_usd_per_mtok[row.workload])
    if row.cause == "closed":
        return "no pool is open to it"
    if row.cause == "unknown":
        return "not found out in time"
    if row.cause == "limits":
        return "limits stand in the way"
    if row.cause == "whole":
        return "no limit stands in the way but whole numbers: with parts of replicas it could be"
    if row.cause == "fixed":
        return "no limit can give way: loading of weights, single_pool or priority is in the way"
    if row.least_usd_per_mtok >= penalty:
        serving = f"{row.least_usd_per_mtok:,.4g} or more"
        return f"giving up costs {penalty:,.4g} USD/Mtok, serving {serving}"
    return (
        f"no limit stands in the way: giving up at {penalty:,.4g} USD/Mtok is cheaper than all "
        "that serving needs"
    )


def _candidates(instance: Instance, found: Candidates) -> list[str]:
    name = instance.workloads.workload[found.workload]
    when = f"period {found.period}"
    if found.last_period > found.period:
        when += f" (may wait until period {found.last_period})"
    head = (
        f"{name}, {when}: {mtok(found.arriving_mtok)} arriving; one more Mtok costs "
        f"{found.marginal_usd_per_mtok:,.4g} USD, giving up {found.penalty_usd_per_mtok:,.4g} USD"
    )
    waits = found.last_period > found.period
    figures = ("chip-h/Mtok", "list USD/Mtok", "at the margin", "reduced cost", "placed")
    named = ("pool", "chip", "region", *(("period",) if waits else ()))
    rows: list[tuple[str, ...]] = [(*named, *figures, "what stands against it")]
    for row in found.rows:
        rows.append(
            (
                instance.pools.pool[row.pool],
                instance.pools.chip[row.pool],
                instance.pools.region[row.pool],
                *((str(row.period),) if waits else ()),
                _number(row.chip_hours_per_mtok),
                _number(row.list_usd_per_mtok),
                _number(row.marginal_usd_per_mtok),
                _number(row.reduced_usd_per_mtok),
                mtok(row.placed_mtok) if row.placed_mtok else "-",
                row.obstacle,
            )
        )
    text = "placed: all of the workload's in the window\n" if waits else ""
    blocks = [head, _ragged(rows, len(named)), text + choice_words(instance, found)]
    order = {row.pool: place for place, row in enumerate(found.rows)}
    said, ways = ways_rows(instance, found.workload, found.ways, order)
    if ways:
        blocks += [f"{said}\n{_ragged(ways, 2)}"]
    return blocks


def _number(value: float) -> str:
    return "-" if value != value else f"{value + 0.0:,.4f}"


def _ragged(rows: list[tuple[str, ...]], left: int) -> str:
    """Columns side by side, the first ``left`` to the left, the last as long as it is."""
    body = columns([row[:-1] for row in rows], left).split("\n")
    width = max(map(len, body))
    return "\n".join(
        f"{line:<{width}}  {row[-1]}".rstrip() for line, row in zip(body, rows, strict=True)
    )

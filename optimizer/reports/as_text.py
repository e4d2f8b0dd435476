"""A result as text for a terminal: what a planner wants first, first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optimizer.evaluation.costs import Costs
from optimizer.reports.breakdown import Breakdown, breakdown
from optimizer.reports.figures import columns, mtok, percent, usd, usd_short
from optimizer.reports.latency_text import latency_text
from optimizer.result import Result

__all__ = ["render"]

RELAXATION = "linear relaxation"
"""Source of a bound that the duals of the linear relaxation give."""
CUTS = "cuts on whole replicas"
"""Source of a bound that prices on what whole replicas leave over give."""
WIDER = (
    "1 % more chips; one point of share; one period longer, or no residency, for 1 % of the tokens"
)
"""What 1 % wider means for the limits that every instance has."""
WIDER_FLEET = {
    "replicas": "1 % more work that replicas can do",
    "min_replicas": "1 % fewer replicas asked for",
    "startup": "1 % more changes",
    "contracts": "1 % more blocks",
    "activation": "fees 1 % lower",
    "outages": "one point less protected",
    "power": "1 % more power",
    "budget": "1 % more budget",
    "priority": "1 % of the tokens free of their rank",
    "qualification": "no qualification for 1 % of the tokens",
}
"""The same for the limits of fleets, told where one is shown."""


def render(result: Result) -> str:
    """The summary: verdict, cost and bound, pools, shares, models, limits, what was left out."""
    parts = breakdown(result)
    blocks = [_head(result, parts)]
    if result.verified:
        blocks += [_pools(parts), _shares(result, parts), _models(parts), _replicas(parts)]
        blocks += [_fleet(parts), latency_text(result), _prices(parts)]
    blocks += [_left_out(result), _notes(result), _foot(result)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(result: Result, parts: Breakdown) -> str:
    instance = result.instance
    title = f"{instance.name}: {instance.title}" if instance.title else instance.name
    lines = [title, f"{result.status.upper()}  {result.reason}"]
    found = result.evaluation
    if found is None:
        return "\n".join(lines)
    if not found.verified:
        return "\n".join([*lines, *(f"  {violation}" for violation in found.violations[:10])])
    lines[1] += "  (plan verified)"
    gap = f"{found.relative_gap:.1e}"
    lines += [
        f"cost      {usd(found.objective_usd)}",
        f"bound     {usd(found.bound.usd)}   gap {gap}{_whose(result)}",
        f"  of it   {_parts_of(found.cost_usd)}",
        f"served    {mtok(float(found.placed_mtok.sum()))}   "
        f"unserved {mtok(float(found.unserved_mtok.sum()))}",
    ]
    basis = parts.cost_usd_by_basis
    if basis:
        total = sum(basis.values())
        told = ", ".join(
            f"{name} {percent(value / total)}"
            for name, value in sorted(basis.items(), key=lambda item: -item[1])
        )
        lines.append(f"rests on  {told}  (basis of prices)")
    return "\n".join(lines)


def _parts_of(cost: Costs) -> str:
    """Parts of the cost; contracts and starts only where there are any."""
    told = [
        ("reserved", cost.reserved, True),
        ("as used", cost.usage, True),
        ("contracts", cost.contracts, False),
        ("routes", cost.routes, True),
        ("starts", cost.startup, False),
        ("activation", cost.activation, True),
        ("unserved", cost.unserved, True),
    ]
    return ", ".join(
        f"{name} {usd_short(value)}" for name, value, always in told if always or value
    )


def _whose(result: Result) -> str:
    """Whose word a bound is that the judge could not recompute."""
    assert result.evaluation is not None
    source = result.evaluation.bound.source
    told = {
        "sweep": "",
        RELAXATION: "   (proved by the linear relaxation's duals)",
        CUTS: "   (proved by prices on pools and whole replicas)",
    }
    return told.get(source, f"   (proved by {source}, not recomputed)")


def _pools(parts: Breakdown) -> str:
    rows = [
        (
            row.pool,
            row.purchase,
            usd_short(row.usd),
            "-" if row.utilisation is None else percent(row.utilisation),
            mtok(row.placed_mtok),
            "-" if row.usd_per_mtok is None else f"{row.usd_per_mtok:.3f}",
        )
        for row in sorted(parts.pools, key=lambda row: -row.usd)
        if row.usd > 0 or row.placed_mtok
    ]
    idle = sum(1 for row in parts.pools if not (row.usd > 0 or row.placed_mtok))
    more = f"\n{idle} more pools cost nothing and serve nothing" if idle else ""
    return _table(("pool", "purchase", "cost", "used", "served", "USD/Mtok"), rows, "ll") + more


def _shares(result: Result, parts: Breakdown) -> str:
    lines = []
    for what, shares in (
        ("provider", parts.share_of_compute),
        ("chip", parts.share_of_compute_by_chip),
    ):
        told = "   ".join(
            f"{name} {percent(value)}"
            for name, value in sorted(shares.items(), key=lambda item: -item[1])
        )
        lines.append(f"share of compute by {what}: {told}")
    limits = result.instance.shares
    found = result.evaluation
    assert found is not None
    for position, name in enumerate(limits.share):
        low, high = float(limits.min[position]), float(limits.max[position])
        allowed = " ".join(
            [f"min {percent(low)}"] * (low == low) + [f"max {percent(high)}"] * (high == high)
        )
        lines.append(
            f"  {name}: {percent(float(found.share_parts[position]))} of "
            f"{limits.measure[position]} ({allowed})"
        )
    return "\n".join(lines)


def _models(parts: Breakdown) -> str:
    rows = [
        (model, mtok(served), mtok(lost), "-" if price is None else f"{price:.3f}")
        for (model, (served, lost)), price in zip(
            parts.mtok_by_model.items(), parts.usd_per_mtok_by_model.values(), strict=True
        )
    ]
    return _table(("model", "served", "unserved", "USD/Mtok"), rows, "l")


def _replicas(parts: Breakdown) -> str:
    rows = [
        (row.model, f"{row.peak:,.0f}", f"{row.mean:,.1f}", f"{row.starts:,.0f}")
        for row in parts.fleet.replicas
    ]
    return _table(("replicas", "at peak", "mean", "started"), rows, "l") if rows else ""


def _fleet(parts: Breakdown) -> str:
    """Contracts, outages, power and budget, a line each."""
    fleet = parts.fleet
    lines = [
        f"contract {row.contract}: {row.blocks:,.0f} of {row.max_blocks:,} blocks bought, "
        f"{row.chips:,.6g} chips on {row.pool}, {usd_short(row.usd)}"
        for row in fleet.contracts
    ]
    lines += [
        f"outage {row.outage} ({row.attribute} {row.value}): {mtok(row.failover_mtok)} would be "
        f"served elsewhere, with {row.reserve_chips:,.6g} chips in reserve at most"
        for row in fleet.outages
    ]
    lines += [
        f"power {row.limit}: {row.peak_mw:,.4g} MW at peak of {row.max_mw:,.4g} MW"
        for row in fleet.power
    ]
    if fleet.budget is not None:
        spent, limit = fleet.budget.spent_usd, fleet.budget.budget_usd
        part = f" ({percent(spent / limit)})" if limit > 0 else ""
        lines.append(f"budget: {usd_short(spent)} spent of {usd_short(limit)}{part}")
    return "\n".join(lines)


def _prices(parts: Breakdown) -> str:
    if not parts.top_prices:
        return "no limit binds: nothing would be saved by relaxing one"
    rows = [
        (
            row.family,
            row.name,
            f"{row.value:,.4g} {row.unit}",
            "horizon" if row.periods is None else f"{row.periods} periods",
            usd_short(row.worth_usd),
        )
        for row in parts.top_prices
    ]
    head = ("limit", "on", "shadow price", "binds in", "1 % wider saves")
    shown = {row.family for row in parts.top_prices}
    fleet = [words for family, words in WIDER_FLEET.items() if family in shown]
    meant = [WIDER, "; ".join(fleet)] if fleet else [WIDER]
    return "\n".join([_table(head, rows, "ll"), *(f"({words})" for words in meant)])


def _left_out(result: Result) -> str:
    if not result.left_out:
        return ""
    lines = [f"  {pool}: {why}" for pool, why in result.left_out.items()]
    return "\n".join(["left out of the plan:", *lines])


def _notes(result: Result) -> str:
    return "\n".join(f"note: {note}" for note in result.notes)


def _foot(result: Result) -> str:
    seconds, size = result.seconds, result.size
    told = ", ".join(
        f"{name} {value:.2f}" for name, value in vars(seconds).items() if name != "total"
    )
    nodes = f", {result.nodes:,} node{'s' * (result.nodes != 1)}" if result.nodes else ""
    way = f"{result.method}: {result.why}" if result.why else result.method
    return (
        f"{way}\n{size.variables:,} variables, {size.rows:,} rows{nodes}; "
        f"{seconds.total:.2f} s ({told}); {result.peak_rss_mib:,.0f} MiB at most"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: str) -> str:
    """Columns side by side; the first ``len(left)`` are text, the rest numbers."""
    return columns([head, *rows], len(left))

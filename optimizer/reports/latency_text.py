"""Predicted latency as text for a terminal."""

from __future__ import annotations

from optimizer.reports.figures import columns, percent
from optimizer.reports.latency_rows import LatencyRow, latency_summary
from optimizer.result import Result

MOST_ROWS = 8
HEAD = ("workload", "TTFT ms", "worst", "promised", "TPOT ms", "worst", "promised", "kept by")


def latency_text(result: Result) -> str:
    """What requests see, the workloads nearest to their promises first; empty without profiles."""
    found = latency_summary(result)
    if found is None:
        return ""
    rounds = {0: "no route had to be tightened", 1: "1 round of tightening"}.get(
        found.tightening_rounds, f"{found.tightening_rounds} rounds of tightening"
    )
    lines = [
        f"latency by the queue: {percent(found.attainment)} of the requests with a promise keep "
        f"it; {rounds}"
    ]
    if found.tightening_rounds:
        lines[0] += f", {found.tightened_routes:,} routes slower than derived"
    if found.split:
        lines.append(
            f"  of {found.may_share:,} sets of workloads that may share replicas "
            f"{found.split:,} are split, so that promises are kept: {found.replica_groups:,} groups"
            + _rounding(found.rounding_up)
        )
    if found.broken:
        lines.append(
            f"  BROKEN: {found.broken:,} of {found.places:,} promises (a workload on a pool in a "
            "period); latency.parquet names them"
        )
    if found.untrusted:
        lines.append(
            f"  {found.untrusted:,} of {found.places:,} predictions are outside the region in "
            "which the formulas were found to hold (docs/serving-queue.md)"
        )
    if found.unpredicted:
        lines.append(f"  {found.unpredicted:,} placements are on routes without a profile")
    head: tuple[str, ...] = HEAD
    rows = [_row(row) for row in found.workloads[:MOST_ROWS]]
    if found.split:
        head += ("own replicas",)
        rows = [
            (*cells, f"{row.own_replicas} of {row.pools} pools")
            for cells, row in zip(rows, found.workloads, strict=False)
        ]
    lines.append(columns([head, *rows], 1))
    more = len(found.workloads) - MOST_ROWS
    if more > 0:
        lines.append(f"{more} more workloads keep more; --json and latency.parquet have all")
    return "\n".join(lines)


def _rounding(part: float) -> str:
    """What whole replicas would add."""
    return f"; rounded up to whole replicas, {percent(part)} more chip-hours" if part else ""


def _row(row: LatencyRow) -> tuple[str, ...]:
    """Means, worst percentile or, where promises hold on average, worst known, and promises."""
    label = "" if row.on_average else f" p{row.percentile:g}"

    def promised(value: float | None) -> str:
        return "-" if value is None else f"{value:,.0f}{label}"

    return (
        row.workload,
        f"{row.ttft_ms:,.0f}",
        f"{row.ttft_percentile_ms:,.0f}",
        promised(row.ttft_promised_ms),
        f"{row.tpot_ms:,.1f}",
        f"{row.tpot_percentile_ms:,.1f}",
        promised(row.tpot_promised_ms),
        "-" if row.attainment is None else percent(row.attainment),
    )

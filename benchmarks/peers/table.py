"""Records as a Markdown table: ``python -m benchmarks.peers.table FILE.jsonl``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import load

HEAD = (
    "peer", "build", "solve", "extract", "all", "CPU", "USD", "proved gap", "pool over its limit",
    "demand missed", "judge", "own bound below", "peak MiB", "says", "version",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Print a table for each instance."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    print(of_runs(load(Path(arguments[0]))))
    return 0


def of_runs(runs: Sequence[dict[str, Any]]) -> str:
    """A section for each instance, from small to large; of a peer run twice the last counts."""
    sections = []
    sized = sorted(runs, key=lambda one: one["size"]["routes"] * one["size"]["periods"])
    for name in dict.fromkeys(one["instance"] for one in sized):
        mine = {one["peer"]: one for one in runs if one["instance"] == name}
        sections.append("\n".join([_title(list(mine.values())), "", *_table(mine.values())]))
    return "\n\n".join(sections)


def line_of(one: dict[str, Any]) -> str:
    """A run in a line of text."""
    return f"{one['peer']}: " + ", ".join(
        f"{head} {cell}"
        for head, cell in zip(HEAD[1:-1], _cells(one)[1:-1], strict=True)
        if cell not in ("", "0")
    )


def _title(runs: list[dict[str, Any]]) -> str:
    size, loads = runs[0]["size"], [number for one in runs for number in one["load"].values()]
    limits = " or ".join(f"{limit:g}" for limit in sorted({one["time_limit_s"] for one in runs}))
    return (
        f"### `{runs[0]['instance']}`: {size['workloads']:,} workloads, {size['pools']} pools, "
        f"{size['periods']} {'period' if size['periods'] == 1 else 'periods'}, "
        f"{size['routes'] * size['periods']:,} routes x periods\n\n"
        f"Load average {min(loads):.1f} to {max(loads):.1f}; "
        f"limit {limits} s a run."
    )


def _table(runs: Any) -> list[str]:
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for one in runs:
        lines.append("| " + " | ".join(_cells(one)) + " |")
        mended = one["quality"].get("repaired")
        if mended is not None:
            cells = ["&nbsp; repaired", *[""] * 5, *_judged(mended), "", "", "", ""]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def _cells(one: dict[str, Any]) -> list[str]:
    quality, memory = one["quality"], f"{one['peak_rss_mib']:.0f}"
    name = f"`{one['peer']}`"
    if quality["outcome"] != "answer":
        used = _seconds(one["cpu_seconds"])
        return [name, *[""] * 4, used, *[""] * 6, memory, quality["outcome"], _version(one)]
    seconds = [phase["seconds"] for phase in one["phases"].values()]
    times = [_seconds(each) for each in (*seconds, sum(seconds), one["cpu_seconds"])]
    own, cost = quality["own_bound_usd"], quality["bound_usd"]
    proof = "" if own is None else _part((cost - own) / cost)
    return [name, *times, *_judged(quality), proof, memory, quality["claim"], _version(one)]


def _judged(quality: dict[str, Any]) -> list[str]:
    """Cost, gap, excess, missed, and the judge's word."""
    broken = ", ".join(f"{family} {count}" for family, count in quality["violations"].items())
    return [
        f"{quality['cost_usd']:,.2f}",
        _part(quality["relative_gap"]),
        _part(max(quality["worst_excess"], 0.0)),
        _part(quality["missed_part"]),
        "keeps all" if quality["verified"] else f"breaks {broken}",
    ]


def _version(one: dict[str, Any]) -> str:
    return "" if one["version"].endswith(" None") else str(one["version"])


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.0005 else "0.000"


def _part(value: float) -> str:
    """A part of something; what is within rounding of float64 counts as 0."""
    return "0" if abs(value) < 5e-14 else f"{value:.1e}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

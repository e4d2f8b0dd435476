"""Compare two files of records: ``python -m benchmarks.compare BEFORE.jsonl AFTER.jsonl``."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import unlike
from benchmarks.record import load
from benchmarks.table import figures, quality, spread


def main(arguments: Sequence[str] | None = None) -> int:
    """Print ratios of medians; gives 2 when the files cannot be compared."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    asked = parser.parse_args(arguments)
    before, after = load(asked.before), load(asked.after)
    why = differences(before + after)
    if why:
        print("not compared, the machines are unlike: " + "; ".join(why), file=sys.stderr)
        return 2
    lines = comparison(before, after)
    if not lines:
        print("not compared: the files have no case in common", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


def differences(runs: Sequence[dict[str, Any]]) -> list[str]:
    """In what the machines of some runs differ from that of the first."""
    found = (unlike(runs[0]["machine"], one["machine"]) for one in runs[1:])
    return list(dict.fromkeys(words for several in found for words in several))


def comparison(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[str]:
    """Figures and quality side by side, a ratio below 1 being an improvement."""
    old, new = figures(before), figures(after)
    lines: list[str] = []
    for case in dict.fromkeys(one["case"] for one in before):
        later = [one for one in after if one["case"] == case]
        if not later:
            continue
        lines += [case, *_qualities("before", before, case), *_qualities("after", later, case)]
        lines.append(f"  {'phase':<10}{'figure':<28}{'before':>24}{'after':>24}{'ratio':>8}")
        for key in old:
            if key[0] == case and key in new:
                ratio = _ratio(old[key], new[key])
                texts = f"{spread(old[key]):>24}{spread(new[key]):>24}{ratio:>8}"
                lines.append(f"  {key[1]:<10}{key[2]:<28}{texts}")
    return lines


def _qualities(side: str, runs: Sequence[dict[str, Any]], case: str) -> list[str]:
    mine = [one for one in runs if one["case"] == case]
    loads = [one["load"][when] for one in mine for when in ("before", "after")]
    commits = {
        one["commit"]["hash"][:12] + (" with changes" if one["commit"]["dirty"] else "")
        for one in mine
    }
    head = f"  {side}: {', '.join(sorted(commits))}; {len(mine)} runs, "
    head += f"load average {min(loads)}-{max(loads)}"
    return [head, *(f"    {line}" for line in dict.fromkeys(quality(one) for one in mine))]


def _ratio(old: Sequence[float], new: Sequence[float]) -> str:
    base = statistics.median(old)
    return f"{statistics.median(new) / base:.2f}" if base > 0 else "-"


if __name__ == "__main__":
    sys.exit(main())

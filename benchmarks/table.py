"""Records as text: medians with their spread, and the quality beside them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any


def figures(runs: Iterable[dict[str, Any]]) -> dict[tuple[str, str, str], list[float]]:
    """Every figure of several runs, by case, phase and name of the figure."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for one in runs:
        for phase, numbers in one["phases"].items():
            for name, number in numbers.items():
                found.setdefault((one["case"], phase, name), []).append(float(number))
    return found


def spread(numbers: Sequence[float]) -> str:
    """Median, then least and greatest."""
    if len(numbers) == 1:
        return number(numbers[0])
    ends = f"{number(min(numbers))}-{number(max(numbers))}"
    return f"{number(statistics.median(numbers))} ({ends})"


def number(value: float) -> str:
    """Three digits that count, and no exponent."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def quality(one: dict[str, Any]) -> str:
    """The quality of an answer in a line."""
    found = one["quality"]
    words = [f"{found['status']}, {'verified' if found['verified'] else 'NOT VERIFIED'}"]
    for name, form in (("objective_usd", "{:.2f} USD"), ("relative_gap", "gap {:.1e}")):
        if found.get(name) is not None:
            words.append(form.format(found[name]))
    return ", ".join(words)


def of_runs(runs: Sequence[dict[str, Any]]) -> str:
    """Figures of each case, and the quality of its answers."""
    lines = []
    every = figures(runs)
    for case in dict.fromkeys(one["case"] for one in runs):
        mine = [one for one in runs if one["case"] == case]
        lines.append(f"{case}: {len(mine)} runs")
        lines += [f"  {line}" for line in dict.fromkeys(quality(one) for one in mine)]
        phases: dict[str, list[str]] = {}
        for (of, phase, name), numbers in every.items():
            if of == case:
                phases.setdefault(phase, []).append(f"{name} {spread(numbers)}")
        for phase, parts in phases.items():
            lines.append(f"  {phase:<9} " + "  ".join(parts))
    return "\n".join(lines)

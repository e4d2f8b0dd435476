"""Records as a plot: ``python -m benchmarks.peers.plot FILE.jsonl OUT.svg [INSTANCE]``.

Left, seconds to a proved gap on one instance; right, seconds by size. Needs matplotlib, which
``pip install 'token-placement-optimizer[bench]'`` brings.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.points import LEAST_GAP, Point, points_of
from benchmarks.record import load

COLOURS = {
    "price": "#c1121f",
    "direct": "#e07a5f",
    "ortools": "#1d4e89",
    "highspy": "#2a9d8f",
    "pulp": "#7a7a7a",
    "pop": "#8e5ea2",
    "ascent": "#d4a017",
    "dede": "#6b4226",
}
"""By the first word of a peer's name."""
NEAR = 3.0
"""Ratio of seconds below which names would overlap."""
STYLES = ("-", "--", ":", "-.")
"""Of peers of one colour."""


def main(arguments: Sequence[str]) -> int:
    """Draw; the instance of the left part is the largest of one period with most answers."""
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    points = points_of(load(Path(arguments[0])))
    instance = arguments[2] if len(arguments) == 3 else telling(points)
    draw(points, instance, Path(arguments[1]))
    return 0


def telling(points: Sequence[Point]) -> str:
    """The instance on which most peers have an answer; of several, the largest."""
    answers = {point.instance: 0 for point in points}
    for point in points:
        answers[point.instance] += point.gap is not None
    most = max(answers.values(), default=0)
    return [name for name, count in answers.items() if count == most][-1]


def draw(points: Sequence[Point], instance: str, path: Path) -> None:
    """Write both parts as one file, its format by its name."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["svg.hashsalt"] = "peers"
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.2), layout="constrained")
    _gaps(left, [point for point in points if point.instance == instance], instance)
    _growth(right, [point for point in points if point.periods == 1])
    lines, names = right.get_legend_handles_labels()
    figure.legend(lines, names, loc="outside right center", fontsize=7)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def _gaps(axes: Any, points: Sequence[Point], instance: str) -> None:
    """Seconds to a proved gap; hollow where the raw answer breaks rules and is repaired."""
    for point in points:
        if point.gap is None:
            continue
        colour = _colour(point.peer)
        axes.plot(
            point.seconds,
            point.gap,
            "o",
            color=colour,
            markerfacecolor=colour if point.raw else "none",
        )
    _name(axes, [point for point in points if point.gap is not None])
    axes.set(xscale="log", yscale="log", ylim=(LEAST_GAP / 3, 3.0))
    known = [point.seconds for point in points if point.gap is not None] or [1.0]
    axes.set_xlim(min(known) / 2, max(known) * 6)
    axes.set(xlabel="seconds, building and reading back included", ylabel="proved gap")
    axes.set_title(f"{instance}: time to a proved gap (hollow: after repair)", fontsize=10)
    axes.grid(alpha=0.25)


def _name(axes: Any, points: Sequence[Point]) -> None:
    """Names beside the points; those of exact answers that took much the same in a stack."""
    height, before = 0, 0.0
    for point in sorted(points, key=lambda one: one.seconds):
        above = 3
        if point.gap == LEAST_GAP:
            height = height + 1 if point.seconds < NEAR * before else 0
            above, before = 3 + 10 * height, point.seconds
        axes.annotate(
            point.peer,
            (point.seconds, point.gap),
            textcoords="offset points",
            xytext=(5, above),
            fontsize=7,
            color=_colour(point.peer),
            arrowprops={"arrowstyle": "-", "lw": 0.3, "color": _colour(point.peer)}
            if above > 10
            else None,
        )


def _growth(axes: Any, points: Sequence[Point]) -> None:
    """Seconds by size; a cross where there was no answer in the time, or a limit was passed."""
    peers = list(dict.fromkeys(point.peer for point in points))
    for peer in peers:
        mine = [point for point in points if point.peer == peer]
        done = [point for point in mine if point.gap is not None]
        colour, style = _colour(peer), _style(peer, peers)
        axes.plot(
            [point.cells for point in done],
            [point.seconds for point in done],
            marker="o",
            markersize=3,
            linestyle=style,
            color=colour,
            label=peer,
        )
        lost = [point for point in mine if point.gap is None]
        axes.plot(
            [point.cells for point in lost],
            [point.seconds for point in lost],
            linestyle="none",
            marker="x",
            color=colour,
        )
    axes.set(xscale="log", yscale="log", xlabel="routes (one period)", ylabel="seconds")
    axes.set_title("growth with size (cross: no answer within the limit)", fontsize=10)
    axes.grid(alpha=0.25)


def _colour(peer: str) -> str:
    return COLOURS.get(peer.split("-")[0], "#000000")


def _style(peer: str, peers: Sequence[str]) -> str:
    family = [other for other in peers if other.split("-")[0] == peer.split("-")[0]]
    return STYLES[family.index(peer) % len(STYLES)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

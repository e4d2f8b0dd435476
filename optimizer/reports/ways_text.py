"""The ways to run a workload on pools whose routes are derived, for people."""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.explanation.derived_routes import Way
from optimizer.explanation.way_words import chosen_way, promise_words, standing
from optimizer.instance.instance import Instance

SHORT = {"ttft": "TTFT", "tpot": "TPOT", "throughput": "most it can do", "measured": "measured"}
"""What holds a rate down."""
HEAD = ("pool", "way", "chips", "chip-h/Mtok", "req/s", "TTFT ms", "TPOT ms", "held down by")


def ways_rows(
    instance: Instance, workload: int, ways: tuple[Way, ...], order: Mapping[int, int]
) -> tuple[str, list[tuple[str, ...]]]:
    """A sentence and the rows of a table; no rows where routes are given.

    Parameters
    ----------
    order : where each pool stands.
    """
    if not ways:
        return "", []
    promise = promise_words(instance, workload)
    name = instance.workloads.workload[workload]
    within = f" within {promise}" if promise else ", nothing being promised"
    said = f"ways to run {name} by the profiles: the fewest chip-hours{within}"
    rows: list[tuple[str, ...]] = [(*HEAD, "")]
    last = -1
    for way in sorted(ways, key=lambda way: order[way.pool]):
        pool = "" if way.pool == last else instance.pools.pool[way.pool]
        last = way.pool
        rows.append(
            (
                pool,
                way.configuration or "-",
                f"{way.chips_per_replica:g}",
                _number(way.chip_hours_per_mtok),
                _number(way.requests_per_second),
                _number(way.ttft_ms),
                _number(way.tpot_ms),
                SHORT.get(way.bound_by, "-"),
                standing(way, chosen_way(ways, way.pool)),
            )
        )
    return said, rows


def _number(value: float) -> str:
    return "-" if value != value else f"{value:,.4g}"

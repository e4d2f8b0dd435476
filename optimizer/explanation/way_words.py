"""Why a workload runs on a pool in the way it does, in words."""

from __future__ import annotations

import math

from optimizer.explanation.derived_routes import SAME, Way
from optimizer.instance.instance import Instance

BOUND = {
    "ttft": "the time to the first token",
    "tpot": "the time per output token",
    "throughput": "what a replica can do at most",
    "measured": "the measured rate",
}
"""What holds the rate of a replica down."""


def promise_words(instance: Instance, workload: int) -> str:
    """What a workload was promised; empty when nothing."""
    table = instance.workloads
    percentile = float(table.slo_percentile[workload])
    known = [
        f"{float(getattr(table, f'{name}_ms')[workload]):,g} ms {words}"
        for name, words in (("ttft", "to the first token"), ("tpot", "per output token"))
        if not math.isnan(float(getattr(table, f"{name}_ms")[workload]))
    ]
    if not known:
        return ""
    part = "on average" if math.isnan(percentile) else f"at {percentile:g} %"
    return f"{' and '.join(known)}, {part}"


def standing(way: Way, chosen: Way | None) -> str:
    """What became of a way: chosen, dearer in chip-hours, or out of the question."""
    if way.why_not:
        return way.why_not
    if way.chosen:
        if way.slower == 1.0:
            return "chosen"
        return f"chosen; tightened, the plan counts {way.slower:,.4g} x these chip-hours"
    if chosen is None:
        return "not in routes"
    more = way.chip_hours_per_mtok / chosen.chip_hours_per_mtok
    if abs(more - 1.0) <= SAME:
        return "takes as many chip-hours"
    return f"takes {more:,.4g} x the chip-hours"


def chosen_way(ways: tuple[Way, ...], pool: int) -> Way | None:
    """The way of a pool's route; None where there is none."""
    return next((way for way in ways if way.pool == pool and way.chosen), None)


def way_words(instance: Instance, ways: tuple[Way, ...], pool: int) -> str:
    """How a workload runs on a pool and why so, in a sentence; empty for given routes."""
    way = chosen_way(ways, pool)
    if way is None:
        return ""
    held = f", held down by {BOUND[way.bound_by]}" if way.bound_by in BOUND else ""
    chips = "1 chip" if way.chips_per_replica == 1 else f"{way.chips_per_replica:g} chips"
    said = (
        f"On {instance.pools.pool[pool]} it runs as {way.configuration or 'its only profile'}, "
        f"{way.requests_per_second:,.4g} requests/s per replica of {chips}{held}"
    )
    others = [one for one in ways if one.pool == pool and not one.chosen]
    told = "; ".join(f"{one.configuration or '-'}: {standing(one, way)}" for one in others)
    if way.slower != 1.0:
        said += f"; tightened, it counts for {way.slower:,.4g} x the chip-hours"
    return f"{said} ({told})." if told else f"{said}."

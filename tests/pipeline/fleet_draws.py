"""Tiny random fleets, a kind for each family of rules, made so that the family often binds.

Numbers are multiples of a quarter, so that sums are exact and what is infeasible is clearly
so. ``drawn(kind, seed)`` gives the same rows for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.pipeline.fleet_base import NEAR, Dice, Size, base
from tests.pipeline.fleet_families import (
    add_budget,
    add_contracts,
    add_outages,
    add_power,
    add_priority,
    add_qualification,
    add_replicas,
    add_shares,
    add_startup,
    with_fleet,
)
from tests.pipeline.sketch import Sketch

SIZES = {
    "replicas": Size(workloads=(1, 2), pools=(1, 2), periods=(1, 2), chips=4.0),
    "startup": Size(workloads=(1, 2), pools=(1, 2), periods=(2, 3), chips=5.0),
    "contracts": Size(chips=4.0, pools=(1, 2)),
    "outages": Size(workloads=(1, 3), pools=(2, 3), periods=(1, 2), chips=5.0, models=2),
    "power": Size(),
    "budget": Size(),
    "priority": Size(workloads=(2, 3), pools=(1, 2), periods=(1, 2), chips=2.0, penalties=NEAR),
    "qualification": Size(pools=(2, 3), periods=(1, 3)),
    "shares_period": Size(workloads=(1, 3), pools=(2, 3), periods=(2, 3)),
    "mixed": Size(workloads=(1, 3), pools=(2, 3), periods=(1, 2), chips=4.0, penalties=NEAR),
    "edges": Size(workloads=(1, 3), pools=(2, 3), periods=(1, 2), chips=3.0, penalties=NEAR),
}
"""How large the problems of each kind are."""

KINDS = tuple(kind for kind in SIZES if kind not in ("mixed", "edges"))


def drawn(kind: str, seed: int) -> Sketch:
    """Draw a problem of a kind: one family of rules, or any of all with ``mixed``.

    ``edges`` are mixed too, with pools without chips, few routes, losses from which nobody is
    protected, and replicas asked for where nothing can be served.
    """
    dice = Dice(np.random.default_rng([seed, list(SIZES).index(kind)]))
    sketch = base(dice, SIZES[kind])
    if kind == "edges":
        return _on_edge(dice, _mixed(dice, _bare(dice, sketch)))
    return _mixed(dice, sketch) if kind == "mixed" else ADD[kind](dice, sketch)


def _bare(dice: Dice, sketch: Sketch) -> Sketch:
    """Take chips and routes away."""
    none = (0.0,) * len(sketch.pools[0].capacity_chips)
    pools = tuple(
        replace(row, capacity_chips=none) if dice.chance(0.25) else row for row in sketch.pools
    )
    routes = tuple(row for row in sketch.routes if not dice.chance(0.25))
    return replace(sketch, pools=pools, routes=routes)


def _on_edge(dice: Dice, sketch: Sketch) -> Sketch:
    if dice.chance(0.3):
        workloads = tuple(replace(row, protected=False) for row in sketch.workloads)
        sketch = replace(sketch, workloads=workloads)
    if sketch.fleet.replicas and dice.chance(0.4):
        able = sorted({row.model for row in sketch.fleet.replicas})
        sketch = with_fleet(sketch, min_replicas=((dice.one_of(able), 1),))
    return sketch


def _outages_and_maybe_replicas(dice: Dice, sketch: Sketch) -> Sketch:
    if dice.chance(0.4):
        sketch = add_replicas(dice, sketch, least=1.5)
    return add_outages(dice, sketch)


ADD = {
    "replicas": add_replicas,
    "startup": add_startup,
    "contracts": add_contracts,
    "outages": _outages_and_maybe_replicas,
    "power": add_power,
    "budget": add_budget,
    "priority": add_priority,
    "qualification": add_qualification,
    "shares_period": add_shares,
}


def _mixed(dice: Dice, sketch: Sketch) -> Sketch:
    """Add each family with a chance, fees and pins too."""
    steps: dict[str, Callable[[Sketch], Sketch]] = {
        "replicas": lambda sketch: add_replicas(dice, sketch, least=1.5),
        "startup": lambda sketch: add_startup(dice, sketch),
        "contracts": lambda sketch: add_contracts(dice, sketch),
        "outages": lambda sketch: add_outages(dice, sketch),
        "power": lambda sketch: add_power(dice, sketch),
        "priority": lambda sketch: add_priority(dice, sketch),
        "qualification": lambda sketch: add_qualification(dice, sketch),
        "shares": lambda sketch: add_shares(dice, sketch, dice.one_of(("period", "horizon"))),
        "budget": lambda sketch: add_budget(dice, sketch),
    }
    for step in steps.values():
        if dice.chance(0.4):
            sketch = step(sketch)
    return replace(
        sketch,
        pools=tuple(
            replace(row, activation_usd=dice.one_of((0.0, 0.0, 1.0, 4.0))) for row in sketch.pools
        ),
        workloads=tuple(replace(row, single_pool=dice.chance(0.15)) for row in sketch.workloads),
    )

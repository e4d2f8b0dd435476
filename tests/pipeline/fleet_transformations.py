"""Changes of a fleet whose effect on the optimum is known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.pipeline.fleet_rows import ContractRow, ReplicaRow
from tests.pipeline.sketch import ShareRow, Sketch
from tests.pipeline.transformations import scaled


def fleet_scaled(sketch: Sketch, amount: float, price: float) -> Sketch:
    """Multiply all amounts and all prices; the optimum is multiplied by both.

    Replicas and blocks grow with the amounts, so that as many of them are needed, and what is
    paid once or for each start grows with both.
    """
    usd = amount * price
    fleet = replace(
        sketch.fleet,
        replicas=tuple(
            replace(
                row,
                chips_per_replica=amount * row.chips_per_replica,
                startup_usd=usd * row.startup_usd,
            )
            for row in sketch.fleet.replicas
        ),
        contracts=tuple(
            replace(
                row,
                block_chips=amount * row.block_chips,
                usd_per_chip_hour=price * row.usd_per_chip_hour,
                activation_usd=usd * row.activation_usd,
            )
            for row in sketch.fleet.contracts
        ),
        power=tuple(replace(row, max_mw=amount * row.max_mw) for row in sketch.fleet.power),
    )
    sketch = scaled(sketch, amount, price)
    return replace(
        sketch,
        pools=tuple(replace(row, activation_usd=usd * row.activation_usd) for row in sketch.pools),
        fleet=fleet,
        budget_usd=None if sketch.budget_usd is None else usd * sketch.budget_usd,
    )


def relaxed(sketch: Sketch) -> dict[str, Sketch]:
    """The same with one limit wider, by the name of the limit; none can cost more."""
    fleet = sketch.fleet
    changes = {
        "max_mw": replace(
            fleet, power=tuple(replace(row, max_mw=1.5 * row.max_mw) for row in fleet.power)
        ),
        "served": replace(
            fleet, outages=tuple(replace(row, served=row.served / 2) for row in fleet.outages)
        ),
        "max_blocks": replace(
            fleet,
            contracts=tuple(replace(r, max_blocks=r.max_blocks + 1) for r in fleet.contracts),
        ),
        "min_replicas": replace(fleet, min_replicas=()),
        "changes": _offers(sketch, _with_more_changes).fleet,
        "utilisation": _offers(sketch, _at_full_use).fleet,
        "startup": _offers(sketch, _started_at_once).fleet,
    }
    found = {name: replace(sketch, fleet=change) for name, change in changes.items()}
    if not any(row.measure == "spend" for row in sketch.shares):
        # A price is also what a limit on spend counts.
        cheaper = replace(fleet, contracts=tuple(_cheaper(row) for row in fleet.contracts))
        found["price of blocks"] = replace(sketch, fleet=cheaper)
    found = {name: change for name, change in found.items() if change != sketch}
    if sketch.budget_usd is not None:
        found["budget"] = replace(sketch, budget_usd=sketch.budget_usd + 1.0)
    if sketch.shares:
        found["shares"] = replace(sketch, shares=tuple(_wider(row) for row in sketch.shares))
    if any(row.priority > 1 for row in sketch.workloads):
        equals = tuple(replace(row, priority=1) for row in sketch.workloads)
        found["priority"] = replace(sketch, workloads=equals)
    return found


def _offers(sketch: Sketch, change: Callable[[ReplicaRow], ReplicaRow]) -> Sketch:
    rows = tuple(change(row) for row in sketch.fleet.replicas)
    return replace(sketch, fleet=replace(sketch.fleet, replicas=rows))


def _with_more_changes(row: ReplicaRow) -> ReplicaRow:
    most = row.max_changes_per_period
    return replace(row, max_changes_per_period=None if most is None else most + 1)


def _at_full_use(row: ReplicaRow) -> ReplicaRow:
    return replace(row, target_utilisation=1.0)


def _started_at_once(row: ReplicaRow) -> ReplicaRow:
    return replace(row, startup_usd=0.0, startup_hours=0.0)


def _cheaper(row: ContractRow) -> ContractRow:
    return replace(row, usd_per_chip_hour=row.usd_per_chip_hour / 2, activation_usd=0.0)


def _wider(row: ShareRow) -> ShareRow:
    return replace(
        row,
        min=None if row.min is None else max(0.0, row.min - 0.125),
        max=None if row.max is None else min(1.0, row.max + 0.125),
    )


def in_small_replicas(sketch: Sketch, chips: float) -> Sketch:
    """Replicas of few chips that may be used to the full, at no cost of their own."""
    rows = tuple(ReplicaRow(row.model, row.chip, chips) for row in sketch.fleet.replicas)
    return replace(sketch, fleet=replace(sketch.fleet, replicas=rows, min_replicas=()))


def without_replicas(sketch: Sketch) -> Sketch:
    """Models that may use any part of a chip."""
    fleet = replace(sketch.fleet, replicas=(), min_replicas=(), in_force=())
    return replace(sketch, fleet=fleet)

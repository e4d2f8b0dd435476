"""One family of rules of a fleet added to a random problem, so that it often binds."""

from __future__ import annotations

from dataclasses import replace

from tests.pipeline.fleet_base import Dice, chips_of, models_of
from tests.pipeline.fleet_rows import (
    ContractRow,
    OutageRow,
    PowerRow,
    QualificationRow,
    ReplicaRow,
)
from tests.pipeline.sketch import ShareRow, Sketch


def with_fleet(sketch: Sketch, **rows: object) -> Sketch:
    """Add rows to the tables of the fleet."""
    return replace(sketch, fleet=replace(sketch.fleet, **rows))  # type: ignore[arg-type]


def add_replicas(dice: Dice, sketch: Sketch, least: float = 0.75) -> Sketch:
    """Whole replicas for most pairs of model and chip; sometimes a least number of them."""
    pairs = [(m, chip) for m in models_of(sketch) for chip in chips_of(sketch)]
    rows = tuple(
        ReplicaRow(
            model,
            chip,
            dice.one_of([q for q in (0.75, 1.0, 1.5, 2.0, 3.0) if q >= least]),
            dice.one_of((1.0, 1.0, 0.75, 0.5)),
        )
        for model, chip in pairs
        if dice.chance(0.8)
    )
    rows = rows or (ReplicaRow(*pairs[0], 2.0),)
    able = sorted({row.model for row in rows})
    asked = ((dice.one_of(able), dice.count(1, 2)),) if dice.chance(0.3) else ()
    return with_fleet(sketch, replicas=rows, min_replicas=asked)


def add_startup(dice: Dice, sketch: Sketch) -> Sketch:
    """Starts that cost money or time, and few changes at a time."""
    if not sketch.fleet.replicas:
        sketch = add_replicas(dice, sketch)
    hours = sketch.period_hours
    rows = tuple(
        replace(
            row,
            startup_usd=dice.one_of((0.0, 1.0, 4.0)),
            startup_hours=dice.one_of((0.0, 0.25, 0.5, 1.0)) * hours,
            max_changes_per_period=dice.one_of((None, 0.0, 1.0, 1.0, 1.0)),
        )
        for row in sketch.fleet.replicas
    )
    pairs = {(row.model, row.chip) for row in rows}
    running = tuple(
        (model, pool.name, dice.count(0, 1))
        for model in models_of(sketch)
        for pool in sketch.pools
        # What would run on a pool that is left out is a question of its own.
        if (model, pool.chip) in pairs and not pool.left_out and dice.chance(0.6)
    )
    return with_fleet(sketch, replicas=rows, in_force=running if dice.chance(0.7) else ())


def add_contracts(dice: Dice, sketch: Sketch) -> Sketch:
    """Blocks that are often cheaper than the pool, or the only chips it has."""
    rows = []
    for at in range(dice.count(1, 2)):
        pool = dice.one_of(sketch.pools)
        first = dice.count(0, len(pool.capacity_chips) - 1)
        span = dice.one_of(((0, 999_999), (first, 999_999), (first, first + 1)))
        price = pool.usd_per_chip_hour[-1] or 0.25
        rows.append(
            ContractRow(
                f"contract-{at}",
                pool.name,
                dice.one_of((1.0, 2.0, 3.0, 0.5)),
                max(0.0, price * dice.one_of((0.25, 0.5, 0.75, 1.0))),
                *span,
                max_blocks=dice.count(1, 3),
                activation_usd=dice.one_of((0.0, 0.0, 2.0, 5.0)),
            )
        )
    sketch = with_fleet(sketch, contracts=tuple(rows))
    # Under a limit on spend a plan might gain by paying for more than it holds.
    return add_shares(dice, sketch, measures=("spend",)) if dice.chance(0.25) else sketch


def add_outages(dice: Dice, sketch: Sketch) -> Sketch:
    """Losses of a group that mostly leaves other pools, and workloads that survive it."""
    rows = []
    for at in range(dice.count(1, 2)):
        attribute, value = group(dice, sketch)
        rows.append(OutageRow(f"outage-{at}", attribute, value, dice.one_of((1.0, 0.75, 0.5))))
    kept = dice.some(sketch.workloads)
    workloads = tuple(replace(row, protected=row in kept) for row in sketch.workloads)
    return with_fleet(replace(sketch, workloads=workloads), outages=tuple(rows))


def add_power(dice: Dice, sketch: Sketch) -> Sketch:
    """Limits on power in real megawatts, or in those of a few kilowatts."""
    unit = dice.one_of((1e6, 1e3))
    pools = tuple(
        replace(row, watts_per_chip=dice.one_of((0.25, 0.5, 1.0)) * unit) for row in sketch.pools
    )
    rows = []
    for at in range(dice.count(1, 2)):
        attribute, value = group(dice, sketch)
        rows.append(PowerRow(f"power-{at}", attribute, value, dice.quarters(0.25, 2) * unit / 1e6))
    return with_fleet(replace(sketch, pools=pools), power=tuple(rows))


def add_budget(dice: Dice, sketch: Sketch) -> Sketch:
    """A budget between what reserved chips cost and what all might; seldom less."""
    hours = sketch.period_hours
    floor = sum(
        hours * (usd or 0.0) * chips
        for pool in sketch.pools
        if pool.purchase == "reserved" and not pool.left_out
        for usd, chips in zip(pool.usd_per_chip_hour, pool.capacity_chips, strict=True)
    )
    mtok = sum(sum(row.demand_mtok) for row in sketch.workloads)
    extra = dice.one_of((-0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.5)) * mtok
    return replace(sketch, budget_usd=max(0.0, floor + extra))


def add_priority(dice: Dice, sketch: Sketch) -> Sketch:
    """Ranks that know nothing of the penalties, or are against them."""
    ranks = dice.one_of(((1, 2), (1, 2, 3), (1, 1, 2)))
    several = [dice.one_of(ranks) for _ in sketch.workloads]
    if dice.chance(0.8):
        # Who costs least to give up is served first: the rule and the penalty disagree.
        by_penalty = sorted(sketch.workloads, key=lambda row: row.unserved_usd_per_mtok)
        several = [1 + by_penalty.index(row) for row in sketch.workloads]
    pairs = zip(sketch.workloads, several, strict=True)
    return replace(sketch, workloads=tuple(replace(row, priority=rank) for row, rank in pairs))


def add_qualification(dice: Dice, sketch: Sketch) -> Sketch:
    """Some chips for some uses, some of them only later."""
    periods = len(sketch.pools[0].capacity_chips)
    rows = {}
    for model in dice.some(models_of(sketch)):
        for chip in dice.some(chips_of(sketch)):
            use = dice.one_of(("inference", "training", "both"))
            begins = sketch.period_hours * dice.count(0, periods)
            # Half an hour off: such a period has begun before and does not count.
            shift = dice.one_of((0.0, 0.0, 0.5, -0.5))
            hours = None if dice.chance(0.4) else max(0.0, begins + shift)
            rows[model, chip, use] = QualificationRow(model, chip, use, hours)
    return with_fleet(sketch, qualification=tuple(rows.values()))


def add_shares(
    dice: Dice,
    sketch: Sketch,
    per: str = "period",
    measures: tuple[str, ...] = ("compute", "tokens", "spend"),
) -> Sketch:
    """Limits on shares, in each period for itself unless told otherwise."""
    rows = []
    for at in range(dice.count(1, 2)):
        attribute, value = group(dice, sketch)
        inside = [row for row in sketch.pools if row.label(attribute) == value]
        low = dice.one_of((None, 0.125, 0.25, 0.5))
        if all(row.left_out for row in inside):
            low = None
        most = dice.one_of((0.25, 0.5, 0.5, 0.625, 0.75))
        high = most if low is None else dice.one_of((None, max(low, most)))
        measure = dice.one_of(measures)
        rows.append(ShareRow(f"share-{at}", attribute, value, measure, low, high, per))
    return replace(sketch, shares=tuple(rows))


def group(dice: Dice, sketch: Sketch) -> tuple[str, str]:
    """Attribute and value of a group, a proper one where there is one."""
    kept = [row for row in sketch.pools if not row.left_out]
    every = sorted(
        {(name, row.label(name)) for name in ("provider", "chip", "region", "pool")
         for row in sketch.pools}
    )  # fmt: skip
    inside = [sum(row.label(name) == value for row in kept) for name, value in every]
    proper = [one for one, count in zip(every, inside, strict=True) if 0 < count < len(kept)]
    return dice.one_of(proper if proper and not dice.chance(0.05) else every)

"""Changes of a problem whose effect on the optimum is known beforehand."""

from __future__ import annotations

from dataclasses import replace

from tests.pipeline.sketch import PoolRow, Sketch, WorkloadRow


def reordered(sketch: Sketch, workloads: list[int], pools: list[int]) -> Sketch:
    """List workloads and pools in another order; the optimum stays."""
    return replace(
        sketch,
        workloads=tuple(sketch.workloads[index] for index in workloads),
        pools=tuple(sketch.pools[index] for index in pools),
    )


def scaled(sketch: Sketch, amount: float, price: float) -> Sketch:
    """Multiply all amounts and all prices; the optimum is multiplied by both."""
    return replace(
        sketch,
        workloads=tuple(_scaled_workload(row, amount, price) for row in sketch.workloads),
        pools=tuple(_scaled_pool(row, amount, price) for row in sketch.pools),
        routes=tuple(replace(row, usd_per_mtok=price * row.usd_per_mtok) for row in sketch.routes),
    )


def _scaled_workload(row: WorkloadRow, amount: float, price: float) -> WorkloadRow:
    return replace(
        row,
        unserved_usd_per_mtok=price * row.unserved_usd_per_mtok,
        demand_mtok=tuple(amount * mtok for mtok in row.demand_mtok),
    )


def _scaled_pool(row: PoolRow, amount: float, price: float) -> PoolRow:
    prices = (None if usd is None else price * usd for usd in row.usd_per_chip_hour)
    chips = (amount * count for count in row.capacity_chips)
    return replace(row, usd_per_chip_hour=tuple(prices), capacity_chips=tuple(chips))


def with_more_chips(sketch: Sketch, chips: tuple[float, ...]) -> Sketch:
    """Add chips to each pool that is paid as used; the optimum cannot rise.

    A reserved pool is not touched: its new chips are paid for, used or not.
    """
    pairs = zip(sketch.pools, chips, strict=True)
    return replace(sketch, pools=tuple(_larger(pool, count) for pool, count in pairs))


def _larger(row: PoolRow, chips: float) -> PoolRow:
    if row.purchase == "reserved":
        return row
    return replace(row, capacity_chips=tuple(count + chips for count in row.capacity_chips))


def halved(sketch: Sketch, index: int) -> Sketch:
    """Put two workloads with half of its demand each in place of one; the optimum stays."""
    whole = sketch.workloads[index]
    demand = tuple(mtok / 2 for mtok in whole.demand_mtok)
    first = replace(whole, demand_mtok=demand)
    second = replace(first, name=whole.name + "-twin")
    routes = tuple(
        replace(row, workload=second.name) for row in sketch.routes if row.workload == whole.name
    )
    workloads = (*sketch.workloads[:index], first, second, *sketch.workloads[index + 1 :])
    return replace(sketch, workloads=workloads, routes=sketch.routes + routes)

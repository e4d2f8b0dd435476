"""What each workload's tokens cost, as a planner asks for it; no part of the verdict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.tally import Tally, workload_order
from optimizer.instance.instance import Instance, route_starts
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.plan import Plan

Float = NDArray[np.float64]


def workload_usd(instance: Instance, plan: Plan, sums: Tally) -> Float:
    """(W,) what each workload's Mtok cost: chip-hours at their pool's price, and routes.

    Replicas are shared by the workloads they serve, idle time included.
    """
    from optimizer.kernels.placements import workload_totals

    share = np.ones(sums.lane_load_chip_hours.shape)
    if len(sums.lanes):
        held = sums.lanes.chips[:, None] * sums.replicas * instance.period_hours
        busy = sums.lane_load_chip_hours
        share = np.where(busy > 0, held / np.where(busy > 0, busy, 1.0), 1.0)
    routes, first = instance.routes, route_starts(instance)
    hour_usd = np.nan_to_num(instance.price_usd_per_chip_hour)
    order = workload_order(plan.workload)
    cells = plan.pool[order], plan.period[order], plan.placed_mtok[order]
    usd = np.zeros(instance.num_workloads)

    def add_up(begin: int, end: int) -> None:
        workload_totals(
            first, routes.pool, routes.chip_hours_per_mtok, routes.usd_per_mtok,
            instance.workloads.model.codes, sums.lanes.of, hour_usd, share, *cells,
            sums.placed.first, begin, end, usd,
        )  # fmt: skip

    for _ in over_blocks(add_up, row_blocks(instance.num_workloads, instance.num_periods)):
        pass
    return usd

"""Shadow prices of every family, in planner's units (docs/problem.md, "Shadow prices").

Computed from the instance, the prices and the judged plan alone, so that what is shown is
what the bound is proved with. A positive number is money saved by one more unit of the
limit; for demand and deadline it is the cost of one more Mtok.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.evaluate import Evaluation
from optimizer.evaluation.lanes import lanes_of
from optimizer.evaluation.priced_routes import PricedRoutes, handled_usd_per_mtok
from optimizer.evaluation.shadows import chips, forbidden, limits, tokens
from optimizer.evaluation.shadows.chosen import replicas_of, routes_as_chosen
from optimizer.evaluation.shadows.family import PART, POINT, UNITS, Family
from optimizer.evaluation.tally import tally
from optimizer.instance.instance import Instance
from optimizer.instance.table import Table
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.plan import Plan
from optimizer.prices import Prices

Float = NDArray[np.float64]

__all__ = ["PART", "POINT", "UNITS", "Family", "as_table", "shadow_prices"]


def shadow_prices(
    instance: Instance, prices: Prices, evaluation: Evaluation, plan: Plan
) -> tuple[Family, ...]:
    """All families that the instance uses; what the plan chose in whole numbers is fixed."""
    routes = routes_as_chosen(instance, prices, evaluation, plan)
    marginal = _marginal(instance, routes)
    families = [
        *tokens.demand(instance, marginal),
        chips.capacity(instance, prices, evaluation, routes, marginal),
        *_fleet(instance, prices, evaluation, plan),
    ]
    if len(prices.priority_usd_per_mtok):
        families.append(tokens.priority(instance, prices.priority_usd_per_mtok))
    if bool(instance.workloads.deadline_periods.any()):
        families.append(tokens.extension(instance, routes, marginal))
    for rows, rule in (
        (len(instance.residency.workload), forbidden.residency),
        (len(instance.qualification.model), forbidden.qualification),
    ):
        if rows:
            anywhere = np.where(instance.left_out, instance.num_periods, 0)
            opens = anywhere[instance.routes.pool]
            free = routes_as_chosen(instance, prices, evaluation, plan, opens)
            families.append(rule(instance, free, marginal))
    return tuple(families)


def _marginal(instance: Instance, routes: PricedRoutes) -> Float:
    """(W, T) cheapest way to handle one more Mtok that arrives in the period."""
    marginal = np.empty((instance.num_workloads, instance.num_periods))
    # Looked at by each thread: made once, before there are any.
    _ = routes.steady, routes.paid_usd

    def fill(begin: int, end: int) -> None:
        marginal[begin:end] = handled_usd_per_mtok(instance, routes, begin, end)

    for _ in over_blocks(fill, row_blocks(*marginal.shape)):
        pass
    return marginal


def _fleet(
    instance: Instance, prices: Prices, evaluation: Evaluation, plan: Plan
) -> Iterator[Family]:
    """Families of limits on pools and on how the fleet is run."""
    lanes = lanes_of(instance)
    if len(instance.shares.share):
        yield from limits.shares(instance, prices, tally(instance, plan))
    if len(prices.replica_usd_per_chip_hour):
        sums = tally(instance, plan)
        ready = lanes.target[:, None] * sums.ready_hours(instance.period_hours)
        running = replicas_of(evaluation, lanes, instance.num_periods)
        yield chips.replicas(instance, prices, running, ready)
    if len(prices.min_replicas_usd):
        yield limits.min_replicas(instance, prices)
    if len(prices.change_usd):
        yield limits.startup(instance, prices, lanes)
    if len(instance.contracts.contract):
        yield chips.contracts(instance, prices, evaluation)
    if bool((instance.pools.activation_usd > 0).any()):
        yield chips.activation(instance, evaluation)
    if len(instance.outages.outage):
        yield limits.outages(instance, prices, tally(instance, plan))
    if len(instance.power.limit):
        yield limits.power(instance, prices)
    if instance.budget_usd is not None:
        yield limits.budget(instance, prices)


def as_table(families: tuple[Family, ...]) -> Table:
    """One row per price: family, name, period (null over the horizon), value, unit."""
    import polars as pl

    frames = []
    for found in families:
        rows, columns = found.value.shape
        periods: list[int | None] = [None] if found.horizon else list(range(columns))
        names = Table.names(found.names, np.repeat(np.arange(rows, dtype=np.int32), columns))
        frames.append(
            pl.DataFrame(
                {
                    "family": pl.Series([found.family]).new_from_index(0, rows * columns),
                    "name": names,
                    "period": pl.Series(periods * rows, dtype=pl.Int32),
                    "value": found.value.ravel(),
                    "unit": pl.Series([UNITS[found.family]]).new_from_index(0, rows * columns),
                }
            )
        )
    return Table(pl.concat(frames))

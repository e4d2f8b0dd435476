"""Synthetic instances with the structure of real ones, of any size, from a seed."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UsageError
from optimizer.instance.fleet_tables import Power, Replicas
from optimizer.instance.in_memory import table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.places import number_text
from optimizer.instance.rules import MAX_PERIOD_HOURS
from optimizer.instance.synthetic_demand import demand_of, make_crowd, workloads_table
from optimizer.instance.synthetic_fleet import Fleet, make_fleet, pools_table, regions_of
from optimizer.instance.synthetic_power import make_power, with_watts
from optimizer.instance.synthetic_replicas import ReplicaSizes, whole_hosts
from optimizer.instance.synthetic_routes import (
    Reference,
    make_routes,
    penalties,
    reference_plan,
)
from optimizer.instance.tables import Pools, Residency, Routes, Shares, Sources

__all__ = ["generate"]

START = datetime(2026, 5, 4, tzinfo=UTC)
"""A Monday."""
MTOK_PER_POOL_HOUR = 40_000.0
"""Mean demand per pool: thousands of chips each, so that whole chips leave little over."""
SHARE_MARGIN = 0.005
"""Room that a limit on a share leaves the reference plan."""

RULES = ("replicas", "power")
"""Arguments that the title names only where they are set."""


def generate(
    *,
    workloads: int,
    pools: int,
    periods: int,
    seed: int,
    eligible: float = 0.7,
    headroom: float = 0.08,
    deferrable: float = 0.0,
    window: int = 24,
    shares: bool = False,
    regions: int = 8,
    models: int = 6,
    period_hours: float = 1.0,
    replicas: bool = False,
    power: bool = False,
) -> Instance:
    """Make a synthetic instance; the same arguments give the same instance.

    Tenants of very different size use models for kinds of traffic from regions whose days
    are shifted against each other. Chips differ in price, in speed and in the size of model
    they suit; pools are reserved, on demand, or spot at a moving price. Serving from
    another region costs egress. A reference plan, which prefers cheap routes without looking
    at limits, decides how many chips each pool has: ``headroom`` more than it needs at its
    peak. So everything can be served, while the pools that the cheapest plan likes best are
    full at the peaks.

    Parameters
    ----------
    workloads, pools, periods : lengths of the axes.
    seed : of the random numbers; a whole number >= 0.
    eligible : part of the (workload, pool) pairs that have a route; every workload has one.
    headroom : chips beyond the peak need of the reference plan, as a part of it.
    deferrable : part of the workloads that may wait.
    window : periods that those may wait.
    shares : add limits on shares, which the reference plan keeps.
    regions, models : how many there are.
    period_hours : length of a period, in hours.
    replicas : every model runs in whole replicas, on every kind of chip, without start costs.
    power : limit the power of each region to less than all its chips draw.

    Raises
    ------
    UsageError
        When an argument is out of range.
    """
    arguments = dict(locals())
    _check(arguments)
    places = regions_of(regions)
    # A stream for each part: one more period does not change the pools.
    streams = np.random.default_rng(seed).spawn(6)
    rng_fleet, rng_crowd, rng_demand, rng_routes, rng_replicas, rng_power = streams
    fleet = make_fleet(rng_fleet, pools, periods, period_hours, places)
    total = MTOK_PER_POOL_HOUR * pools
    crowd = make_crowd(rng_crowd, workloads, models, deferrable, total, places)
    demand = demand_of(rng_demand, crowd, periods, period_hours, places)
    routes = make_routes(rng_routes, crowd, fleet, models, eligible, places)
    held, rows = routes, table_of(Replicas, 0)
    if replicas:
        sizes = ReplicaSizes.draw(rng_replicas, models)
        held, rows = sizes.held(routes, crowd, fleet), sizes.table(crowd, fleet)
    reference = reference_plan(held, fleet, demand)
    peak = reference.load_chip_hours.max(axis=1) / period_hours
    chips = np.maximum(np.ceil(peak * (1.0 + headroom)), 1.0)
    chips = whole_hosts(chips) if replicas else chips
    capacity = np.repeat(chips[:, None], periods, axis=1)
    table = pools_table(fleet, places)
    limits = table_of(Shares, 0)
    if shares:
        limits = _limits(table, fleet, routes, reference, demand, capacity * period_hours)
    sites = table_of(Power, 0)
    if power:
        table = with_watts(table, fleet)
        sites = make_power(rng_power, table, capacity)
    return Instance(
        name=f"synthetic-{workloads}x{pools}x{periods}-s{seed}",
        title="Synthetic: "
        + ", ".join(f"{k} {_text(v)}" for k, v in arguments.items() if k not in RULES or v),
        start=START,
        period_hours=float(period_hours),
        workloads=workloads_table(crowd, penalties(routes, crowd, fleet), window, places),
        pools=table,
        routes=routes,
        shares=limits,
        residency=table_of(Residency, 0),
        replicas=rows,
        power=sites,
        sources=table_of(Sources, 0),
        demand_mtok=demand,
        capacity_chips=capacity,
        price_usd_per_chip_hour=fleet.price_usd_per_chip_hour,
    )


def _limits(
    table: Pools,
    fleet: Fleet,
    routes: Routes,
    reference: Reference,
    demand_mtok: NDArray[np.float64],
    capacity_chip_hours: NDArray[np.float64],
) -> Shares:
    """Limits that the reference plan keeps with a little room, and the best plan would break.

    Reserved chips are paid for anyway, so the best plan fills them first: the provider with
    the largest reserved part may hold little more compute than in the reference plan, the
    one with the smallest must hold little fewer tokens and little less spend.
    """
    tokens = reference.share * demand_mtok.sum(axis=1)[routes.workload]
    by_pool = {
        "compute": reference.load_chip_hours.sum(axis=1),
        "tokens": np.bincount(routes.pool, tokens, len(fleet.chip)),
    }
    paid = np.where(fleet.reserved[:, None], capacity_chip_hours, reference.load_chip_hours)
    spend = (fleet.price_usd_per_chip_hour * paid).sum(axis=1)
    spend += np.bincount(routes.pool, tokens * routes.usd_per_mtok, len(fleet.chip))
    by_pool["spend"] = spend
    provider = table.provider.codes
    chips = np.bincount(provider, capacity_chip_hours.sum(axis=1))
    bought = np.bincount(provider, fleet.reserved * capacity_chip_hours.sum(axis=1)) / chips
    rows = []
    for measure, most in (("compute", True), ("tokens", False), ("spend", False)):
        who = int(bought.argmax() if most else bought.argmin())
        part = np.bincount(provider, by_pool[measure]) / by_pool[measure].sum()
        low = math.nan if most else max(0.0, math.floor(1000 * part[who]) / 1000 - SHARE_MARGIN)
        high = min(1.0, math.ceil(1000 * part[who]) / 1000 + SHARE_MARGIN) if most else math.nan
        rows.append((table.provider.names[who], measure, round(low, 3), round(high, 3)))
    providers, measures, lows, highs = zip(*rows, strict=True)
    return table_of(
        Shares,
        len(rows),
        share=tuple(f"{who}-{measure}" for who, measure in zip(providers, measures, strict=True)),
        attribute=Labels.of(["provider"] * len(rows)),
        value=Labels.of(providers),
        measure=Labels.of(measures),
        min=np.array(lows),
        max=np.array(highs),
    )


def _check(arguments: dict[str, float]) -> None:
    """Refuse arguments out of range, all together."""
    least = {
        "workloads": 1,
        "pools": 1,
        "periods": 1,
        "seed": 0,
        "window": 0,
        "regions": 1,
        "models": 1,
    }
    wrong = []
    for name, value in arguments.items():
        if name in least:
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or value < least[name]:
                wrong.append(f"{name}: expected a whole number >= {least[name]}, got {value!r}")
        elif name in ("eligible", "deferrable") and not 0.0 <= value <= 1.0:
            wrong.append(f"{name}: expected a fraction from 0 to 1, got {value!r}")
        elif name == "period_hours" and not 0.0 < value <= MAX_PERIOD_HOURS:
            wrong.append(f"{name}: expected hours > 0 and <= {MAX_PERIOD_HOURS}, got {value!r}")
        elif name == "headroom" and not 0.0 <= value < math.inf:
            wrong.append(f"{name}: expected a finite number >= 0, got {value!r}")
    if wrong:
        raise UsageError("\n".join(wrong))


def _text(value: float) -> str:
    """Argument as the title shows it."""
    return number_text(value) if isinstance(value, float) else str(value).lower()

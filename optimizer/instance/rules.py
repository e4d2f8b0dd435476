"""Rules that an instance must keep, whatever it was made from.

Each rule looks at whole columns at once and yields a problem per broken cell, so that
one run reports everything. Reading adds what only a file can get wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.declare import Matrix
from optimizer.instance.fleet_rules import fleet_problems
from optimizer.instance.groups import group_problems, unknown_name
from optimizer.instance.keys import key_problems, rising
from optimizer.instance.places import number_text, place, quoted
from optimizer.instance.serving_rules import serving_problems
from optimizer.instance.table_rules import MAX_PER_COLUMN, has_specks, plausible, table_problems
from optimizer.instance.tables import (
    CAPACITY,
    DEMAND,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_NUMBER,
    MIN_NUMBER,
    PRICES,
    TABLES,
    Index,
    Pools,
    Residency,
    Shares,
)

if TYPE_CHECKING:
    from optimizer.instance.instance import Instance

MAX_PERIOD_HOURS = 24 * 366
HOURS_PER_YEAR = 24 * 365.2425


def broken_rules(instance: Instance) -> list[Problem]:
    """Every problem of an instance, in the order of its tables."""
    origin = instance.origin
    periods = instance.demand_mtok.shape[-1] if instance.demand_mtok.ndim else 0
    problems = list(
        horizon_problems(
            origin.get("instance", "instance"),
            instance.start,
            instance.period_hours,
            periods,
            instance.budget_usd,
        )
    )
    for spec in TABLES:
        problems += table_problems(spec, getattr(instance, spec.name), origin)
    if problems:
        return problems  # the rules below rely on sound tables
    problems += shape_problems(instance)
    if problems:
        return problems
    for matrix, values in (
        (DEMAND, instance.demand_mtok),
        (CAPACITY, instance.capacity_chips),
        (PRICES, instance.price_usd_per_chip_hour),
    ):
        names = getattr(instance, matrix.rows)
        ids = names.workload if matrix.rows == "workloads" else names.pool
        problems += matrix_problems(matrix, values, ids, origin, missing_ok=matrix is PRICES)
    problems += route_problems(instance)
    problems += share_problems(instance.shares, instance.pools, origin)
    problems += index_problems(
        "residency", "workload", instance.residency.workload, instance.num_workloads, origin
    )
    problems += residency_problems(instance.residency, instance.pools, origin)
    problems += price_range_problems(instance.pools, origin)
    tables = {spec.name: getattr(instance, spec.name) for spec in TABLES}
    for table in ("in_force", "contracts"):
        problems += index_problems(table, "pool", tables[table].pool, instance.num_pools, origin)
    for spec in TABLES:
        if spec.name != "routes":  # whose order is checked at once
            problems += key_problems(spec, tables[spec.name], origin)
    problems += fleet_problems(tables, instance.period_hours, origin)
    problems += serving_problems(tables, origin)
    return problems


def horizon_problems(
    where: str, start: datetime, period_hours: float, periods: int, budget_usd: float | None
) -> Iterator[Problem]:
    """Start, period length, end of the horizon and budget.

    Parameters
    ----------
    where : file or object the values stand in.
    periods : number of periods, 0 when it is not known.
    """
    if start.tzinfo is None:
        yield Problem(
            f"{where}, start",
            "a date and time with a zone, such as 2026-05-04T00:00:00Z",
            quoted(start.isoformat()),
        )
    year = start.year
    known_year = FIRST_YEAR <= year <= LAST_YEAR
    if not known_year:
        yield Problem(f"{where}, start", f"a year from {FIRST_YEAR} to {LAST_YEAR}", str(year))
    known_length = MIN_NUMBER <= period_hours <= MAX_PERIOD_HOURS
    if not known_length:
        yield Problem(
            f"{where}, period_hours",
            f"a finite number > 0 and <= {MAX_PERIOD_HOURS}",
            number_text(period_hours),
            "hours",
        )
    years = periods * period_hours / HOURS_PER_YEAR
    if known_year and known_length and year + years > LAST_YEAR + 1:
        yield Problem(
            f"{where}, periods",
            f"a horizon that ends by the year {LAST_YEAR}",
            f"{periods} periods of {number_text(period_hours)} hours from {year}",
        )
    if budget_usd is not None and not 0 <= budget_usd <= MAX_NUMBER:
        yield Problem(
            f"{where}, limits.budget_usd",
            f"a finite number >= 0 and <= {MAX_NUMBER:g}",
            number_text(budget_usd),
            "USD",
        )


def shape_problems(instance: Instance) -> Iterator[Problem]:
    """Matrices that do not fit their axes."""
    periods = instance.num_periods
    for name, array, rows in (
        ("demand_mtok", instance.demand_mtok, instance.num_workloads),
        ("capacity_chips", instance.capacity_chips, instance.num_pools),
        ("price_usd_per_chip_hour", instance.price_usd_per_chip_hour, instance.num_pools),
    ):
        if array.shape != (rows, periods):
            yield Problem(name, f"shape ({rows}, {periods})", str(array.shape))
    if periods < 1:
        yield Problem("demand_mtok", "at least one period", "0")


def matrix_problems(
    matrix: Matrix,
    values: NDArray[np.float64],
    ids: tuple[str, ...],
    origin: Mapping[str, str],
    *,
    missing_ok: bool,
) -> Iterator[Problem]:
    """Cells of a wide table that are negative, not finite or implausible."""
    # Two reductions decide the good case without a temporary the size of the matrix.
    if values.size == 0:
        return
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= MAX_NUMBER and not has_specks(values):
        return
    bad = (values < 0) | (values > MAX_NUMBER) | ((values != 0) & (np.abs(values) < MIN_NUMBER))
    if not missing_ok:
        bad |= np.isnan(values)
    table = matrix.name
    if matrix is PRICES and "prices" not in origin:
        table = "pools" if "pools" in origin else "prices"
    for row, period in np.argwhere(bad)[:MAX_PER_COLUMN].tolist():
        value = float(values[row, period])
        yield Problem(
            place(origin, table, row, ids[row], str(period)),
            plausible(value) or matrix.expected(),
            number_text(value),
            matrix.unit,
            "check the unit" if plausible(value) else "",
        )


def route_problems(instance: Instance) -> Iterator[Problem]:
    """Routes that point nowhere, come twice, or are out of order."""
    routes = instance.routes
    for column, size in (("workload", instance.num_workloads), ("pool", instance.num_pools)):
        index = getattr(routes, column)
        yield from index_problems("routes", column, index, size, instance.origin)
    if rising(routes.workload, routes.pool):
        return
    keys = routes.workload.astype(np.int64) * max(instance.num_pools, 1) + routes.pool
    step = np.diff(keys)
    for row in np.flatnonzero(step == 0)[:MAX_PER_COLUMN].tolist():
        pair = (
            instance.workloads.workload[routes.workload[row]],
            instance.pools.pool[routes.pool[row]],
        )
        yield Problem(
            f"{instance.origin.get('routes', 'routes')}, workload {quoted(pair[0])}, "
            f"pool {quoted(pair[1])}",
            "one row per pair",
            "two",
            fix="delete one of them",
        )
    if bool((step < 0).any()):
        yield Problem("routes", "rows sorted by workload, then pool", "another order")


def index_problems(
    table: str, column: str, index: Index, size: int, origin: Mapping[str, str]
) -> Iterator[Problem]:
    """Find references that point at no row."""
    for row in np.flatnonzero((index < 0) | (index >= size))[:MAX_PER_COLUMN].tolist():
        yield Problem(
            place(origin, table, row, "", column),
            f"an index from 0 to {size - 1}",
            str(int(index[row])),
        )


def share_problems(shares: Shares, pools: Pools, origin: Mapping[str, str]) -> Iterator[Problem]:
    """Shares that limit nothing, contradict themselves, or name an unknown group."""
    for row, name in enumerate(shares.share):
        low, high = float(shares.min[row]), float(shares.max[row])
        where = place(origin, "shares", row, name)
        if np.isnan(low) and np.isnan(high):
            yield Problem(where, "a min, a max, or both", "neither")
        if low > high:
            yield Problem(
                where, "min <= max", f"min {number_text(low)}, max {number_text(high)}", "fraction"
            )
    yield from group_problems("shares", shares, shares.share, pools, origin)


def residency_problems(
    residency: Residency, pools: Pools, origin: Mapping[str, str]
) -> Iterator[Problem]:
    """Residency rows that name an unknown region."""
    known = pools.region.names
    strange = [
        code for code, name in enumerate(residency.region.names) if name and name not in known
    ]
    if not strange:
        return
    bad = np.flatnonzero(np.isin(residency.region.codes, strange))[:MAX_PER_COLUMN]
    for row in bad.tolist():
        where = place(origin, "residency", row, "", "region")
        yield unknown_name(where, "region of a pool", residency.region[row], known)


def price_range_problems(pools: Pools, origin: Mapping[str, str]) -> Iterator[Problem]:
    """Low prices above high ones."""
    low, high = pools.usd_per_chip_hour_low, pools.usd_per_chip_hour_high
    for row in np.flatnonzero(low > high)[:MAX_PER_COLUMN].tolist():
        yield Problem(
            place(origin, "pools", row, pools.pool[row], "usd_per_chip_hour_low"),
            f"at most usd_per_chip_hour_high = {number_text(high[row])}",
            number_text(low[row]),
            "USD/chip-hour",
        )

"""Rules between the tables that say how a fleet is run and those they refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.fleet_tables import ATTRIBUTES
from optimizer.instance.groups import group_problems, unknown_name
from optimizer.instance.places import number_text, place, quoted
from optimizer.instance.serving_rules import catalog_only
from optimizer.instance.table_rules import MAX_PER_COLUMN

Tables = Mapping[str, Any]
Origin = Mapping[str, str]


def fleet_problems(tables: Tables, period_hours: float, origin: Origin) -> Iterator[Problem]:
    """Every problem that shows when tables are held against each other.

    Parameters
    ----------
    tables : records by name of the table, as far as they could be read.
    period_hours : length of a period, 0 when it is not known.
    """
    yield from _model_problems(tables, origin)
    yield from _chip_problems(tables, origin)
    yield from _startup_problems(tables, period_hours, origin)
    yield from _in_force_problems(tables, origin)
    yield from _minimum_problems(tables, origin)
    yield from _contract_problems(tables, origin)
    yield from _group_problems(tables, origin)
    yield from _power_problems(tables, origin)


def _model_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Models that no workload has."""
    if "workloads" in tables:
        known = tables["workloads"].model.names
        for table in ("models", "replicas", "in_force", "qualification"):
            # A catalog may know more models than are asked for.
            spare = catalog_only(tables[table]) if table == "models" and table in tables else None
            yield from _unknown(tables, table, "model", "model in workloads", known, origin, spare)


def _chip_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Chips that no pool has; a replica of a misspelt chip would be no rule at all."""
    if "pools" in tables:
        known = tables["pools"].chip.names
        for table in ("replicas", "qualification"):
            yield from _unknown(tables, table, "chip", "chip of a pool", known, origin)


def _unknown(
    tables: Tables,
    table: str,
    column: str,
    what: str,
    known: Collection[str],
    origin: Origin,
    spare: NDArray[np.bool_] | None = None,
) -> Iterator[Problem]:
    """Names in a column that are not among the known ones; blanks are reported as names.

    Parameters
    ----------
    spare : rows that may name what is not there.
    """
    if table not in tables:
        return
    names, there = _texts(getattr(tables[table], column)), set(known)
    bad = (
        (row, name)
        for row, name in enumerate(names)
        if name and name not in there and (spare is None or not spare[row])
    )
    for row, name in islice(bad, MAX_PER_COLUMN):
        yield unknown_name(place(origin, table, row, "", column), what, name, known)


def _startup_problems(tables: Tables, period_hours: float, origin: Origin) -> Iterator[Problem]:
    if "replicas" not in tables or not period_hours > 0:
        return
    hours = tables["replicas"].startup_hours
    for row in np.flatnonzero(hours > period_hours)[:MAX_PER_COLUMN].tolist():
        yield Problem(
            place(origin, "replicas", row, "", "startup_hours"),
            f"at most the length of a period, {number_text(period_hours)}",
            number_text(hours[row]),
            "hours",
            fix="longer periods, or the rest of the time as startup_usd",
        )


def _in_force_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Replicas in force where the model runs in none."""
    if not {"workloads", "pools", "replicas", "in_force"} <= tables.keys():
        return
    rows, in_force, pools = tables["replicas"], tables["in_force"], tables["pools"]
    models = tables["workloads"].model.names
    if not (set(rows.model.names) <= set(models) and set(rows.chip.names) <= set(pools.chip.names)):
        return  # the row that seems to be missing may be the one that is misspelt
    pairs = set(zip(_texts(rows.model), _texts(rows.chip), strict=True))
    meant = enumerate(zip(_texts(in_force.model), in_force.pool.tolist(), strict=True))
    bad = (
        (row, model, pools.chip[pool])
        for row, (model, pool) in meant
        if model in models
        and 0 <= pool < len(pools.chip)
        and (model, pools.chip[pool]) not in pairs
    )
    for row, model, chip in islice(bad, MAX_PER_COLUMN):
        yield Problem(
            place(origin, "in_force", row, ""),
            f"a row of replicas for model {quoted(model)} and chip {quoted(chip)}",
            "none",
            fix="add that row, or remove this one",
        )


def _minimum_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Least numbers of replicas of models that run in none."""
    if not {"workloads", "replicas", "models"} <= tables.keys():
        return
    models, counted = tables["models"], tables["replicas"].model.names
    known = tables["workloads"].model.names
    if not set(counted) <= set(known):
        return
    for row in np.flatnonzero(models.min_replicas > 0).tolist():
        name = models.model[row]
        if name in known and name not in counted:
            yield Problem(
                place(origin, "models", row, name, "min_replicas"),
                f"rows of replicas for model {quoted(name)}, to count what runs",
                "none",
                fix="add them, or remove the minimum",
            )


def _contract_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Contracts that end before they begin."""
    if "contracts" not in tables:
        return
    table = tables["contracts"]
    for row in np.flatnonzero(table.last_period < table.first_period)[:MAX_PER_COLUMN].tolist():
        yield Problem(
            place(origin, "contracts", row, table.contract[row], "last_period"),
            f"at least first_period = {int(table.first_period[row])}",
            str(int(table.last_period[row])),
            "periods",
        )


def _group_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    if "pools" not in tables:
        return
    for table, key in (("outages", "outage"), ("power", "limit")):
        if table in tables:
            record = tables[table]
            yield from group_problems(table, record, getattr(record, key), tables["pools"], origin)


def _power_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Pools under a limit on power that do not say what their chips draw."""
    if not {"power", "pools"} <= tables.keys():
        return
    power, pools = tables["power"], tables["pools"]
    missing = np.isnan(pools.watts_per_chip)
    told: set[int] = set()
    for row, name in enumerate(power.limit):
        attribute, value = power.attribute[row], power.value[row]
        if attribute not in ATTRIBUTES:
            continue  # reported as a label
        for pool, text in enumerate(_texts(getattr(pools, attribute))):
            if text == value and missing[pool] and pool not in told:
                told.add(pool)
                yield Problem(
                    place(origin, "pools", pool, pools.pool[pool], "watts_per_chip"),
                    f"a number, since power limit {quoted(name)} counts this pool",
                    "nothing",
                    "W",
                )


def _texts(column: Any) -> list[str]:
    """Text of each row, whether it names rows or groups."""
    return list(column) if isinstance(column, tuple) else list(column.values())

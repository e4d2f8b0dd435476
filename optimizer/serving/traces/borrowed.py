"""The rest of an instance, taken from another one: pools, capacity, routes, promises."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem
from optimizer.instance.declare import columns_of
from optimizer.instance.exclusions import still_excluding
from optimizer.instance.fleet_tables import Contracts, InForce
from optimizer.instance.groups import unknown_name
from optimizer.instance.in_memory import table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.places import number_text, quoted
from optimizer.instance.select import rows_of, select
from optimizer.instance.tables import Residency, Routes, Workloads
from optimizer.serving.traces.imported import Imported
from optimizer.serving.traces.settings import TraceSettings
from optimizer.serving.traces.write_folder import title_of

Record = TypeVar("Record", Routes, Residency)

PROMISES = (
    "unserved_usd_per_mtok",
    "deadline_periods",
    "single_pool",
    "protected",
    "priority",
    "ttft_ms",
    "tpot_ms",
    "slo_percentile",
    "max_round_trip_ms",
)
"""Columns of workloads that are taken from the workload that is the pattern."""


def borrowed(
    imported: Imported, settings: TraceSettings, source: Instance, like: str, name: str
) -> tuple[Instance, list[str]]:
    """Put workloads and demand into the place of those of another instance.

    Each new workload has a pattern among the workloads of ``source``: the one named, or the only
    one with its model, traffic class and region. It takes over the pattern's promises (unless
    the settings give them), routes and regions. Capacity and prices are those of the same
    periods, of the same place in the cycle when the source is shorter.

    Parameters
    ----------
    like : name of the pattern of all new workloads, empty to look for one for each.
    name : of the instance.

    Returns
    -------
    instance : checked as any other.
    notes : what does not carry over.

    Raises
    ------
    InputError
        When a pattern is not there or not the only one, the periods differ in length, or the
        instance breaks a rule.
    """
    if not np.isclose(source.period_hours, imported.period_hours, rtol=1e-9):
        raise InputError(
            Problem(
                f"instance {source.name}",
                f"periods of {number_text(imported.period_hours)} hours",
                number_text(source.period_hours),
                fix=f"--period-hours {number_text(source.period_hours)}",
            )
        )
    pattern = _patterns(imported.workloads, source, like)
    used, place = np.unique(pattern, return_inverse=True)
    base = select(source, workloads=used)
    base, notes = _in_time(base, imported)
    if source.budget_usd is not None:
        notes.append("the budget was left out: it was made for another demand")
    if source.num_routes == 0:
        notes.append("routes are derived from profiles when the instance is read")
    if bool((base.shares.min > 0).any()):
        notes.append("least shares were made for another demand: they may not fit this one")
    workloads = _workloads(imported.workloads, base.workloads, place, settings, bool(like))
    routes = base.routes
    rows, owner = _rows_of(routes.workload, place)
    residency = base.residency
    bound, bound_owner = _rows_of(residency.workload, place)
    named = still_excluding(base.exclusions, workloads, base.pools)
    instance = dataclasses.replace(
        base,
        exclusions=rows_of(base.exclusions, np.flatnonzero(named)),
        name=name,
        title=title_of(imported),
        start=imported.start,
        workloads=workloads,
        routes=_taken(routes, rows, owner),
        residency=_taken(residency, bound, bound_owner),
        demand_mtok=imported.demand_mtok,
        budget_usd=None,
        origin={},
    )
    return instance, notes


def _patterns(new: Workloads, source: Instance, like: str) -> NDArray[np.int64]:
    """(W,) position in the source of each new workload's pattern."""
    known = source.workloads
    if like:
        if like not in known.workload:
            raise InputError(
                unknown_name(f"instance {source.name}", "workload", like, known.workload)
            )
        return np.full(len(new.workload), known.workload.index(like), np.int64)
    columns = zip(
        known.model.values(), known.traffic_class.values(), known.region.values(), strict=True
    )
    places: dict[tuple[str, str, str], list[int]] = {}
    for row, words in enumerate(columns):
        places.setdefault(words, []).append(row)
    found, problems = [], []
    for row, name in enumerate(new.workload):
        words = (new.model[row], new.traffic_class[row], new.region[row])
        rows = places.get(words, [])
        if len(rows) == 1:
            found.append(rows[0])
            continue
        problems.append(
            Problem(
                f"instance {source.name}, for workload {quoted(name)}",
                f"one workload of model, traffic class and region {', '.join(words)}",
                str(len(rows)) if rows else "none",
                fix="--like names the workload to take routes and promises from",
            )
        )
    if problems:
        raise InputError(problems)
    return np.array(found, np.int64)


def _in_time(base: Instance, imported: Imported) -> tuple[Instance, list[str]]:
    """Bring capacity and prices to the periods of the import."""
    have, want = base.num_periods, imported.demand_mtok.shape[1]
    hours = (imported.start - base.start).total_seconds() / 3600
    first = int(np.floor(hours / base.period_hours + 1e-9)) % have
    if first + want <= have:
        return select(base, periods=range(first, first + want)), []
    turn = (first + np.arange(want)) % have
    notes = [f"capacity and prices of {have} periods were repeated, from period {first} on"]
    if len(base.contracts.contract) + len(base.in_force.model) > 0:
        notes.append("contracts and replicas in force were left out: their time cannot be repeated")
    moved = dataclasses.replace(
        base,
        demand_mtok=base.demand_mtok[:, turn],
        capacity_chips=base.capacity_chips[:, turn],
        price_usd_per_chip_hour=base.price_usd_per_chip_hour[:, turn],
        contracts=table_of(Contracts, 0),
        in_force=table_of(InForce, 0),
        origin={},
    )
    return moved, notes


def _workloads(
    new: Workloads,
    known: Workloads,
    place: NDArray[np.intp],
    settings: TraceSettings,
    named: bool,
) -> Workloads:
    """The new workloads with the promises of their patterns, where the settings give none."""
    changed = {
        column: getattr(known, column)[place]
        for column in PROMISES
        if getattr(settings, column, None) is None
    }
    if named:
        said = {
            "model": settings.models,
            "traffic_class": settings.traffic_classes,
            "region": settings.regions,
        }
        for column, given in said.items():
            if not given:
                labels: Labels = getattr(known, column)
                changed[column] = labels.take(place.astype(np.int64))
    return dataclasses.replace(new, **changed)


def _rows_of(
    owner: NDArray[np.int32], place: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Rows of a sorted or unsorted table for each new workload, in order of the new ones.

    Parameters
    ----------
    owner : workload of each row of the table.
    place : (W,) workload of the table that each new one follows.

    Returns
    -------
    rows : position in the table of each new row.
    new_owner : workload of each new row.
    """
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], place)
    counts = np.searchsorted(owner[order], place, side="right") - starts
    new_owner = np.repeat(np.arange(len(place), dtype=np.int32), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return order[np.repeat(starts, counts) + within], new_owner


def _taken(table: Record, rows: NDArray[np.int64], owner: NDArray[np.int32]) -> Record:
    """Rows of a table, with other workloads."""
    columns: dict[str, Any] = {}
    for name, _ in columns_of(type(table)):
        values = getattr(table, name)
        columns[name] = values.take(rows) if isinstance(values, Labels) else values[rows]
    columns["workload"] = owner
    return type(table)(**columns)

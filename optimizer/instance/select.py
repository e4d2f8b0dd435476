"""Cut a part out of an instance along its axes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, UsageError
from optimizer.instance.axes import MATRIX_FIELDS, ids_of, references_of
from optimizer.instance.declare import columns_of
from optimizer.instance.exclusions import still_excluding
from optimizer.instance.fleet_tables import LAST_PERIOD, Contracts, InForce, Models, Replicas
from optimizer.instance.groups import group_names, unknown_name
from optimizer.instance.in_memory import Record, labels_of, table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.places import quoted
from optimizer.instance.serving_rules import catalog_only
from optimizer.instance.tables import MATRICES, TABLES, Pools, TableSpec

__all__ = ["select"]

Rows = NDArray[np.int64]
Which = Sequence[str] | Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.bool_]


def select(
    instance: Instance,
    *,
    workloads: Which | None = None,
    periods: range | slice | None = None,
    pools: Which | None = None,
) -> Instance:
    """Give the sub-instance of some workloads, periods and pools.

    What is left means what it meant before:

    - Routes and residency keep the rows whose workload and pool are kept.
    - A workload whose allowed regions have all gone keeps none of the pools it was
      forbidden: its routes go with the regions.
    - A share whose group has no pool left is dropped; the others keep their limits, which
      are now parts of what the kept pools hold. So it is with outages and limits on power.
    - Rows about models and chips go with the last workload of the model and the last pool of
      the chip. A model none of whose qualified chips is left keeps no route, and one that no
      longer runs in replicas needs no least number of them.
    - Chips, profiles, throughputs and network are catalogs and stay whole. An exclusion goes with
      the last workload or pool that it names.
    - Contracts keep the part of their time that is left, at the same price per chip-hour.
      Replicas in force are those before period 0, and go when that is cut off.
    - ``start`` moves to the first period. Tokens that arrived earlier are not carried over.
    - Name, title, sources and the budget stay as they are.

    Parameters
    ----------
    workloads, pools : names, positions, or a mask over the axis; the order of names and
        positions is that of the new axis. None keeps all.
    periods : consecutive periods, such as ``range(24, 48)``. None keeps all.

    Raises
    ------
    InputError
        When a name is not known.
    UsageError
        When nothing would be left, a position is off the axis or comes twice, or the
        periods are not consecutive.
    """
    axes = {
        table: _positions(table, ids_of(instance, table), which)
        for table, which in (("workloads", workloads), ("pools", pools))
        if which is not None
    }
    span = _span(periods, instance.num_periods)
    moved = {table: _moved(len(ids_of(instance, table)), rows) for table, rows in axes.items()}
    records: dict[str, Any] = {}
    for spec in TABLES:
        # Pools come before the tables whose rows depend on which of them are left.
        rows = axes.get(spec.name, _rows_left(instance, spec, moved, records))
        records[spec.name] = _cut_table(instance, spec, rows, moved)
    records["contracts"] = _in_span(records["contracts"], span)
    records["models"] = _counted(records["models"], records["replicas"])
    records["in_force"] = _before(instance, span, records)
    matrices = {}
    for matrix in MATRICES:
        field = MATRIX_FIELDS[matrix.name]
        matrices[field] = _cut(getattr(instance, field), axes.get(matrix.rows))[:, span]
    start = _later(instance.start, span.start * instance.period_hours)
    return dataclasses.replace(instance, start=start, origin={}, **records, **matrices)


def _positions(table: str, ids: tuple[str, ...], which: Which) -> Rows:
    """Positions on an axis, in the order in which they were asked for."""
    if isinstance(which, str):
        raise UsageError(f"{table}: expected a list of names, got the text {quoted(which)}")
    asked = np.asarray(which)
    if asked.ndim != 1 or len(asked) == 0:
        raise UsageError(f"{table}: expected at least one, as a list, got shape {asked.shape}")
    if asked.dtype == np.bool_:
        if len(asked) != len(ids) or not asked.any():
            raise UsageError(
                f"{table}: expected a mask of {len(ids)} entries, some of them true, "
                f"got {len(asked)}, {int(asked.sum())} of them true"
            )
        return np.flatnonzero(asked)
    if asked.dtype.kind not in "iu":
        asked = _named(table, ids, which)
    off = asked[(asked < 0) | (asked >= len(ids))]
    if len(off) > 0:
        raise UsageError(f"{table}: expected positions from 0 to {len(ids) - 1}, got {off[0]}")
    values, counts = np.unique(asked, return_counts=True)
    if len(values) < len(asked):
        twice = ids[int(values[counts > 1][0])]
        raise UsageError(f"{table}: expected each once, got {quoted(twice)} again")
    return asked.astype(np.int64)


def _named(table: str, ids: tuple[str, ...], which: Which) -> Rows:
    """Positions of names."""
    position = {name: row for row, name in enumerate(ids)}
    unknown = [name for name in which if name not in position]
    if unknown:
        singular = table.rstrip("s")
        raise InputError(unknown_name(table, singular, str(name), ids) for name in unknown)
    return np.array([position[str(name)] for name in which], np.int64)


def _span(periods: range | slice | None, count: int) -> slice:
    """Consecutive periods as a slice."""
    if periods is None:
        return slice(0, count)
    chosen = range(count)[periods] if isinstance(periods, slice) else periods
    if len(chosen) == 0 or chosen.step != 1 or chosen.start < 0 or chosen.stop > count:
        raise UsageError(
            f"periods: expected consecutive periods from 0 to {count - 1}, got {periods}"
        )
    return slice(chosen.start, chosen.stop)


def _moved(count: int, rows: Rows) -> Rows:
    """Give each row of an axis its new position, -1 where it is not kept."""
    moved = np.full(count, -1, np.int64)
    moved[rows] = np.arange(len(rows))
    return moved


def _rows_left(
    instance: Instance, spec: TableSpec, moved: Mapping[str, Rows], cut: Mapping[str, Any]
) -> Rows | None:
    """Rows of a table that is no axis which still mean something; None for all of them.

    Parameters
    ----------
    cut : tables that were cut already: workloads and pools come before all others.
    """
    pools: Pools | None = cut.get("pools")
    record = getattr(instance, spec.name)
    points = {name: refers for name, refers in references_of(spec).items() if refers in moved}
    kept = np.ones(len(getattr(record, spec.key[0])), np.bool_)
    for name, refers in points.items():
        kept &= moved[refers][getattr(record, name)] >= 0
    if pools is not None and "pools" in moved:
        if spec.name in ("shares", "outages", "power"):
            kept &= _groups_left(record, pools)
        elif spec.name == "residency":
            kept &= _regions_left(instance, pools)
        elif spec.name == "routes":
            kept &= ~_stranded(instance, pools)[instance.routes.workload]
            kept &= ~_unqualified(instance, pools)[instance.routes.workload]
    if spec.name in ("models", "replicas", "in_force", "qualification"):
        gone = ~_named_in(record.model, cut["workloads"].model)
        if spec.name == "models":
            # Those of a catalog that no workload ever had.
            gone &= _named_in(record.model, instance.workloads.model)
        kept &= ~gone
    if spec.name == "exclusions":
        kept &= still_excluding(record, cut["workloads"], cut["pools"])
    if spec.name in ("replicas", "qualification"):
        kept &= _named_in(record.chip, cut["pools"].chip)
    rows = np.flatnonzero(kept)
    if spec.name == "routes" and points:
        order = np.lexsort([_renumbered(instance, spec, k, moved)[rows] for k in spec.key[::-1]])
        rows = rows[order]
    return None if len(rows) == len(kept) and bool((np.diff(rows) > 0).all()) else rows


def _groups_left(record: Any, pools: Pools) -> NDArray[np.bool_]:
    """Rows of a table whose group still has a pool."""
    pairs = zip(record.attribute.values(), record.value.values(), strict=True)
    left = (value in group_names(pools, attribute) for attribute, value in pairs)
    return np.fromiter(left, np.bool_, len(record.attribute))


def _named_in(names: Labels | tuple[str, ...], labels: Labels) -> NDArray[np.bool_]:
    """Rows whose name is still among some labels."""
    listed = names if isinstance(names, tuple) else names.values()
    return np.fromiter((name in labels.names for name in listed), np.bool_, len(listed))


def _in_span(contracts: Contracts, span: slice) -> Contracts:
    """Contracts that are in force in some of the periods, with their time counted from there."""
    first = np.maximum(contracts.first_period - span.start, 0)
    last = contracts.last_period - span.start
    last = np.where(contracts.last_period == LAST_PERIOD, LAST_PERIOD, last)
    kept = np.flatnonzero((last >= 0) & (first < span.stop - span.start))
    moved = dataclasses.replace(contracts, first_period=first, last_period=last)
    return rows_of(moved, kept)


def _counted(models: Models, replicas: Replicas) -> Models:
    """Models, without least numbers of replicas where there is none to count."""
    counted = (models.min_replicas == 0) | _named_in(models.model, replicas.model)
    free = dataclasses.replace(models, min_replicas=np.where(counted, models.min_replicas, 0))
    return rows_of(free, np.flatnonzero(counted | catalog_only(free)))


def _before(instance: Instance, span: slice, cut: Mapping[str, Any]) -> InForce:
    """Replicas before the first period that is left.

    Where it was said that something runs, and nothing of it is left, one row says so: without
    any row the starts in period 0 would no longer count.
    """
    left: InForce = cut["in_force"]
    replicas: Replicas = cut["replicas"]
    if span.start > 0:
        return table_of(InForce, 0)
    if len(left.model) > 0 or len(instance.in_force.model) == 0 or len(replicas.model) == 0:
        return left
    pools = np.flatnonzero(cut["pools"].chip.equal(replicas.chip[0]))
    return InForce(
        model=Labels.of([replicas.model[0]]),
        pool=pools[:1].astype(np.int32),
        replicas=np.zeros(1, np.int64),
    )


def rows_of(record: Record, rows: Rows) -> Record:
    """Some rows of a table that points at nothing."""
    columns = {name: getattr(record, name) for name, _ in columns_of(type(record))}
    return type(record)(**{name: _cut(values, rows) for name, values in columns.items()})


def _unqualified(instance: Instance, pools: Pools) -> NDArray[np.bool_]:
    """(W,) workloads whose model is bound to chips none of which is left."""
    table = instance.qualification
    left = _named_in(table.chip, pools.chip)
    models = set(table.model.values())
    models -= {name for name, kept in zip(table.model.values(), left, strict=True) if kept}
    return np.isin(instance.workloads.model.values(), list(models))


def _regions_left(instance: Instance, pools: Pools) -> NDArray[np.bool_]:
    """Rows of residency whose region still has a pool."""
    region = instance.residency.region
    left = np.array([name in pools.region.names for name in region.names], np.bool_)
    return np.asarray(left[region.codes])


def _stranded(instance: Instance, pools: Pools) -> NDArray[np.bool_]:
    """(W,) workloads bound to regions none of which has a pool any more.

    Without any row of residency they would be free to run anywhere.
    """
    bound = np.zeros(instance.num_workloads, np.bool_)
    bound[instance.residency.workload] = True
    bound[instance.residency.workload[_regions_left(instance, pools)]] = False
    return bound


def _renumbered(
    instance: Instance, spec: TableSpec, column: str, moved: Mapping[str, Rows]
) -> NDArray[np.int32]:
    """Turn a reference column to the new positions of what it points at."""
    values: NDArray[np.int32] = getattr(getattr(instance, spec.name), column)
    refers = references_of(spec)[column]
    return moved[refers][values].astype(np.int32) if refers in moved else values


def _cut_table(
    instance: Instance, spec: TableSpec, rows: Rows | None, moved: Mapping[str, Rows]
) -> Any:
    """Table with some of its rows, whatever its columns are."""
    record = getattr(instance, spec.name)
    columns = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    for name in references_of(spec):
        columns[name] = _renumbered(instance, spec, name, moved)
    return spec.record(**{name: _cut(values, rows) for name, values in columns.items()})


def _cut(values: Any, rows: Rows | None) -> Any:
    """Entries of one column, or rows of one matrix; None for all of them."""
    if rows is None:
        return values
    if isinstance(values, Labels):
        return labels_of(values.names, values.codes[rows])
    if isinstance(values, tuple):
        return tuple(values[row] for row in rows.tolist())
    return values[rows]


def _later(start: datetime, hours: float) -> datetime:
    """Moment some hours later, in the same zone."""
    if hours == 0:
        return start
    # In UTC: the clock of a zone may jump in between.
    moment = start.astimezone(UTC) + timedelta(hours=hours)
    return moment.astimezone(start.tzinfo)

"""Tables that are made in memory instead of read: whole columns, no loop over rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InternalError
from optimizer.instance.declare import Column, columns_of
from optimizer.instance.labels import Labels

Record = TypeVar("Record")

_TYPES = {
    "number": np.float64,
    "integer": np.int64,
    "boolean": np.bool_,
    "reference": np.int32,
    "time": np.float64,
}


def labels_of(names: Sequence[str], codes: NDArray[np.integer[Any]]) -> Labels:
    """Labels from codes into any list of distinct names.

    Parameters
    ----------
    names : distinct values, in any order; those without an entry are dropped.
    codes : (n,) per entry of the axis, the position of its value in ``names``.
    """
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    order = sorted(used.tolist(), key=lambda position: names[position])
    place = np.zeros(len(names), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return Labels(tuple(names[position] for position in order), place[codes])


def one_label(name: str, count: int) -> Labels:
    """Labels of an axis on which every entry is called the same."""
    # Zeros that nobody touches take no memory, however long the axis is.
    return Labels((name,) if count else (), np.zeros(count, np.int32))


def table_of(record: type[Record], rows: int, **given: Any) -> Record:
    """Make a table; the columns that are not given hold their defaults.

    Parameters
    ----------
    record : class of the table.
    rows : number of rows.
    given : columns by name, each with ``rows`` entries.

    Raises
    ------
    InternalError
        When a required column of a table with rows is not given.
    """
    columns = dict(given)
    for name, declared in columns_of(record):
        if name in columns:
            continue
        if declared.required and rows > 0:
            raise InternalError(f"{record.__name__}: column {name} has no default")
        columns[name] = _default(declared, rows)
    return record(**columns)


def compacted(record: Record) -> Record:
    """Drop the names of labels that no row has; the record itself when there are none."""
    changed = {}
    for name, declared in columns_of(type(record)):
        labels = getattr(record, name)
        if declared.kind == "label" and (compact := labels.compact()) is not labels:
            changed[name] = compact
    return dataclasses.replace(record, **changed) if changed else record  # type: ignore[type-var]


def _default(declared: Column, rows: int) -> Any:
    """Every row with the default of its column."""
    if declared.kind == "id":
        return ()
    if declared.kind == "label":
        return one_label(declared.default or "", rows)
    return np.full(rows, declared.default or 0, _TYPES[declared.kind])

"""Rules within one table: lengths, names, ranges and choices."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.declare import Column, columns_of
from optimizer.instance.identity import all_plain, clashes, faults_of, free_text_faults
from optimizer.instance.labels import Labels
from optimizer.instance.places import got, nearest, number_text, place, quoted
from optimizer.instance.tables import MAX_NUMBER, MIN_NUMBER, TableSpec
from optimizer.instance.times import time_problems

MAX_PER_COLUMN = 25
"""Problems reported per column; the rest of a broken column says nothing new."""
SLICE_CELLS = 1_000_000
"""Cells that are looked at at a time where a temporary as large as the column is one too many."""
GROUPING = ("model", "traffic_class", "provider", "chip", "region")
"""Labels of workloads and pools that form groups: two of them may not look the same."""


def table_problems(spec: TableSpec, record: Any, origin: Mapping[str, str]) -> Iterator[Problem]:
    """Lengths, names, ranges and choices of one table."""
    lengths = {name: len(getattr(record, name)) for name, _ in columns_of(spec.record)}
    if len(set(lengths.values())) > 1:
        yield Problem(spec.name, "columns of one length", str(lengths))
        return
    names = row_names(spec, record)
    for name, declared in columns_of(spec.record):
        values = getattr(record, name)
        if declared.kind == "id":
            yield from id_problems(spec, name, values, origin)
        elif isinstance(values, Labels):
            yield from label_problems(spec, name, declared, values, names, origin)
        elif declared.kind == "time":
            bad_times = islice(time_problems(values), MAX_PER_COLUMN)
            for row, expected, found in bad_times:
                yield Problem(
                    place(origin, spec.name, row, name_of(names, row), name), expected, found
                )
        elif declared.kind in ("number", "integer"):
            bad = out_of_range(declared, values)
            for row in np.flatnonzero(bad)[:MAX_PER_COLUMN].tolist():
                value = float(values[row])
                yield Problem(
                    place(origin, spec.name, row, name_of(names, row), name),
                    plausible(value) or declared.expected(),
                    number_text(value),
                    declared.unit,
                    advice(declared, value),
                )


def plausible(value: float) -> str:
    """Say what is expected of a number that no column takes; empty when some would."""
    if abs(value) > MAX_NUMBER:
        return f"a finite number up to {MAX_NUMBER:g}"
    if 0 < abs(value) < MIN_NUMBER:
        return f"0 or a number of at least {MIN_NUMBER:g}"
    return ""


def advice(declared: Column, value: float) -> str:
    """Suggest a way out for a number that is out of range."""
    if declared.unit == "fraction" and 1.5 <= value <= 100:
        return f"a fraction, not a percentage: {value / 100:g}?"
    if declared.above == 0.0 and value == 0 and declared.required:
        return "leave the row out when it is not possible"
    return "check the unit" if plausible(value) else ""


def out_of_range(declared: Column, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where numbers break their declared range; NaN counts only where it is no default."""
    if _surely_in_range(declared, values):
        return np.zeros(len(values), np.bool_)
    numbers = values.astype(np.float64)
    bad = (numbers < declared.minimum) | (numbers > min(declared.maximum, MAX_NUMBER))
    if declared.above is not None:
        bad |= numbers <= declared.above
    bad |= (numbers != 0) & (np.abs(numbers) < MIN_NUMBER)
    if declared.whole:
        bad |= np.isfinite(numbers) & (numbers != np.floor(numbers))
    optional = isinstance(declared.default, float) and np.isnan(declared.default)
    if not optional:
        bad |= np.isnan(numbers)
    return np.asarray(bad)


def _surely_in_range(declared: Column, values: NDArray[Any]) -> bool:
    """Whether the least and the largest number say that all are in range: the usual case."""
    if len(values) == 0:
        return True
    low, high = float(values.min()), float(values.max())  # NaN if any is
    if declared.whole or not (
        low >= declared.minimum and high <= min(declared.maximum, MAX_NUMBER)
    ):
        return False
    if declared.above is not None and not low > declared.above:
        return False
    return low >= 0 and not has_specks(values)


def has_specks(values: NDArray[Any]) -> bool:
    """Whether any number is positive and implausibly small, looked at in slices."""
    if not np.issubdtype(values.dtype, np.floating):
        return False
    step = max(1, SLICE_CELLS // max(values[:1].size, 1))
    for begin in range(0, len(values), step):
        block = values[begin : begin + step]
        if bool(((block > 0) & (block < MIN_NUMBER)).any()):
            return True
    return False


def id_problems(
    spec: TableSpec, column: str, names: tuple[str, ...], origin: Mapping[str, str]
) -> Iterator[Problem]:
    """Names that cannot be ids, and names that clash."""
    looked_at = () if all_plain(names) else names
    faults = ((row, faults_of(name)) for row, name in enumerate(looked_at))
    for row, fault in islice((pair for pair in faults if pair[1]), MAX_PER_COLUMN):
        yield Problem(place(origin, spec.name, row, "", column), fault, got(names[row]))
    for first, row, expected in islice(clashes(names), MAX_PER_COLUMN):
        yield Problem(
            place(origin, spec.name, row, "", column),
            expected,
            quoted(names[row]),
            fix=f"first used at {place(origin, spec.name, first)}",
        )


def label_problems(
    spec: TableSpec,
    column: str,
    declared: Column,
    labels: Labels,
    names: tuple[str, ...],
    origin: Mapping[str, str],
) -> Iterator[Problem]:
    """Labels that are not among the choices, or cannot be shown, or look like another."""
    faults = {
        code: fault
        for code, value in enumerate(labels.names)
        if (fault := label_fault(column, declared, value))
    }
    if faults:
        bad = np.flatnonzero(np.isin(labels.codes, list(faults)))[:MAX_PER_COLUMN]
        for row in bad.tolist():
            yield Problem(
                place(origin, spec.name, row, name_of(names, row), column),
                faults[int(labels.codes[row])],
                got(labels[row]),
                fix=nearest(labels[row], declared.choices),
            )
    if column in GROUPING and spec.name in ("workloads", "pools"):
        # In the order of the rows, so that the later of two labels is the one reported.
        first_rows = np.unique(labels.codes, return_index=True)[1]
        rows = np.sort(first_rows).tolist()
        for first, second, expected in islice(
            clashes([labels[row] for row in rows]), MAX_PER_COLUMN
        ):
            row = rows[second]
            yield Problem(
                place(origin, spec.name, row, name_of(names, row), column),
                expected,
                quoted(labels[row]),
                fix=f"first used at {place(origin, spec.name, rows[first])}",
            )


def label_fault(column: str, declared: Column, value: str) -> str:
    """Say what a label should have been, in words; empty when it is sound."""
    if declared.choices:
        return "" if value in declared.choices else declared.expected()
    if value == "":
        return faults_of(value) if declared.required else ""
    # A label is the name of a group; only what nobody groups by may be long.
    if column in ("source", "note", "address"):
        return free_text_faults(value, lines=column == "note")
    return faults_of(value)


def row_names(spec: TableSpec, record: Any) -> tuple[str, ...]:
    """Ids of the rows of a table, empty when its rows have none."""
    first = dataclasses.fields(record)[0]
    column: Column = first.metadata["column"]
    names = getattr(record, first.name)
    return names if column.kind == "id" else ()


def name_of(names: tuple[str, ...], row: int) -> str:
    """Id of a row, empty when the table has none."""
    return names[row] if names else ""

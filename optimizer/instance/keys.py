"""Keys of several columns: no two rows of a table may agree in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.labels import Labels
from optimizer.instance.places import place
from optimizer.instance.table_rules import MAX_PER_COLUMN
from optimizer.instance.tables import TableSpec

Codes = NDArray[np.integer[Any]]


def key_problems(spec: TableSpec, record: Any, origin: Mapping[str, str]) -> Iterator[Problem]:
    """Rows whose key of several columns comes twice, each with the row it came first."""
    if len(spec.key) < 2:
        return
    columns = [getattr(record, name) for name in spec.key]
    codes = [codes_of(column) for column in columns]
    if all_different(codes):
        return
    first: dict[tuple[int, ...], int] = {}
    keys = enumerate(zip(*(code.tolist() for code in codes), strict=True))
    twice = ((row, first[key]) for row, key in keys if first.setdefault(key, row) < row)
    for row, before in islice(twice, MAX_PER_COLUMN):
        yield Problem(
            place(origin, spec.name, row),
            f"one row per {' and '.join(spec.key)}",
            "a second",
            fix=f"the first is {place(origin, spec.name, before)}",
        )


def codes_of(column: Any) -> Codes:
    """Whole numbers that are equal where the entries of a column of a key are."""
    if isinstance(column, Labels):
        return column.codes
    if column.dtype == np.float64:
        return np.unique(column, return_inverse=True)[1].astype(np.int32)
    codes: Codes = column
    return codes


def all_different(codes: Sequence[Codes]) -> bool:
    """Whether no two rows agree in all columns; quick, and false also where that is not known.

    Parameters
    ----------
    codes : columns of one length, each of codes from -1 on; -1 is no value.
    """
    if len(codes) == 2 and rising(codes[0], codes[1]):
        return True
    joined = np.zeros(len(codes[0]), np.int64)
    for code in codes:
        joined *= int(code.max(initial=0)) + 1
        joined += code
    if bool((joined[1:] > joined[:-1]).all()):
        return True
    joined.sort()
    return bool((joined[1:] > joined[:-1]).all())


def rising(first: Codes, second: Codes) -> bool:
    """Whether pairs rise strictly from row to row, the first column before the second."""
    later, same = first[1:] > first[:-1], first[1:] == first[:-1]
    same &= second[1:] > second[:-1]
    later |= same
    return bool(later.all())

"""How a column or a matrix of the instance format is declared: once, as data.

Reading, checking, writing, slicing and the format page are all derived from these
declarations; see :mod:`optimizer.instance.tables`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

Kind = Literal["id", "reference", "label", "number", "integer", "boolean", "time"]

_KEY = "column"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    kind : id (unique text), reference (an id of another table), label (repeated
        text), number, integer, boolean, or time (seconds since 1970 in UTC, NaN: none).
    meaning : one sentence for the format page.
    unit : unit of a number, empty for pure numbers and text.
    required : the column must be there and every cell filled.
    default : value of a cell that is not given; NaN says "unknown".
    minimum, maximum : inclusive range of a number.
    above : exclusive lower limit of a number.
    whole : a number that may be missing, and is a whole one where it is there.
    choices : the allowed values of a label, empty when any text will do.
    refers : table whose ids a reference names.
    """

    kind: Kind
    meaning: str
    unit: str = ""
    required: bool = False
    default: Any = None
    minimum: float = -float("inf")
    maximum: float = float("inf")
    above: float | None = None
    whole: bool = False
    choices: tuple[str, ...] = ()
    refers: str = ""

    def expected(self) -> str:
        """Say what a cell of this column should hold."""
        if self.kind == "boolean":
            return "true or false"
        if self.kind == "time":
            return "a date and time with a zone, such as 2026-05-04T00:00:00Z"
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind in ("number", "integer"):
            whole = self.whole or self.kind == "integer"
            noun = "a whole number" if whole else "a finite number"
            low, high = self.minimum, self.maximum
            if self.above is not None:
                limit = "" if high == float("inf") else f" and <= {high:g}"
                return f"{noun} > {self.above:g}{limit}"
            if low == -float("inf"):
                return noun
            if high == float("inf"):
                return f"{noun} >= {low:g}"
            return f"{noun} from {low:g} to {high:g}"
        return "a name" if self.kind == "id" else "text"


def column(kind: Kind, meaning: str, **facts: Any) -> Any:
    """Declare a dataclass field as a column; the facts are those of :class:`Column`."""
    return dataclasses.field(metadata={_KEY: Column(kind, meaning, **facts)})


def columns_of(table: type) -> Iterator[tuple[str, Column]]:
    """Name and declaration of each column of a table class, in file order."""
    for field in dataclasses.fields(table):
        if _KEY in field.metadata:
            yield field.name, cast(Column, field.metadata[_KEY])


@dataclass(frozen=True)
class Matrix:
    """One wide table: a row per id of a table, a column per period.

    Attributes
    ----------
    name : file stem.
    rows : table whose ids name the rows.
    meaning, unit : as for a column.
    required : the file must be there and name every id.
    """

    name: str
    rows: str
    meaning: str
    unit: str
    required: bool

    def expected(self) -> str:
        """Say what a cell should hold."""
        return "a finite number >= 0"

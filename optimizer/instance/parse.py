"""Cells to values: a frame of text or typed columns becomes a table of the format."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.declare import Column, columns_of
from optimizer.instance.keys import all_different, codes_of
from optimizer.instance.labels import Labels
from optimizer.instance.places import got, nearest, place, quoted, shown
from optimizer.instance.table_rules import MAX_PER_COLUMN
from optimizer.instance.tables import TableSpec
from optimizer.instance.times import seconds_of

FREE_PREFIX = "x_"
"""Columns whose name begins so are the user's own and are not read."""
MAX_WHOLE = 2.0**53
"""Largest whole number that float64 tells from its neighbours."""

_NUMBERS = (
    pl.Int8,
    pl.Int16,
    pl.Int32,
    pl.Int64,
    pl.UInt8,
    pl.UInt16,
    pl.UInt32,
    pl.UInt64,
    pl.Float32,
    pl.Float64,
)
PLAIN_TYPES = (pl.String, *_NUMBERS)
"""Types whose cells become numbers without a look at each."""
NONZERO = "^[^eE]*[1-9]"
"""Text of a number that is not 0."""
RUN = 4
"""Mean length of runs of one name from which on they are looked up by the run."""
_TEXT_KINDS = ("id", "reference", "label")
_DTYPES = {
    "number": np.float64,
    "integer": np.int64,
    "boolean": np.bool_,
    "reference": np.int32,
    "time": np.float64,
}


def check_header(
    file: str, found: Sequence[str], known: Collection[str], required: Sequence[str]
) -> list[Problem]:
    """Columns that are unknown or missing, each with the nearest name."""
    # Wide tables have thousands of columns: look names up in sets.
    there, known_names = set(found), set(known)
    left = [name for name in known if name not in there]
    unknown = (n for n in found if n not in known_names and not n.startswith(FREE_PREFIX))
    missing = (name for name in required if name not in there)
    problems = [
        Problem(
            f"{file}, row 1, column {quoted(name)}",
            "a known column (or a name that begins with x_)",
            quoted(name),
            fix=nearest(name, left),
        )
        for name in islice(unknown, MAX_PER_COLUMN)
    ]
    problems += [
        Problem(f"{file}, row 1", f"a column {quoted(name)}", "none")
        for name in islice(missing, MAX_PER_COLUMN)
    ]
    return problems


def parse_table(
    spec: TableSpec,
    frame: pl.DataFrame,
    origin: Mapping[str, str],
    ids: Mapping[str, Sequence[str] | None],
) -> tuple[dict[str, Any], list[Problem]]:
    """Turn a frame into the columns of a table.

    Parameters
    ----------
    frame : columns as the file has them, text or typed; rows in file order.
    ids : ids of the tables that references may name, None where they are not known.

    Returns
    -------
    values : column values by name, in file order; cells that could not be read hold a
        harmless stand-in. A column that is missing or of the wrong type is left out.
    problems : every cell and column that could not be read.
    """
    columns = dict(columns_of(spec.record))
    required = [name for name, declared in columns.items() if declared.required]
    problems = check_header(origin[spec.name], frame.columns, columns, required)
    names = row_names_of(frame, spec.key[0])
    values: dict[str, Any] = {}
    for name, declared in columns.items():
        cells = Cells(spec.name, name, declared, origin, names)
        if name in frame.columns:
            if cells.fits(frame[name]):
                values[name] = cells.parse(frame[name], ids)
        elif not declared.required:
            values[name] = cells.default(frame.height)
        problems += cells.problems
    return values, problems


def repeated_keys(
    spec: TableSpec, frame: pl.DataFrame, values: Mapping[str, Any], origin: Mapping[str, str]
) -> list[Problem]:
    """Rows whose key of several columns comes twice, each with the row it came first.

    Parameters
    ----------
    frame, values : the table as it was read, and its columns as far as they were parsed.
    """
    keys = list(spec.key)
    # A column that is not there is of no type that could hold names.
    if len(keys) < 2 or not all(key in values for key in keys):
        return []
    if all_different([codes_of(values[key]) for key in keys]):
        return []
    columns = dict(columns_of(spec.record))
    texts = {key: _names_of(frame, key, columns[key]) for key in keys}
    pairs = pl.DataFrame(texts).with_row_index("row")
    filled = pairs.filter(pl.all_horizontal(pl.col(key) != "" for key in keys))
    twice = (
        filled.with_columns(first=pl.col("row").min().over(keys))
        .filter(pl.col("row") > pl.col("first"))
        .sort("row")
        .head(MAX_PER_COLUMN)
    )
    return [
        Problem(
            place(origin, spec.name, found["row"]),
            f"one row per {' and '.join(keys)}",
            f"{' and '.join(quoted(found[key]) for key in keys)} again",
            fix=f"first used at {place(origin, spec.name, found['first'])}",
        )
        for found in twice.to_dicts()
    ]


def _names_of(frame: pl.DataFrame, name: str, declared: Column) -> pl.Series:
    """Text of a column of names, its default where nothing is given."""
    default = str(declared.default or "")
    if name not in frame.columns:
        return pl.Series([default] * frame.height, dtype=pl.String)
    return as_text(frame[name]).replace("", default)


def row_names_of(frame: pl.DataFrame, key: str) -> pl.Series | None:
    """Names of the rows for messages, None when the frame has none."""
    if key not in frame.columns or not is_text(frame[key].dtype):
        return None
    return as_text(frame[key])


class Cells:
    """The cells of one column on their way to values, and what is wrong with them."""

    def __init__(
        self,
        table: str,
        name: str,
        declared: Column,
        origin: Mapping[str, str],
        row_names: pl.Series | None,
    ) -> None:
        self.table = table
        self.name = name
        self.declared = declared
        self.origin = origin
        self.row_names = row_names
        self.problems: list[Problem] = []

    def default(self, rows: int) -> Any:
        """Give every row the column's default."""
        kind, value = self.declared.kind, self.declared.default
        if kind == "label":
            return Labels((value,) if rows else (), np.zeros(rows, np.int32))
        return np.full(rows, value, _DTYPES[kind])

    def fits(self, series: pl.Series) -> bool:
        """Whether the type of the column can hold its values; if not, that is a problem."""
        kind, dtype = self.declared.kind, series.dtype
        if is_text(dtype):
            return True
        if kind in _TEXT_KINDS:
            expected, fix = "a column of text", "ids and labels are kept exactly as written"
        elif kind == "boolean":
            if dtype == pl.Boolean:
                return True
            expected, fix = "a column of true and false", ""
        elif kind == "time":
            if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
                return True
            expected, fix = "a column of times with a zone, or of text", ""
        else:
            if dtype in _NUMBERS:
                return True
            expected, fix = "a column of numbers", "integers and floats are read, decimals are not"
        self.problems.append(
            Problem(
                f"{self.origin[self.table]}, column {shown(self.name)}",
                expected,
                shown(dtype),
                self.declared.unit,
                fix,
            )
        )
        return False

    def parse(self, series: pl.Series, ids: Mapping[str, Sequence[str] | None]) -> Any:
        """Values of the column, which :meth:`fits`."""
        kind = self.declared.kind
        if kind in _TEXT_KINDS:
            # Blank ids and labels are found by the rules for names.
            text = as_text(series)
            if kind == "id":
                return tuple(text.to_list())
            if kind == "label":
                return self._labels(text)
            return self._positions(text, ids[self.declared.refers])
        if kind == "boolean":
            return self._booleans(series)
        if kind == "time":
            return self._times(series)
        numbers = self._numbers(series)
        return numbers.astype(np.int64) if kind == "integer" else numbers

    def _report(
        self, bad: pl.Series, cells: pl.Series, fix: Callable[[str], str] | None = None
    ) -> None:
        for row in bad.arg_true().head(MAX_PER_COLUMN).to_list():
            value = cells[row]
            self.problems.append(
                Problem(
                    self._place(row),
                    self.declared.expected(),
                    got(value),
                    self.declared.unit,
                    fix(str(value)) if fix else "",
                )
            )

    def _place(self, row: int) -> str:
        name = "" if self.row_names is None else self.row_names[row]
        # The name of the row is no help in saying that this name is wrong.
        name = "" if self.declared.kind == "reference" else name
        return place(self.origin, self.table, row, name, self.name)

    def _labels(self, text: pl.Series) -> Labels:
        if not self.declared.required and self.declared.default:
            text = text.replace("", self.declared.default)
        names = text.unique().sort()
        codes = positions_of(text, names).to_numpy().astype(np.int32)
        return Labels(tuple(names.to_list()), codes)

    def _positions(self, text: pl.Series, known: Sequence[str] | None) -> NDArray[np.int32]:
        # Repeated ids are reported where they stand; here the first one will do.
        names = pl.Series(known or (), dtype=pl.String).unique(maintain_order=True)
        found = positions_of(text, names)
        # Where the other table could not be read, only a blank is surely wrong.
        unknown = found.is_null() if known is not None else text == ""
        singular = self.declared.refers.rstrip("s")
        file = self.origin.get(self.declared.refers, self.declared.refers)
        for row in unknown.arg_true().head(MAX_PER_COLUMN).to_list():
            self.problems.append(
                Problem(
                    self._place(row),
                    f"the name of a {singular} in {file}",
                    got(text[row]),
                    fix=nearest(text[row], known or ()),
                )
            )
        # -1 points at no row, so nothing is said about a row that was not meant.
        return found.fill_null(-1).to_numpy().astype(np.int32)

    def _booleans(self, series: pl.Series) -> NDArray[np.bool_]:
        if series.dtype == pl.Boolean:
            return series.fill_null(value=bool(self.declared.default)).to_numpy()
        text = as_text(series)
        lower = text.str.to_lowercase()
        self._report(~lower.is_in(["true", "false", ""]), text)
        values = (lower == "true") | ((text == "") & bool(self.declared.default))
        return values.to_numpy()

    def _times(self, series: pl.Series) -> NDArray[np.float64]:
        """Seconds since 1970 in UTC; few rows have times, so each is looked at by itself."""
        if not is_text(series.dtype):
            return (series.dt.epoch("us") / 1e6).to_numpy().astype(np.float64)
        text = as_text(series)
        seconds = [seconds_of(cell) if cell else np.nan for cell in text.to_list()]
        self._report(pl.Series([value is None for value in seconds], dtype=pl.Boolean), text)
        return np.array([np.nan if value is None else value for value in seconds], np.float64)

    def _numbers(self, series: pl.Series) -> NDArray[np.float64]:
        if series.dtype in (pl.Float32, pl.Float64) and self.declared.kind == "number":
            plain = _if_plain(series)
            if plain is not None:
                return plain
        if is_text(series.dtype):
            cells = as_text(series)
            missing = cells == ""
            numbers = cells.cast(pl.Float64, strict=False)
            malformed = ~missing & ~numbers.is_finite().fill_null(value=False)
            malformed = malformed | _vanished(cells, numbers)
        else:
            cells = series
            missing = series.is_null()
            numbers = series.cast(pl.Float64)
            malformed = ~missing & ~numbers.is_finite().fill_null(value=True)
        self._report(malformed, cells, _number_advice)
        if self.declared.required:
            self._report(missing, cells)
        values = numbers.to_numpy().astype(np.float64)
        bad = (missing | malformed).to_numpy()
        if self.declared.kind == "integer":
            broken = ~bad & ((values != np.floor(values)) | (np.abs(values) > MAX_WHOLE))
            self._report(pl.Series(broken), cells)
            bad = bad | broken
        # -0.0 is 0 everywhere from here on.
        return np.where(bad, self._stand_in(), values) + 0.0

    def _stand_in(self) -> float:
        """Choose a number for a cell that holds none: the default, or something in range."""
        default = self.declared.default
        return float(max(self.declared.minimum, 1.0) if default is None else default)


def _if_plain(series: pl.Series) -> NDArray[np.float64] | None:
    """Float numbers that are all there and finite, as they are; None for others."""
    if series.null_count() or len(series) == 0:
        return None
    values = series.cast(pl.Float64).to_numpy()
    low, high = float(values.min()), float(values.max())  # NaN if any is
    if not (low > -np.inf and high < np.inf):
        return None
    # -0.0 is 0 everywhere from here on.
    return values if low > 0 else values + 0.0


def _number_advice(cell: str) -> str:
    """Name a way out for a number that could not be read."""
    text = cell.strip().lower()
    size = _size(text)
    if size == 0:
        return "too small for a number: 0 is written 0"
    if size is not None and not size < float("inf"):
        return "every number is finite; leave the row out, or the cell empty where that is allowed"
    if text.endswith("%"):
        return "write 95 % as 0.95"
    if size is not None:
        return "remove the blanks around the number"
    return "plain decimal notation: no separators, signs of money or units"


def _size(text: str) -> float | None:
    """Magnitude of a decimal number, infinite or NaN as may be; None when it is not one."""
    try:
        return abs(float(text)) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def _vanished(text: pl.Series, numbers: pl.Series) -> pl.Series:
    """Where a number that is not 0 became 0 because it is too small for float64."""
    zero = (numbers == 0).fill_null(value=False)
    if not bool(zero.any()):
        return zero
    return zero & text.str.contains(NONZERO)


def is_text(dtype: pl.DataType) -> bool:
    """Whether a column holds text; one without any value may be taken for text."""
    return dtype in (pl.String, pl.Null) or isinstance(dtype, (pl.Categorical, pl.Enum))


def as_text(series: pl.Series) -> pl.Series:
    """Turn a text column into plain strings, empty where there is nothing."""
    return series.cast(pl.String).fill_null("")


def positions_of(text: pl.Series, names: pl.Series) -> pl.Series:
    """(n,) int32 position of each text in distinct ``names``, null where it is not among them."""
    table = pl.DataFrame({"text": names, "position": np.arange(len(names), dtype=np.int32)})
    # Long tables are mostly sorted: a name that comes many times on end is looked up once.
    first = (text != text.shift(1)).fill_null(value=True).to_numpy()
    starts = np.flatnonzero(first)
    runs = len(starts) * RUN < len(text)
    wanted = pl.DataFrame({"text": text.gather(starts) if runs else text})
    found = wanted.join(table, on="text", how="left", maintain_order="left")["position"]
    return found.gather(np.cumsum(first, dtype=np.int32) - 1) if runs else found

"""Lines of a CSV trace as columns of text, with the lines that do not fit told apart."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.places import quoted
from optimizer.serving.traces.bad_lines import BadLines
from optimizer.serving.traces.blocks import Block


@dataclass(frozen=True, eq=False)
class TextColumns:
    """The lines of a block that have as many fields as the header.

    Attributes
    ----------
    file : name of the file, for messages.
    line : (n,) number of each line in the file.
    cells : a column of text for each name of the header; null where a cell is empty.
    """

    file: str
    line: NDArray[np.int64]
    cells: pl.DataFrame

    def problem(self, row: int, column: str, expected: str, unit: str = "") -> Problem:
        """Say what is wrong with a cell."""
        cell = self.cells[column][row]
        got = "nothing" if cell is None else quoted(cell)
        return Problem(f"{self.file}, line {self.line[row]}, column {column}", expected, got, unit)


def header_fields(line: str) -> list[str]:
    """Names in the first line of a CSV file."""
    return [name.strip() for name in next(csv.reader([line]), [])]


def text_columns(file: str, block: Block, header: Sequence[str], bad: BadLines) -> TextColumns:
    """Split a block of lines; lines with another number of fields are counted as bad.

    Parameters
    ----------
    block : lines without the header.
    """
    # Blank lines at the end of a file are no lines; all other ones are bad.
    data = block.data.rstrip(b"\r\n \t")
    if not data:
        return TextColumns(file, np.empty(0, np.int64), _frame(b"", header))
    if b'"' in data:
        data, counts = _unquoted(data, len(header))
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
        separator = _SEPARATOR
    else:
        raw = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(raw == ord("\n"))
        starts = np.concatenate(([0], ends + 1))
        counts = np.add.reduceat(raw == ord(","), starts, dtype=np.int64) + 1
        separator = ","
    starts = np.concatenate(([0], ends + 1))
    stops = np.concatenate((ends, [len(data)]))
    blank = (stops - starts == 0) | ((stops - starts == 1) & (_byte(data, starts) == ord("\r")))
    wrong = (counts != len(header)) | blank
    lines = block.first_line + np.arange(len(starts))
    bad.saw(len(lines))
    if wrong.any():
        bad.add_rows(
            wrong,
            lambda row: Problem(
                f"{file}, line {lines[row]}",
                f"{len(header)} fields",
                _found(int(counts[row]), bool(blank[row])),
            ),
        )
        parts = data.split(b"\n")
        data = b"\n".join(parts[row] for row in np.flatnonzero(~wrong).tolist())
    return TextColumns(file, lines[~wrong], _frame(data, header, separator))


def _found(fields: int, blank: bool) -> str:
    """What a line with another number of fields holds, in words."""
    if fields == _OPEN_QUOTE:
        return "a quote that is not closed"
    return "a blank line" if blank else str(fields)


_OPEN_QUOTE = -1
_SEPARATOR = "\x1f"
"""Between the fields of lines that were unquoted; a control character no sound cell holds."""


def _unquoted(data: bytes, fields: int) -> tuple[bytes, NDArray[np.int64]]:
    """Take quotes off, line by line: a cell of a trace goes over no line end.

    Returns
    -------
    data : the same lines, fields between separators.
    counts : fields of each; :data:`_OPEN_QUOTE` where a quote is left open.
    """
    lines, counts = [], []
    for line in data.decode(errors="replace").split("\n"):
        try:
            row = next(csv.reader(io.StringIO(line.rstrip("\r")), strict=True), [])
        except csv.Error:
            row = ["\ufffd"]
            counts.append(_OPEN_QUOTE)
        else:
            counts.append(len(row))
        sound = [cell.replace(_SEPARATOR, "\ufffd").replace("\n", "\ufffd") for cell in row]
        lines.append(_SEPARATOR.join(sound))
    return "\n".join(lines).encode(), np.array(counts)


def _byte(data: bytes, places: NDArray[np.int64]) -> NDArray[np.uint8]:
    raw = np.frombuffer(data, np.uint8)
    return raw[np.minimum(places, len(raw) - 1)]


def _frame(data: bytes, header: Sequence[str], separator: str = ",") -> pl.DataFrame:
    """Columns of text; bytes that are no UTF-8 become a sign that no number and no name has."""
    schema = dict.fromkeys(header, pl.String)
    if not data:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        schema=schema,
        separator=separator,
        quote_char=None,
        infer_schema=False,
        encoding="utf8-lossy",
    )
    return frame.with_columns(pl.all().str.strip_chars().replace("", None))

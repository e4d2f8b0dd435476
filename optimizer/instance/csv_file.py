"""CSV files: structure checked by ourselves, cells left as text.

No reader at hand is strict enough: fields that are missing become nulls in silence,
duplicate headers are renamed, ``007`` turns into 7. So the header and the number of
fields of each row are checked here, and every cell is handed on as text.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import polars as pl

from optimizer.errors import InputError, Problem
from optimizer.instance.places import quoted
from optimizer.instance.regular_file import decode_utf8, read_bytes

MAX_ROWS_NAMED = 20


def read_csv(path: Path) -> pl.DataFrame:
    """Every cell of a CSV file as text, columns named by its header.

    An empty cell is null. Rows keep their order, so that row ``i`` of
    the frame is row ``i + 2`` of the file; a row with line breaks inside quotes is one row.

    Raises
    ------
    InputError
        When the file is not UTF-8, is empty, has a header with a name twice or blank, has
        a row with more or fewer fields than the header, or a quote that is not closed.
    """
    text = decode_utf8(path.name, read_bytes(path))
    body = text.rstrip("\r\n")
    if not body.strip():
        raise InputError(Problem(path.name, "a header and rows", "an empty file"))
    if "\r" in body and "\n" not in body:
        raise InputError(
            Problem(path.name, "lines that end with LF or CRLF", "CR alone", fix="save it again")
        )
    if '"' in body:
        return _read_quoted(path.name, body)
    header = body.split("\n", 1)[0].rstrip("\r").split(",")
    check_names(path.name, header)
    _check_plain(path.name, body, len(header))
    return parse_plain(body, header)


def check_names(name: str, header: list[str]) -> None:
    """Refuse column names that are blank or come twice."""
    seen: set[str] = set()
    problems = []
    for position, column in enumerate(header, 1):
        where = f"{name}, row 1, column {position}"
        if not column.strip():
            problems.append(Problem(where, "a column name", quoted(column)))
        elif column in seen:
            problems.append(Problem(where, "a column name that is not used twice", quoted(column)))
        seen.add(column)
    if problems:
        raise InputError(problems[:MAX_ROWS_NAMED])


def parse_plain(body: str, header: list[str]) -> pl.DataFrame:
    """Split text without quotes; its structure has been checked."""
    if "\n" not in body:
        return pl.DataFrame({name: pl.Series([], dtype=pl.String) for name in header})
    return pl.read_csv(
        io.BytesIO(body.encode()),
        has_header=False,
        skip_rows=1,
        schema=dict.fromkeys(header, pl.String),
        quote_char=None,
        infer_schema=False,
    )


def _check_plain(name: str, body: str, fields: int) -> None:
    """Refuse rows with another number of fields than the header."""
    data = np.frombuffer(body.encode(), np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    starts = np.concatenate(([0], ends + 1))
    # The body does not end with a line break, so that every start has something behind it.
    counts = np.add.reduceat(data == ord(","), starts, dtype=np.int64) + 1
    lengths = np.concatenate((ends, [len(data)])) - starts
    blank = (lengths == 0) | ((lengths == 1) & (data[starts] == ord("\r")))
    wrong = np.flatnonzero((counts != fields) | blank)
    if len(wrong) == 0:
        return
    problems = [
        Problem(
            f"{name}, row {row + 1}",
            f"{fields} fields",
            "a blank line" if blank[row] else str(int(counts[row])),
        )
        for row in wrong[:MAX_ROWS_NAMED].tolist()
    ]
    raise InputError(problems)


def _read_quoted(name: str, body: str) -> pl.DataFrame:
    """Read text with quotes row by row: slower, but it can say where a quote was left open."""
    reader = csv.reader(io.StringIO(body, newline=""), strict=True)
    rows: list[list[str | None]] = []
    problems: list[Problem] = []
    line = 1
    try:
        header = next(reader)
        check_names(name, header or [""])
        line = reader.line_num + 1
        for number, row in enumerate(reader, 2):
            if len(row) != len(header):
                found = str(len(row)) if row else "a blank line"
                problems.append(Problem(f"{name}, row {number}", f"{len(header)} fields", found))
            rows.append([cell or None for cell in row])
            line = reader.line_num + 1
    except csv.Error as error:
        # The reader only notices at the end of the file: name the line where the row began.
        problems = problems[:MAX_ROWS_NAMED]
        problems.append(_broken_quote(f"{name}, line {line}", str(error)))
        raise InputError(problems) from None
    if problems:
        raise InputError(problems[:MAX_ROWS_NAMED])
    columns = zip(*rows, strict=True) if rows else [()] * len(header)
    series = [
        pl.Series(column, cells, dtype=pl.String)
        for column, cells in zip(header, columns, strict=True)
    ]
    return pl.DataFrame(series)


def _broken_quote(where: str, reason: str) -> Problem:
    """Say in our words what the csv module found."""
    if "unexpected end of data" in reason:
        return Problem(where, "every quote to be closed", "the end of the file")
    if "field larger" in reason:
        limit = csv.field_size_limit()
        return Problem(
            where, f"fields of at most {limit} characters", "a longer one", fix="is a quote open?"
        )
    if "expected after" in reason:
        return Problem(
            where, "a comma after a closing quote", "more text", fix='write "" for a quote'
        )
    return Problem(where, "sound CSV", reason)

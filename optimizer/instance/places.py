"""Where in an input something stands, in the words of whoever made the input."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from itertools import islice

MAX_TEXT = 40
"""Longest piece of input that a message repeats."""
MAX_REASON = 120
"""Longest reason of a library that a message repeats."""
MAX_CANDIDATES = 5000
"""Most known names that are compared with an unknown one."""


def place(origin: Mapping[str, str], table: str, row: int, name: str = "", column: str = "") -> str:
    """Name a cell: ``demand.csv, row 12 (opus-eu), column 7``.

    Parameters
    ----------
    origin : file of each table; a table that is not listed was made in memory.
    table : name of the table.
    row : position in the table, from 0.
    name : id of the row, empty when unknown.
    column : name of the column, empty for the whole row.
    """
    who = f" ({shown(name)})" if name else ""
    where = f", column {shown(column)}" if column else ""
    if table in origin:
        # The header is row 1 of a text file, as an editor counts.
        number = row + 2 if origin[table].endswith(".csv") else row
        return f"{origin[table]}, row {number}{who}{where}"
    return f"{table}[{row}]{who}{where}"


def shown(text: object, most: int = MAX_TEXT) -> str:
    """Input text made fit for a one-line message: control characters escaped, cut."""
    # One character more than fits is enough to know that the rest is cut off.
    start = str(text)[: most + 1]
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in start)
    return clean if len(clean) <= most else clean[: most - 3] + "..."


def quoted(text: object) -> str:
    """As :func:`shown`, in double quotes."""
    return f'"{shown(text)}"'


def got(text: object) -> str:
    """Show what a cell holds: in quotes, or ``nothing`` when it is empty."""
    return "nothing" if text is None or text == "" else quoted(text)


def number_text(value: float) -> str:
    """Show a number with every digit that counts: 1.0000001 is not shown as 1."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def nearest(name: str, known: Iterable[str]) -> str:
    """``did you mean "x"?`` when something known is close, else empty."""
    # difflib is quadratic in the length of its candidates: look at a few thousand only.
    candidates = list(islice(known, MAX_CANDIDATES))
    close = difflib.get_close_matches(name[:200], candidates, n=1, cutoff=0.6)
    if not close:
        folded = {candidate.casefold(): candidate for candidate in candidates}
        close = [folded[name.casefold()]] if name.casefold() in folded else []
    return f"did you mean {quoted(close[0])}?" if close else ""

"""The format page, made from the declarations: ``docs/format.md`` is what this prints.

Run ``python -m optimizer.instance.document > docs/format.md`` after a change of the format.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence

from optimizer.instance.axes import row_key, spec_of
from optimizer.instance.declare import Column, columns_of
from optimizer.instance.example import EXAMPLE
from optimizer.instance.identity import MAX_FREE_TEXT, MAX_ID
from optimizer.instance.manifest import FILE, FORMAT, MAX_PERIODS, SHARED_BY
from optimizer.instance.parse import FREE_PREFIX
from optimizer.instance.tables import (
    FIRST_YEAR,
    LAST_YEAR,
    MATRICES,
    MAX_NUMBER,
    MIN_NUMBER,
    TABLES,
    TableSpec,
)

__all__ = ["format_page"]

KEYS: dict[str, tuple[str, str, str]] = {
    "format": (f"`{FORMAT}`", "**required**", "Version of the format."),
    "name": ("text", "**required**", "Short name of the instance, used in reports and files."),
    "title": ("text", "empty", "What the instance is, in a few words on one line."),
    "start": (
        "date and time with a zone",
        "**required**",
        'Beginning of period 0, such as `"2026-05-04T00:00:00Z"`.',
    ),
    "period_hours": ("number > 0", "`1`", "Length of a period, in hours."),
    "periods": (
        f"whole number from 1 to {MAX_PERIODS}",
        "**required**",
        "Number of periods; the wide tables have as many columns.",
    ),
    "limits": ("table", "no limit", "Limits on the whole plan, below."),
    "limits.budget_usd": (
        "number >= 0",
        "no limit",
        "Most that the plan may cost in USD, penalties for unserved tokens not counted.",
    ),
    "policy": ("table", "empty", "How things are run, below."),
    "policy.replicas_shared_by": (
        ", ".join(f'`"{choice}"`' for choice in SHARED_BY),
        '`"traffic_class"`',
        "Who may share the replicas of a model on a pool: all its workloads, those of a traffic "
        "class, or none. A plan may keep more apart. Predictions of latency rest on it.",
    ),
}
"""Kind, default and meaning of each key of ``instance.toml``."""


def format_page() -> str:
    """Give the Markdown page that describes every file, table and column of an instance."""
    parts = [
        _head(),
        _files(),
        _example(),
        _manifest(),
        _tables_head(),
        *(_table(spec) for spec in TABLES),
        _wide(),
        _rules(),
    ]
    return "\n".join(parts)


def _head() -> str:
    return f"""# Instance format {FORMAT}

An instance is one planning problem: who asks for tokens, which chips could serve them, at
what price. It is a folder with a file `{FILE}` and a few tables. What the numbers mean for a
plan is written in [problem.md](problem.md); `instances/` has examples.

This page is made from the code that reads and checks the files:
`python -m optimizer.instance.document > docs/format.md`.
"""


def _files() -> str:
    rows = [(f"`{FILE}`", "name, start and number of periods", "yes")]
    rows += [(_endings(spec.name), spec.title, _must(spec)) for spec in TABLES]
    rows += [
        (
            _endings(matrix.name, wide=True),
            f"a row per {row_key(matrix)}, a column per period: {matrix.unit}",
            "yes" if matrix.required else "no",
        )
        for matrix in MATRICES
    ]
    return f"""## Files

{_grid(("file", "what it holds", "must be there"), rows)}
Each table is in one file, in any of the formats named; two files for one table are an error.
Files of these kinds with any other name are an error too, so that a misspelt table is not
ignored. Other files, such as a README, may lie beside them.

Either `routes` or `profiles` must be there. Where `routes` is, its rows are the only pairs that
may be used, and profiles add nothing to them. Where it is not, the routes are derived from
`profiles`, `throughputs`, `chips`, `models` and `network`, as [serving.md](serving.md) says;
`optimizer routes FOLDER` shows them, and for every other pair the reason why it is none.
"""


def _must(spec: TableSpec) -> str:
    """Say whether a table must be there."""
    if spec.name in ("routes", "profiles"):
        return "one of `routes`, `profiles`"
    return "yes" if spec.required else "no"


def _endings(name: str, *, wide: bool = False) -> str:
    more = ", `.parquet` or `.npy`" if wide else " or `.parquet`"
    return f"`{name}.csv`{more}"


def _example() -> str:
    blocks = [
        f"`{name}`\n\n```{'toml' if name == FILE else 'csv'}\n{text}```\n"
        for name, text in EXAMPLE.items()
    ]
    return (
        "## A complete example\n\n"
        "Two workloads, two pools, three hours. Chat is served in the hour in which it comes in,\n"
        "summaries may wait two hours. Put these files into a folder and run\n"
        "`optimizer solve FOLDER`.\n\n" + "\n".join(blocks)
    )


def _manifest() -> str:
    rows = [(f"`{key}`", *facts) for key, facts in KEYS.items()]
    return f"""## {FILE}

{_grid(("key", "value", "if left out", "meaning"), rows)}
`limits.budget_usd` is the key `budget_usd` in a table `[limits]`, and so with `[policy]`. Unknown
keys are an error.
"""


def _tables_head() -> str:
    return """## Tables

Rows may come in any order, columns too. A column that is not required may be left out, and then
every row has what its line says under "if left out"; so does a row whose cell is empty. "Not
given" switches off what depends on the number.
"""


def _table(spec: TableSpec) -> str:
    about = (spec.record.__doc__ or "").strip().split("\n", 1)[0].rsplit(" Axis ", 1)[0]
    about = about.replace("``", "`")
    must = "Must be there." if spec.required else "May be left out."
    if spec.name == "routes":
        must = "May be left out where there are `profiles` to derive them from."
    key = " and ".join(f"`{name}`" for name in spec.key)
    rows = [
        (f"`{name}`", _kind(declared), declared.unit, _default(declared), declared.meaning)
        for name, declared in columns_of(spec.record)
    ]
    return f"""### {spec.name}

{about} {must} One row per {key}.

{_grid(("column", "value", "unit", "if left out", "meaning"), rows)}"""


def _kind(declared: Column) -> str:
    """Say what a cell holds, as short as it can be said."""
    if declared.kind == "reference":
        key = spec_of(declared.refers).key[0]
        return f"a `{key}` of [{declared.refers}](#{declared.refers})"
    if declared.choices:
        return "one of " + ", ".join(f"`{choice}`" for choice in declared.choices)
    if declared.kind == "boolean":
        return "`true` or `false`"
    expected = declared.expected().removeprefix("a ").removeprefix("finite ")
    return f"{expected}, each once" if declared.kind == "id" else expected


def _default(declared: Column) -> str:
    """Say what a missing column or an empty cell stands for."""
    if declared.required:
        return "**required**"
    value = declared.default
    if isinstance(value, float) and math.isnan(value):
        return "not given"
    if value == "":
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text.removesuffix('.0')}`"


def _wide() -> str:
    rows = [
        (
            f"`{matrix.name}`",
            f"`{row_key(matrix)}`",
            matrix.expected().removeprefix("a finite "),
            matrix.unit,
            "**required**" if matrix.required else "no prices but those of pools",
            matrix.meaning,
        )
        for matrix in MATRICES
    ]
    return f"""## Wide tables

A wide table has a first column that names the row, then a column per period. The period
columns are named `0`, `1`, ... up to `periods - 1`. The tables that must be there have a row
for every id.

{_grid(("table", "names the rows", "cells", "unit", "if left out", "meaning"), rows)}"""


def _rules() -> str:
    return f"""## Rules for all files

**Names.** Ids and labels are kept exactly as they are written: `007` is not `7`, and blanks
count. An id is any text of 1 to {MAX_ID} characters that can be seen: no control, zero-width or
direction characters. Two ids of a table must differ in more than case, blanks around them or
the form of a character. Free text (`source`, `address`, `note`) has up to {MAX_FREE_TEXT}
characters.

**Numbers.** Plain decimals with a point, such as `1200`, `0.29` or `8e-05`: no separators, signs
of money, percent signs or units. Every number is finite, and 0 or from {MIN_NUMBER:g} to
{MAX_NUMBER:g} in size. The unit is in the tables above, and mostly in the name of the column. An
empty cell is a number that is not given; where a column is required, every cell must be filled.

**Times.** A date, a time and a zone, such as `2026-05-04T00:00:00Z` or
`2026-05-04T02:00+02:00`: in whole seconds, in the years {FIRST_YEAR} to {LAST_YEAR}.

**CSV.** UTF-8, commas, a header, a row per line, every row with as many fields as the header.
Text with a comma, a quote or a line break stands in double quotes, and a quote inside it is
doubled.

**Parquet.** The same columns. Ids and labels are columns of text, numbers are of any integer
or float type, times are text or times with a zone, null is an empty cell. In wide tables the
period columns are named by text, too.

**npy.** For wide tables only: a C-ordered matrix of `<f8` or `<f4`, rows in the order of the
table that names them, a column per period, no cell empty. A `<f8` file is mapped into memory
instead of loaded.

**Columns of your own.** Columns whose name begins with `{FREE_PREFIX}` are yours and are not
read. Any other unknown column is an error that names the nearest known one.
"""


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a Markdown table."""
    return "".join(f"{line}\n" for line in _lines(head, rows))


def _lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


if __name__ == "__main__":
    sys.stdout.write(format_page())

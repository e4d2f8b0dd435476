"""The formats of traces, and which of them a file is in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from optimizer.errors import InputError, Problem, UsageError
from optimizer.instance.places import nearest, quoted
from optimizer.serving.traces.blocks import first_line
from optimizer.serving.traces.formats import (
    azure,
    burstgpt,
    columns,
    hourly_counts,
    mooncake,
    servegen,
)
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.source import Source
from optimizer.serving.traces.text_columns import header_fields


@dataclass(frozen=True)
class Format:
    """A way to write a trace down.

    Attributes
    ----------
    name : of the option ``--format``.
    recognises : whether a first line is that of the format.
    read : the rows of a file.
    single : rows are single requests, whose lengths and times can be told apart.
    unit : unit of its times; empty: as the file shows.
    """

    name: str
    recognises: Callable[[str], bool]
    read: Callable[[Source], Iterator[Requests]]
    single: bool = True
    unit: str = ""


def _header(test: Callable[[list[str]], bool]) -> Callable[[str], bool]:
    return lambda line: test(header_fields(line))


FORMATS: tuple[Format, ...] = (
    Format("azure", _header(azure.recognises), azure.read, unit="iso"),
    Format("mooncake", mooncake.recognises_line, mooncake.read, unit="ms"),
    Format("servegen", _header(servegen.recognises), servegen.read, single=False, unit="h"),
    Format("burstgpt", _header(burstgpt.recognises), burstgpt.read, unit="s"),
    Format("hourly", _header(hourly_counts.recognises), hourly_counts.read, single=False, unit="h"),
    Format("csv", lambda line: False, columns.read),
)
"""In the order in which they are tried; ``csv`` only when its columns are given."""

NAMES = tuple(format_.name for format_ in FORMATS)


def format_of(path: Path, name: str, *, has_columns: bool) -> Format:
    """Format of a file.

    Parameters
    ----------
    name : the one that was asked for, empty to recognise it.
    has_columns : the user names the columns, which means ``csv``.

    Raises
    ------
    UsageError
        When no format has the name.
    InputError
        When the first line is that of none, or not of the one that was asked for.
    """
    by_name = {format_.name: format_ for format_ in FORMATS}
    if name and name not in by_name:
        known = ", ".join(NAMES)
        raise UsageError(f"format: expected one of {known}, got {quoted(name)}")
    if name == "csv" or (has_columns and not name):
        return by_name["csv"]
    line = first_line(path)
    if name == "burstgpt" and by_name["hourly"].recognises(line):
        return by_name["hourly"]
    if name:
        return by_name[name]  # which says itself what is missing in the header
    for format_ in FORMATS:
        if format_.recognises(line):
            return format_
    raise InputError(
        Problem(
            f"{path.name}, line 1",
            f"the first line of a known format ({', '.join(NAMES[:-1])})",
            quoted(line),
            fix=nearest(line, [",".join(azure.HEADER), ",".join(burstgpt.HEADER)])
            or "name the columns: --columns time=...,input=...,output=...",
        )
    )

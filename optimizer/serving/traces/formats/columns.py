"""Any CSV with a line per request, whose user names the columns."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.serving.traces.csv_requests import Layout, csv_requests
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.source import Source


def read(source: Source) -> Iterator[Requests]:
    """Give the requests of a file."""
    columns = dict(source.settings.columns)
    layout = Layout(
        time=columns.pop("time"),
        input=columns.pop("input"),
        output=columns.pop("output"),
        cached=columns.pop("cached", ""),
        labels=columns,
    )
    return csv_requests(source, layout)

"""Traces with a line per request in CSV: which column holds what differs, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.instance.places import quoted
from optimizer.serving.traces.checks import Check, sound_rows
from optimizer.serving.traces.numbers import MAX_TOKENS, TOKENS, whole_numbers
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.source import Source
from optimizer.serving.traces.text_columns import TextColumns


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Layout:
    """Columns of a trace, by their names in its header.

    Attributes
    ----------
    time, input, output, cached : when, and how many tokens; no ``cached``: none.
    labels : column of each of workload, model, traffic_class and region that it has.
    word : how a label's text is turned into the word of the tables.
    """

    time: str
    input: str
    output: str
    cached: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    word: Callable[[str], str] = _as_it_is


def csv_requests(source: Source, layout: Layout) -> Iterator[Requests]:
    """Read a trace, a block at a time."""
    needed = [layout.time, layout.input, layout.output, *layout.labels.values()]
    header = source.header(*needed, *([layout.cached] if layout.cached else []))
    for text in source.text(header):
        found = _requests(source, layout, text)
        if len(found.time_ns) > 0:
            yield found


def _requests(source: Source, layout: Layout, text: TextColumns) -> Requests:
    time_ns, timed = source.clock.times(text.cells[layout.time])
    late, latest = source.order.late(time_ns, timed)
    inputs, has_input = whole_numbers(text.cells[layout.input], MAX_TOKENS)
    outputs, has_output = whole_numbers(text.cells[layout.output], MAX_TOKENS)
    kind, labelled = _kinds(source, layout, text)
    checks = [
        Check(timed, layout.time, source.clock.expected()),
        Check(~late, layout.time, lambda row: _not_before(source, int(latest[row]))),
        Check(has_input, layout.input, TOKENS, "tokens"),
        Check(has_output, layout.output, TOKENS, "tokens"),
        *labelled,
    ]
    cached = np.zeros(len(time_ns))
    if layout.cached:
        cached, has_cached = whole_numbers(text.cells[layout.cached], MAX_TOKENS)
        checks.append(Check(has_cached, layout.cached, TOKENS, "tokens"))
        within = cached <= inputs
        checks.append(
            Check(within, layout.cached, f"at most the tokens in {quoted(layout.input)}", "tokens")
        )
    good = sound_rows(text, checks, source.bad)
    return Requests(
        time_ns=time_ns[good],
        kind=kind[good],
        count=np.ones(int(good.sum())),
        input_tokens=inputs[good],
        output_tokens=outputs[good],
        cached_tokens=cached[good],
    )


def _not_before(source: Source, latest_ns: int) -> str:
    moment = np.datetime64(latest_ns, "ns").astype("datetime64[s]")
    within = f"{source.settings.late_seconds:g} s"
    return f"a time no more than {within} before the latest one so far, {moment} UTC"


def _kinds(
    source: Source, layout: Layout, text: TextColumns
) -> tuple[NDArray[np.int32], list[Check]]:
    """Kind of each row, and what is to be said of labels that cannot be names."""
    if not layout.labels:
        code, _ = source.kind()
        return np.full(len(text.line), code, np.int32), []
    columns = list(dict.fromkeys(layout.labels.values()))
    cells = text.cells.select(columns)
    distinct = cells.unique(maintain_order=True)
    codes, faults = [], []
    for row in distinct.iter_rows(named=True):
        code, fault = _kind(source, layout, row)
        codes.append(code)
        faults.append(fault)
    coded = distinct.with_columns(
        pl.Series("code of the kind", codes, pl.Int32), pl.Series("place", range(len(codes)))
    )
    joined = cells.join(coded, on=columns, how="left", nulls_equal=True, maintain_order="left")
    kind = joined["code of the kind"].to_numpy()
    place = joined["place"].to_numpy()
    where = columns[0]
    return kind, [Check(kind >= 0, where, lambda row: faults[int(place[row])])]


def _kind(source: Source, layout: Layout, row: Mapping[str, str | None]) -> tuple[int, str]:
    words = {
        name: layout.word(row[column] or "") if row[column] else ""
        for name, column in layout.labels.items()
    }
    if any(not word for word in words.values()):
        return -1, "names in all columns of labels"
    name = words.pop("workload", "")
    # A name of the trace's own tells workloads apart; without one the other labels must.
    labels = () if name else tuple(words.values())
    return source.kind(*labels, name=name, **words)

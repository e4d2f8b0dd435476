"""Request traces -> workloads and demand: read, add up, name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, InternalError, Problem, UsageError
from optimizer.progress import Progress, Silent
from optimizer.serving.traces.bad_lines import BadLines
from optimizer.serving.traces.blocks import TraceFile
from optimizer.serving.traces.buckets import Buckets
from optimizer.serving.traces.clock import Clock
from optimizer.serving.traces.imported import TOKENS_PER_MTOK, Imported
from optimizer.serving.traces.lengths import without_lengths
from optimizer.serving.traces.order import Order
from optimizer.serving.traces.registry import Format, format_of
from optimizer.serving.traces.repetition import repetition
from optimizer.serving.traces.requests import Kind, Kinds
from optimizer.serving.traces.settings import (
    INPUT_EDGES,
    NANOSECONDS,
    OUTPUT_EDGES,
    TraceSettings,
)
from optimizer.serving.traces.source import Source
from optimizer.serving.traces.tally import Sums, Tally
from optimizer.serving.traces.workload_table import workload_table

__all__ = ["read_traces"]

Float = NDArray[np.float64]
Paths = Sequence[str | os.PathLike[str]]


def read_traces(
    traces: Paths, settings: TraceSettings | None = None, progress: Progress | None = None
) -> Imported:
    """Read request traces and add them up by workload and period.

    Files are read in blocks: memory grows with workloads and time, not with requests.

    Parameters
    ----------
    traces : the files; all of single requests, or all of counts.
    settings : what the traces do not say themselves.

    Raises
    ------
    InputError
        When too many lines are bad, or nothing is left of the files.
    OutputError
        When a file cannot be read.
    UsageError
        When the settings do not fit the files.
    """
    settings = settings or TraceSettings()
    progress = progress or Silent()
    paths = [Path(trace) for trace in traces]
    if not paths:
        raise UsageError("expected at least one trace, got none")
    formats = [
        format_of(path, settings.format, has_columns=bool(settings.columns)) for path in paths
    ]
    tally, buckets = _tally(settings, formats)
    bad, kinds = BadLines(), Kinds()
    notes: list[str] = []
    clocks = []
    for place, (path, format_) in enumerate(zip(paths, formats, strict=True)):
        with TraceFile(path) as opened:
            source = Source(
                opened=opened,
                said=_said(settings, place, len(paths)),
                settings=settings,
                progress=progress,
                bad=bad,
                kinds=kinds,
                notes=notes,
                clock=_clock(settings, format_),
                order=Order(settings.late_seconds),
            )
            size = max(1, os.fstat(opened.raw.fileno()).st_size >> 20)
            progress.stage(f"reading {source.file}, in MiB", size)
            _read(source, format_, tally, settings)
        clocks.append(source.clock)
    bad.refuse(paths[0].name if len(paths) == 1 else f"{len(paths)} traces", settings.max_bad_share)
    sums = tally.sums()
    if sums is None:
        raise InputError(
            Problem(", ".join(path.name for path in paths[:3]), "at least one request", "none")
        )
    return _imported(settings, paths, formats, sums, kinds, buckets, bad, clocks, notes)


def _read(source: Source, format_: Format, tally: Tally, settings: TraceSettings) -> None:
    """Add one file up."""
    origin = None
    if settings.start is not None:
        origin = round(settings.start.timestamp() * 1e6) * 1000
    for rows in format_.read(source):
        tally.add(rows, origin)
    if source.order.mixed:
        source.notes.append(
            f"{source.file}: {source.order.mixed:,} lines lie before an earlier one in time, "
            f"by at most {settings.late_seconds:g} s; they were used"
        )


def _clock(settings: TraceSettings, format_: Format) -> Clock:
    """Clock of a format; a start is refused where the trace has dates of its own."""
    unit = settings.time_unit or format_.unit
    if unit == "iso" and settings.start is not None:
        raise UsageError(f"start: traces of the format {format_.name} have dates of their own")
    return Clock(unit, settings.time_zone, settings.start)


def _tally(
    settings: TraceSettings, formats: Sequence[Format]
) -> tuple[Tally, tuple[Buckets, Buckets]]:
    """The tally and the length buckets that fit the formats."""
    single = formats[0].single
    if any(format_.single != single for format_ in formats):
        raise UsageError("traces of single requests and of counts cannot be read together")
    if not single and settings.period_ns % NANOSECONDS["h"] != 0:
        raise UsageError(
            f"period_hours: counts by hour need whole hours, got {settings.period_hours:g}"
        )
    chosen = (settings.input_edges, settings.output_edges)
    if not single and any(chosen):
        raise UsageError("length buckets: need traces of single requests, these are counts by hour")
    edges = [
        (own if single else ()) if asked is None else asked
        for asked, own in zip(chosen, (INPUT_EDGES, OUTPUT_EDGES), strict=True)
    ]
    inputs, outputs = Buckets("in", edges[0]), Buckets("out", edges[1])
    spans = settings.spans if single else 0
    return Tally(inputs, outputs, settings.period_ns, spans), (inputs, outputs)


def _said(settings: TraceSettings, place: int, files: int) -> Kind:
    """What the user says of one of the files."""
    words = {}
    for field, values in (
        ("name", settings.names),
        ("model", settings.models),
        ("traffic_class", settings.traffic_classes),
        ("region", settings.regions),
    ):
        if len(values) not in (0, 1, files):
            raise UsageError(f"{field}: expected one, or one for each of {files} files")
        if values:
            words[field] = values[place if len(values) > 1 else 0]
    return Kind(**words)


def _imported(
    settings: TraceSettings,
    paths: Sequence[Path],
    formats: Sequence[Format],
    sums: Sums,
    kinds: Kinds,
    buckets: tuple[Buckets, Buckets],
    bad: BadLines,
    clocks: Sequence[Clock],
    notes: list[str],
) -> Imported:
    """Workloads and demand of what was added up."""
    inputs, outputs = buckets
    kind_of = sums.group // (inputs.count * outputs.count)
    known = [kinds.all()[place] for place in kind_of.tolist()]
    lengths = without_lengths(sums, [kind.model for kind in known], settings.without_lengths)
    notes += lengths.notes
    kept = lengths.kept
    if len(kept) == 0:
        raise InputError(Problem(paths[0].name, "requests with tokens", "none"))
    names = [
        "-".join(
            part
            for part in (
                inputs.name(int(group) // outputs.count % inputs.count),
                outputs.name(int(group) % outputs.count),
            )
            if part
        )
        for group in sums.group[kept]
    ]
    notes += _notes(settings, formats, sums, bad, kept)
    repeated = repetition(settings, sums, single=formats[0].single)
    tables = (lengths.requests, lengths.input_tokens, lengths.output_tokens)
    requests, tokens_in, tokens_out = (table[kept] for table in tables)
    cached = sums.cached_tokens[kept]
    part = _part(cached, tokens_in.sum(axis=1))
    if repeated is not None:
        requests, tokens_in, tokens_out = map(repeated.filled, (requests, tokens_in, tokens_out))
        cached = part * tokens_in.sum(axis=1)
        told = settings.start is not None or not any(clock.relative for clock in clocks)
        notes += repeated.notes(dated=told)
    demand = (tokens_in + tokens_out) / TOKENS_PER_MTOK * settings.scale
    result = Imported(
        formats=tuple(format_.name for format_ in formats),
        start=_moment(sums.start_ns),
        period_hours=settings.period_ns / 3.6e12,
        first=_moment(sums.first_ns),
        last=_moment(sums.last_ns),
        clock="; ".join(dict.fromkeys(clock.basis for clock in clocks if clock.basis)),
        workloads=workload_table(
            settings,
            [known[row] for row in kept],
            names,
            input_tokens=lengths.mean_input,
            output_tokens=lengths.mean_output,
            input_cv=sums.input_cv[kept],
            output_cv=sums.output_cv[kept],
            cached_fraction=part,
            burstiness=sums.burstiness[kept],
            source=", ".join(path.name for path in paths[:3]),
        ),
        demand_mtok=demand,
        requests=requests,
        input_tokens=float(tokens_in.sum()),
        output_tokens=float(tokens_out.sum()),
        cached_tokens=float(cached.sum()),
        scale=settings.scale,
        copies=1.0 if repeated is None else repeated.copies,
        lines=bad.lines,
        bad_lines=bad.bad,
        problems=tuple(bad.problems),
        notes=tuple(notes),
    )
    _check_conserved(result)
    return result


def _notes(
    settings: TraceSettings,
    formats: Sequence[Format],
    sums: Sums,
    bad: BadLines,
    kept: NDArray[np.int64],
) -> list[str]:
    """What was left out or could not be told."""
    notes = []
    if bad.bad:
        notes.append(f"{bad.bad:,} bad lines of {bad.lines:,} were left out")
    if not all(format_.single for format_ in formats):
        notes.append(
            "hourly counts tell neither the spread of lengths nor burstiness: both are left at 1"
        )
    elif (unknown := int(np.isnan(sums.burstiness[kept]).sum())) > 0:
        notes.append(
            "too few requests or spans to tell the burstiness, which is left at 1: "
            f"{unknown} of {len(kept)} workloads"
        )
    begin = (sums.first_ns - sums.start_ns) / 1e9
    end = (sums.start_ns + sums.requests.shape[1] * settings.period_ns - sums.last_ns) / 1e9
    partial = max(begin, end) > settings.span_seconds and settings.spans > 1
    if partial and formats[0].single and settings.repeat_hours is None:
        notes.append(
            f"the trace begins {begin:,.0f} s into the first period and ends {end:,.0f} s before "
            "the end of the last one: these hold part of their demand only"
        )
    return notes


def _check_conserved(result: Imported) -> None:
    """The demand is the tokens that were counted, to the last rounding."""
    tokens = (result.input_tokens + result.output_tokens) * result.scale
    apart = abs(result.total_mtok * TOKENS_PER_MTOK - tokens)
    if apart > 1e-9 * max(tokens, 1.0):
        raise InternalError(f"demand differs from the tokens counted by {apart} tokens")


def _moment(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)


def _part(of: Float, whole: Float) -> Float:
    """Part of a whole; 0 of nothing."""
    return np.where(whole > 0, of / np.maximum(whole, 1e-300), 0.0)

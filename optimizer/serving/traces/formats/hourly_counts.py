"""Requests by hour, a column for each kind of traffic and no lengths.

Such tables are made of BurstGPT (``day,hour,conversation,api,all``) and of the Azure trace of 2024
(``day,hour,date,conversation``). Lengths come from the settings.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.errors import InputError, Problem, UsageError
from optimizer.serving.traces.checks import Check, sound_rows
from optimizer.serving.traces.numbers import COUNT, MAX_COUNT, MAX_TOKENS, whole_numbers
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.source import Source
from optimizer.serving.traces.text_columns import TextColumns

DAY, HOUR, ALL = "day", "hour", "all"
NO_COUNTS = (DAY, HOUR, ALL, "date")
"""Columns that are not a kind of traffic. Hours count from day 0, whatever the date."""


def recognises(fields: list[str]) -> bool:
    """Whether a header is that of this format."""
    return fields[:2] == [DAY, HOUR] and len(set(fields) - set(NO_COUNTS)) > 0


def read(source: Source) -> Iterator[Requests]:
    """Give the hours of a file, as a row per hour and kind of traffic.

    Raises
    ------
    UsageError
        When the settings give no lengths.
    """
    if source.settings.input_tokens is None or source.settings.output_tokens is None:
        raise UsageError(
            f"{source.file}: counts only; give the lengths of a request with "
            "--input-tokens and --output-tokens"
        )
    header = source.header(DAY, HOUR)
    classes = [name for name in header if name not in NO_COUNTS]
    codes = [source.kind(name, traffic_class=name) for name in classes]
    faulty = next((place for place, (code, _) in enumerate(codes) if code < 0), None)
    if faulty is not None:
        where = f"{source.file}, line 1"
        raise InputError(Problem(where, codes[faulty][1], repr(classes[faulty])))
    for text in source.text(header):
        yield _requests(source, text, classes, [code for code, _ in codes], ALL in header)


def _requests(
    source: Source, text: TextColumns, classes: list[str], codes: list[int], summed: bool
) -> Requests:
    day, has_day = whole_numbers(text.cells[DAY], MAX_TOKENS)
    hour, has_hour = whole_numbers(text.cells[HOUR], 23)
    dated = has_day & has_hour
    time_ns, timed = source.clock.counted(np.where(dated, 24 * day + hour, np.nan))
    checks = [
        Check(has_day & (timed | ~has_hour), DAY, "a whole number of days from the start"),
        Check(has_hour, HOUR, "a whole number from 0 to 23"),
    ]
    counts = []
    for name in classes:
        values, good = whole_numbers(text.cells[name], MAX_COUNT)
        counts.append(values)
        checks.append(Check(good, name, COUNT, "requests"))
    if summed:
        every, good = whole_numbers(text.cells[ALL], MAX_COUNT)
        total = np.sum(counts, axis=0)
        agrees = good & (every == total)
        checks.append(Check(agrees, ALL, lambda row: f"the sum {total[row]:.0f}", "requests"))
    good = sound_rows(text, checks, source.bad)
    rows, many = int(good.sum()), len(classes)
    settings = source.settings
    return Requests(
        time_ns=np.tile(time_ns[good], many),
        kind=np.repeat(np.array(codes, np.int32), rows),
        count=np.concatenate([values[good] for values in counts]),
        input_tokens=np.full(rows * many, settings.input_tokens, np.float64),
        output_tokens=np.full(rows * many, settings.output_tokens, np.float64),
        cached_tokens=np.zeros(rows * many),
    )

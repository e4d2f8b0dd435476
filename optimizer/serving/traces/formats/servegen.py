"""ServeGen by the hour: requests and mean lengths of each client of each model.

Y. Xiang et al., "ServeGen: Workload characterization and generation of large language model
serving in production", 2025, arXiv:2505.09999; https://github.com/alibaba/ServeGen. A client
without a distribution of lengths has no means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.serving.traces.checks import Check, sound_rows
from optimizer.serving.traces.numbers import (
    COUNT,
    MAX_COUNT,
    MAX_TOKENS,
    MEAN_TOKENS,
    numbers,
    whole_numbers,
)
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.source import Source
from optimizer.serving.traces.text_columns import TextColumns

MODEL, CLIENT, HOUR, REQUESTS = "model", "client", "hour", "requests"
LENGTHS = ("mean_input_tokens", "mean_output_tokens")
HEADER = (MODEL, CLIENT, HOUR, REQUESTS, *LENGTHS)


def recognises(fields: list[str]) -> bool:
    """Whether a header is that of this format."""
    return set(HEADER) <= set(fields)


def read(source: Source) -> Iterator[Requests]:
    """Give the hours of a file; lengths that are not given are NaN."""
    header = source.header(*HEADER)
    for text in source.text(header):
        found = _requests(source, text)
        if len(found.time_ns) > 0:
            yield found


def _requests(source: Source, text: TextColumns) -> Requests:
    hour, has_hour = whole_numbers(text.cells[HOUR], MAX_TOKENS)
    time_ns, timed = source.clock.counted(np.where(has_hour, hour, np.nan))
    count, counted = whole_numbers(text.cells[REQUESTS], MAX_COUNT)
    kind, faults = _clients(source, text.cells)
    checks = [
        Check(kind >= 0, MODEL, lambda row: faults[row]),
        Check(has_hour & timed, HOUR, "a whole number of hours from the start"),
        Check(counted, REQUESTS, COUNT, "requests"),
    ]
    lengths = []
    empty = [text.cells[name].is_null().to_numpy() for name in LENGTHS]
    for name, missing, other in zip(LENGTHS, empty, empty[::-1], strict=True):
        values, given = numbers(text.cells[name], MAX_TOKENS)
        checks.append(Check(given | missing, name, MEAN_TOKENS, "tokens"))
        checks.append(Check(~missing | other, name, "both lengths or none", "tokens"))
        lengths.append(np.where(missing, np.nan, values))
    good = sound_rows(text, checks, source.bad)
    return Requests(
        time_ns=time_ns[good],
        kind=kind[good],
        count=count[good],
        input_tokens=lengths[0][good],
        output_tokens=lengths[1][good],
        cached_tokens=np.zeros(int(good.sum())),
    )


def _clients(source: Source, cells: pl.DataFrame) -> tuple[NDArray[np.int32], Mapping[int, str]]:
    """Kind of each row, one per model and client, and what was expected of the bad ones."""
    pairs = cells.select(pl.struct(MODEL, CLIENT).rle_id().alias("run"), MODEL, CLIENT)
    first = pairs.unique("run", keep="first", maintain_order=True)
    codes, words = [], []
    for _, model, client in first.iter_rows():
        code, fault = source.kind(model or "", client or "", model=model or "")
        codes.append(code)
        words.append(fault)
    run = pairs["run"].to_numpy().astype(np.int64)
    kind = np.array(codes, np.int32)[run]
    return kind, {row: words[run[row]] for row in np.flatnonzero(kind < 0).tolist()}

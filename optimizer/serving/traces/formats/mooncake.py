"""Mooncake traces: JSON lines with the hashes of the prompt's blocks.

R. Qin et al., "Mooncake: Trading more storage for less computation", FAST 2025;
https://github.com/kvcache-ai/Mooncake. ``timestamp`` is in milliseconds. Each of ``hash_ids``
stands for a block of 512 tokens and all blocks before it: equal hashes mean equal prefixes.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.places import quoted
from optimizer.serving.traces.numbers import MAX_TOKENS, TOKENS
from optimizer.serving.traces.prefix_cache import PrefixCache, key_of
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.source import Source

BLOCK_TOKENS = 512
TIME, INPUT, OUTPUT, HASHES = "timestamp", "input_length", "output_length", "hash_ids"


def recognises_line(line: str) -> bool:
    """Whether a first line is that of this format."""
    return line.startswith("{") and f'"{INPUT}"' in line and f'"{OUTPUT}"' in line


def read(source: Source) -> Iterator[Requests]:
    """Give the requests of a file."""
    cache = PrefixCache(source.settings.cached_blocks, BLOCK_TOKENS)
    code, _ = source.kind()
    for block in source.blocks():
        data = block.data.rstrip(b"\r\n \t")
        if not data:
            continue
        lines = data.count(b"\n") + 1
        source.bad.saw(lines)
        rows = _sound_block(data, lines) or _by_line(source, data, block.first_line)
        found = _requests(source, rows, block.first_line, cache, code)
        if len(found.time_ns) > 0:
            yield found


@dataclass(frozen=True, eq=False)
class Rows:
    """Lines of a block that hold a request.

    Attributes
    ----------
    line : (n,) place of the line in the block.
    time_ms, input_tokens, output_tokens : (n,).
    counts : (n,) hashes of each; ``keys``: (sum of counts,) all of them.
    """

    line: NDArray[np.int64]
    time_ms: NDArray[np.float64]
    input_tokens: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    counts: NDArray[np.int64]
    keys: NDArray[np.int64]


def _sound_block(data: bytes, lines: int) -> Rows | None:
    """All lines of a block at once; None when any of them takes a closer look."""
    schema: dict[str, Any] = {
        TIME: pl.Float64,
        INPUT: pl.Float64,
        OUTPUT: pl.Float64,
        HASHES: pl.List(pl.Int64),
    }
    try:
        frame = pl.read_ndjson(io.BytesIO(data), schema=schema)
    except pl.exceptions.PolarsError:
        return None
    if frame.height != lines or any(frame.null_count().row(0)):
        return None
    time, tokens_in, tokens_out = (frame[name].to_numpy() for name in (TIME, INPUT, OUTPUT))
    sound = (time >= 0).all()
    for tokens in (tokens_in, tokens_out):
        sound &= bool(((tokens >= 0) & (tokens <= MAX_TOKENS) & (tokens % 1 == 0)).all())
    keys = frame[HASHES].explode(empty_as_null=False)
    if not sound or keys.null_count():
        return None
    counts = frame[HASHES].list.len().to_numpy().astype(np.int64)
    return Rows(np.arange(lines), time, tokens_in, tokens_out, counts, keys.to_numpy())


def _by_line(source: Source, data: bytes, first_line: int) -> Rows:
    """The lines of a block one by one; the bad ones are counted."""
    places: list[int] = []
    rows: list[tuple[float, float, float]] = []
    hashes: list[list[Any]] = []
    for place, line in enumerate(data.split(b"\n")):
        found = _request(line, f"{source.file}, line {first_line + place}")
        if isinstance(found, Problem):
            source.bad.add(found)
        else:
            places.append(place)
            rows.append(found[:3])
            hashes.append(found[3])
    time, tokens_in, tokens_out = np.array(rows, np.float64).reshape(len(rows), 3).T
    counts = np.array([len(keys) for keys in hashes], np.int64)
    keys = np.array([key_of(key) for keys in hashes for key in keys], np.int64)
    return Rows(np.array(places, np.int64), time, tokens_in, tokens_out, counts, keys)


def _requests(
    source: Source, rows: Rows, first_line: int, cache: PrefixCache, code: int
) -> Requests:
    """Requests whose time is in order, and what the cache answers of them."""
    time_ns, timed = source.clock.counted(rows.time_ms)
    late, latest = source.order.late(time_ns, timed)
    good = timed & ~late

    def problem(row: int) -> Problem:
        where = f"{source.file}, line {first_line + rows.line[row]}, {TIME}"
        got = f"{rows.time_ms[row]:g}"
        if not timed[row]:
            return Problem(where, source.clock.expected(), got, "ms")
        least = (int(latest[row]) - int(time_ns[row])) / 1e6 + rows.time_ms[row]
        within = f"{source.settings.late_seconds:g} s before the latest one so far, {least:g}"
        return Problem(where, f"a time no more than {within}", got, "ms")

    source.bad.add_rows(~good, problem)
    input_tokens = rows.input_tokens[good]
    keys = rows.keys[np.repeat(good, rows.counts)]
    return Requests(
        time_ns=time_ns[good],
        kind=np.full(int(good.sum()), code, np.int32),
        count=np.ones(int(good.sum())),
        input_tokens=input_tokens,
        output_tokens=rows.output_tokens[good],
        cached_tokens=cache.ask(rows.counts[good], keys, input_tokens),
    )


def _request(line: bytes, where: str) -> tuple[float, float, float, list[Any]] | Problem:
    """Time, input, output and hashes of a line, or what is wrong with it."""
    if not line.strip():
        return Problem(where, "a JSON object", "a blank line")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        text = line[:100].decode(errors="replace").strip()
        return Problem(where, "a JSON object", quoted(text))
    if not isinstance(found, dict):
        return Problem(where, "a JSON object", quoted(json.dumps(found)))
    time, tokens_in, tokens_out = (_number(found.get(name)) for name in (TIME, INPUT, OUTPUT))
    if not time >= 0:  # also when it is not a number
        return Problem(f"{where}, {TIME}", "a finite number >= 0", _got(found.get(TIME)), "ms")
    for name, value in ((INPUT, tokens_in), (OUTPUT, tokens_out)):
        if not (0 <= value <= MAX_TOKENS and value == int(value)):
            return Problem(f"{where}, {name}", TOKENS, _got(found.get(name)), "tokens")
    hashes = found.get(HASHES, [])
    if not isinstance(hashes, list) or not all(_is_hash(key) for key in hashes):
        return Problem(f"{where}, {HASHES}", "a list of hashes", _got(hashes))
    return time, tokens_in, tokens_out, hashes


def _number(value: object) -> float:
    """The number that a JSON value is; NaN when it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else math.nan
    return math.nan


def _is_hash(key: object) -> bool:
    return isinstance(key, (int, str)) and not isinstance(key, bool)


def _got(value: object) -> str:
    return "nothing" if value is None else quoted(json.dumps(value))

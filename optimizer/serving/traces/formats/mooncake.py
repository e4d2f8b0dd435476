"""Mooncake traces: JSON lines with the hashes of the prompt's blocks.

R. Qin et al., "Mooncake: Trading more storage for less computation", FAST 2025;
https://github.com/kvcache-ai/Mooncake. ``timestamp`` is in milliseconds. Each of ``hash_ids``
stands for a block of 512 tokens and all blocks before it: equal hashes mean equal prefixes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from optimizer.errors import Problem
from optimizer.instance.places import quoted
from optimizer.serving.traces.blocks import Block
from optimizer.serving.traces.numbers import MAX_TOKENS, TOKENS
from optimizer.serving.traces.prefix_cache import PrefixCache
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
        found = _requests(source, block, cache, code)
        if len(found.time_ns) > 0:
            yield found


def _requests(source: Source, block: Block, cache: PrefixCache, code: int) -> Requests:
    data = block.data.rstrip(b"\r\n \t")
    lines = data.split(b"\n") if data else []
    source.bad.saw(len(lines))
    numbers: list[int] = []
    rows: list[tuple[float, float, float]] = []
    hashes: list[list[Any]] = []
    for number, line in enumerate(lines, block.first_line):
        found = _request(line, f"{source.file}, line {number}")
        if isinstance(found, Problem):
            source.bad.add(found)
        else:
            numbers.append(number)
            rows.append(found[:3])
            hashes.append(found[3])
    values = np.array(rows, np.float64).reshape(len(rows), 3)
    time_ns, timed = source.clock.counted(values[:, 0])
    late, latest = source.order.late(time_ns, timed)
    good = timed & ~late
    cached = np.array(
        [cache.ask(blocks, values[row, 1]) if good[row] else 0 for row, blocks in enumerate(hashes)]
    )

    def problem(row: int) -> Problem:
        where = f"{source.file}, line {numbers[row]}, {TIME}"
        got = f"{values[row, 0]:g}"
        if not timed[row]:
            return Problem(where, source.clock.expected(), got, "ms")
        least = (int(latest[row]) - int(time_ns[row])) / 1e6 + values[row, 0]
        within = f"{source.settings.late_seconds:g} s before the latest one so far, {least:g}"
        return Problem(where, f"a time no more than {within}", got, "ms")

    source.bad.add_rows(~good, problem)
    return Requests(
        time_ns=time_ns[good],
        kind=np.full(int(good.sum()), code, np.int32),
        count=np.ones(int(good.sum())),
        input_tokens=values[good, 1],
        output_tokens=values[good, 2],
        cached_tokens=cached[good].astype(np.float64),
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
    if not isinstance(hashes, list) or not all(isinstance(key, (int, str)) for key in hashes):
        return Problem(f"{where}, {HASHES}", "a list of hashes", _got(hashes))
    return time, tokens_in, tokens_out, hashes


def _number(value: object) -> float:
    """The number that a JSON value is; NaN when it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else math.nan
    return math.nan


def _got(value: object) -> str:
    return "nothing" if value is None else quoted(json.dumps(value))

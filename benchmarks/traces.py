"""Time and memory of reading traces: ``python -m benchmarks.traces [REQUESTS ...]``.

Writes a trace of each format and length, imports it in a process of its own, and prints requests
per second and the peak of memory. What was read is compared with what was written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REQUESTS = (100_000, 1_000_000, 10_000_000)
PART = 100_000
WEEK_SECONDS = 7 * 86_400
HASHES = 24
"""Blocks of 512 tokens per prompt of the Mooncake trace; the published ones have 24 on average."""

READ = """
import json, resource, sys, time
from optimizer.serving.traces.importing import read_traces
begin, used = time.perf_counter(), time.process_time()
found = read_traces(sys.argv[1:])
print(json.dumps({
    "seconds": time.perf_counter() - begin,
    "cpu_seconds": time.process_time() - used,
    "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "requests": found.requests.sum(),
    "tokens": found.input_tokens + found.output_tokens,
}))
"""

Int = NDArray[np.int64]
Lines = Callable[[Int, Int, Int], Iterator[str]]


def azure(microseconds: Int, tokens_in: Int, tokens_out: Int) -> Iterator[str]:
    """Lines as those of the Azure trace."""
    times = (np.datetime64("2026-05-04T00:00:00") + microseconds.astype("timedelta64[us]")).astype(
        str
    )
    for time, a, b in zip(times, tokens_in, tokens_out, strict=True):
        yield f"{time.replace('T', ' ')}0,{a},{b}\n"


def burstgpt(microseconds: Int, tokens_in: Int, tokens_out: Int) -> Iterator[str]:
    """Lines as those of BurstGPT, of two models and two logs."""
    for k, (time, a, b) in enumerate(
        zip(microseconds // 10**6, tokens_in, tokens_out, strict=True)
    ):
        model, log = ("ChatGPT", "GPT-4")[k % 2], ("Conversation log", "API log")[k % 3 % 2]
        yield f"{time},{model},{a},{b},{a + b},{log}\n"


def mooncake(microseconds: Int, tokens_in: Int, tokens_out: Int) -> Iterator[str]:
    """Lines as those of Mooncake; half of a prompt's blocks were seen before."""
    for time, a, b in zip(microseconds // 1000, tokens_in, tokens_out, strict=True):
        fresh = int(time) * HASHES
        hashes = [*range(HASHES // 2), *range(fresh, fresh + HASHES // 2)]
        row = {"timestamp": int(time), "input_length": int(a), "output_length": int(b)}
        yield json.dumps({**row, "hash_ids": hashes}) + "\n"


FORMATS: dict[str, tuple[str, Lines]] = {
    "azure": ("TIMESTAMP,ContextTokens,GeneratedTokens\n", azure),
    "burstgpt": (
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n",
        burstgpt,
    ),
    "mooncake": ("", mooncake),
}


def write(path: Path, header: str, lines: Lines, requests: int) -> int:
    """Write a week of requests; gives the tokens in them."""
    rng = np.random.default_rng(0)
    tokens = 0
    with path.open("w") as file:
        file.write(header)
        for begin in range(0, requests, PART):
            rows = np.arange(begin, min(begin + PART, requests))
            tokens_in, tokens_out = (
                rng.integers(1, 8000, len(rows)),
                rng.integers(1, 900, len(rows)),
            )
            file.writelines(lines(rows * (WEEK_SECONDS * 10**6 // requests), tokens_in, tokens_out))
            tokens += int(tokens_in.sum() + tokens_out.sum())
    return tokens


def main(sizes: tuple[int, ...]) -> None:
    """Print a line per format and length."""
    print(
        f"{'format':<9} {'requests':>11} {'MB':>7} {'s':>7} {'CPU s':>7} {'requests/s':>11} "
        f"{'peak MiB':>9}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, (header, lines) in FORMATS.items():
            for requests in sizes:
                path = Path(folder) / f"{name}.txt"
                tokens = write(path, header, lines, requests)
                command = [sys.executable, "-c", READ, str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found = json.loads(done.stdout)
                if (found["requests"], found["tokens"]) != (requests, tokens):
                    sys.exit(f"{name}: {found} is not what was written, {requests}, {tokens}")
                print(
                    f"{name:<9} {requests:>11,} {path.stat().st_size / 1e6:>7,.0f} "
                    f"{found['seconds']:>7.2f} {found['cpu_seconds']:>7.2f} "
                    f"{requests / found['seconds']:>11,.0f} {found['mib']:>9,.0f}",
                    flush=True,
                )
                path.unlink()


if __name__ == "__main__":
    main(tuple(int(word) for word in sys.argv[1:]) or REQUESTS)

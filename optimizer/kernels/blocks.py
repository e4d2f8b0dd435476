"""Blocks of rows that threads share: kernels release the GIL.

What is as long as a plan is gone through a block at a time, so that memory does not grow with the
number of workloads. The blocks depend on the size of the problem and not on the number of threads,
and answers come in order, so that the same problem gives the same numbers to the last digit.
"""

from __future__ import annotations

import contextvars
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")

BLOCK_CELLS = 1 << 19
"""Cells of a block: four MiB of float64, which the caches of most machines hold."""


def usable_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def row_blocks(rows: int, columns: int, cells: int = BLOCK_CELLS) -> list[tuple[int, int]]:
    """Begin and end of each block of rows of a matrix, at most so many cells in each."""
    step = max(1, cells // max(columns, 1))
    return [(begin, min(begin + step, rows)) for begin in range(0, rows, step)]


def over_blocks(
    work: Callable[[int, int], Answer], blocks: list[tuple[int, int]]
) -> Iterator[Answer]:
    """Answer of each block, in the order of the blocks.

    Threads are only a block or two ahead of whoever takes the answers, so that few of these are
    in memory at a time. Settings of numpy about warnings hold in the threads as well.
    """
    threads = min(usable_cpus(), len(blocks))
    if threads <= 1:
        for block in blocks:
            yield work(*block)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Answer]] = deque()
        try:
            for block in blocks:
                context = contextvars.copy_context()
                waiting.append(pool.submit(lambda c, b: c.run(work, *b), context, block))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

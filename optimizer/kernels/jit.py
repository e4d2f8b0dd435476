"""The one decorator for all kernels, and what to do when their cache is damaged.

Kernels take arrays and scalars and give arrays; they know nothing of the rest of the
package. ``fastmath`` stays off: with it ``isnan`` answers False. Compiled code is kept
on disk so that only the first run on a machine pays for compiling; a cache file that is
cut short or overwritten makes numba fail at every call (numba/numba#10434), so a failing
load is answered by compiling in memory.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ParamSpec, TypeVar, cast

import numba

Params = ParamSpec("Params")
Answer = TypeVar("Answer")

_DAMAGED = (EOFError, UnpicklingError, UnicodeDecodeError, ImportError, OSError, KeyError)


def kernel(function: Callable[Params, Answer]) -> Callable[Params, Answer]:
    """Compile a function at its first call; safe against a damaged cache.

    The compiled function releases the GIL. Set ``NUMBA_DISABLE_JIT=1`` to run it as
    plain Python, and ``OPTIMIZER_NO_KERNEL_CACHE=1`` to keep nothing on disk.
    """
    if numba.config.DISABLE_JIT:
        return function
    compiled = _compile(function, cache=not os.environ.get("OPTIMIZER_NO_KERNEL_CACHE"))
    fallback: list[Callable[Params, Answer]] = []

    @functools.wraps(function)
    def call(*args: Params.args, **kwargs: Params.kwargs) -> Answer:
        if fallback:
            return fallback[0](*args, **kwargs)
        try:
            return compiled(*args, **kwargs)
        except _DAMAGED:
            fallback.append(_compile(function, cache=False))
            return fallback[0](*args, **kwargs)

    return call


def inner(function: Callable[Params, Answer]) -> Callable[Params, Answer]:
    """A part of kernels, compiled into them."""
    if numba.config.DISABLE_JIT:
        return function
    made = numba.njit(nogil=True, error_model="numpy")(function)
    return cast("Callable[Params, Answer]", made)


def inlined(function: Callable[Params, Answer]) -> Callable[Params, Answer]:
    """A part of loops over lanes: a call that stays one would keep them from becoming SIMD."""
    if numba.config.DISABLE_JIT:
        return function
    made = numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)
    return cast("Callable[Params, Answer]", made)


def _compile(function: Callable[Params, Answer], *, cache: bool) -> Callable[Params, Answer]:
    try:
        made = numba.njit(cache=cache, nogil=True, error_model="numpy")(function)
        if cache:
            _stamped(made)
    except (RuntimeError, AttributeError):
        # "cannot cache function: no locator available" on read-only installs.
        made = numba.njit(nogil=True, error_model="numpy")(function)
    return cast("Callable[Params, Answer]", made)


def _stamped(made: Any) -> None:
    """Have compiled code thrown away when any file of the kernels changes.

    By itself numba looks at the kernel's own file alone, not at the parts it takes from others.
    """
    files = made._cache._cache_file  # noqa: SLF001
    files._source_stamp = (files._source_stamp, _sources())  # noqa: SLF001


@functools.cache
def _sources() -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of the files of all kernels."""
    folder = Path(__file__).parent
    found = ((path.name, path.stat()) for path in sorted(folder.glob("*.py")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)

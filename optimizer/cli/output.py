"""Standard output: data only, and an end of its own when the reader goes away."""

from __future__ import annotations

import sys


class PipeClosed(Exception):
    """Whoever read standard output has gone."""


def emit(text: str) -> None:
    """Write a line of data.

    Raises
    ------
    PipeClosed
        When nobody reads any more. Not BrokenPipeError, which click would turn into exit
        code 1, a fault of this program.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise PipeClosed from None

"""Times: seconds since 1970 in UTC in memory, ISO 8601 with a zone in files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.places import number_text, quoted
from optimizer.instance.tables import FIRST_YEAR, LAST_YEAR

_FIRST_SECOND = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()
_END = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()


def seconds_of(text: str) -> float | None:
    """Seconds since 1970 of a time with a zone; None when the text is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


def time_text(seconds: float) -> str:
    """Write a time in UTC.

    Raises
    ------
    ValueError, OverflowError, OSError
        When no calendar has it; a time without :func:`time_problems` never does.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def time_problems(seconds: NDArray[np.float64]) -> Iterator[tuple[int, str, str]]:
    """Times that are not in the years of a plan, or lie between two seconds.

    Whole seconds are exact in float64 and in text, so what is written is read back the same.

    Yields
    ------
    row, expected, got
    """
    given = ~np.isnan(seconds)
    known = (seconds >= _FIRST_SECOND) & (seconds < _END)
    for row in np.flatnonzero(given & ~known).tolist():
        yield row, f"a time in the years {FIRST_YEAR} to {LAST_YEAR}", _shown(seconds[row])
    for row in np.flatnonzero(known & (seconds != np.floor(seconds))).tolist():
        yield row, "a time in whole seconds", _shown(seconds[row])


def _shown(seconds: float) -> str:
    try:
        return quoted(time_text(float(seconds)))
    except (ValueError, OverflowError, OSError):
        return f"{number_text(seconds)} seconds since 1970"

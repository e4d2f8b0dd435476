"""Periods as ranges: 14-17, 40."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]

MOST_SHOWN = 6
"""Ranges that are told before the rest is only counted."""


def spans_of(periods: NDArray[np.bool_]) -> tuple[Span, ...]:
    """First and last period of each run of periods that are set, (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], periods.astype(np.int8), [0]))))
    return tuple((int(first), int(end) - 1) for first, end in edges.reshape(-1, 2))


def spans_text(spans: tuple[Span, ...]) -> str:
    """``period 40`` or ``periods 3, 14-17``."""
    told = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    rest = len(told) - MOST_SHOWN
    more = f" and {rest} more ranges" if rest > 1 else ""
    shown = told[:MOST_SHOWN] if rest > 1 else told
    one = len(spans) == 1 and spans[0][0] == spans[0][1]
    return f"period{'' if one else 's'} {', '.join(shown)}{more}"

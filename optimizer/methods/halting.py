"""When a search has to end: the user wants to stop, or a part of the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from optimizer.methods.base import Limits
from optimizer.solvers.workers import stop_requested


def halt_after(limits: Limits, begun: float, part: float) -> Callable[[], bool]:
    """Whether the user wants to stop, or this part of the time is over.

    Parameters
    ----------
    begun : when the search began, by the monotonic clock.
    """
    seconds = limits.seconds

    def halt() -> bool:
        late = seconds is not None and time.monotonic() - begun > part * seconds
        return late or stop_requested.is_set()

    return halt

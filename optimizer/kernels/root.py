"""The next place to look at for the root of a falling function."""

from __future__ import annotations

import math

from optimizer.kernels.jit import inner


@inner
def between(low, high, at_low, at_high, turn):  # type: ignore[no-untyped-def]
    """A place inside (low, high), where the function is > 0 and < 0.

    Regula falsi, and every third turn the middle: where the function jumps or is steep at one end
    the bracket still halves.
    """
    middle = 0.5 * (low + high)
    if turn % 3 == 2 or math.isinf(at_high) or math.isinf(at_low):
        return middle
    place = low + (high - low) * at_low / (at_low - at_high)
    edge = 1e-3 * (high - low)
    return min(max(place, low + edge), high - edge)

"""The next place to look at for the root of a falling function.

Regula falsi with the Illinois rule (Dowell & Jarratt, A modified regula falsi method, BIT 11,
1971): an end of the bracket that stays counts half from the second time on.
"""

from __future__ import annotations

import math

from optimizer.kernels.jit import inner


@inner
def between(low, high, at_low, at_high, turn, close):  # type: ignore[no-untyped-def]
    """A place inside (low, high), where the function is > 0 and < 0.

    Every fourth turn it is the middle: where the function jumps or is steep at one end the
    bracket still halves. ``close`` is the part of itself to which the root is wanted.
    """
    middle = 0.5 * (low + high)
    if turn % 4 == 3 or math.isinf(at_high) or math.isinf(at_low):
        return middle
    place = low + (high - low) * at_low / (at_low - at_high)
    edge = 0.1 * close * high
    if high - low < 4.0 * edge:
        return middle
    # A step past a place that is nearly the root closes the bracket from the other side.
    return min(max(place, low + edge), high - edge)

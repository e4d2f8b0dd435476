"""Elementary functions in sums and products alone, right to rounding.

The compiler makes loops over them SIMD, which it cannot with a call of the library. Both take the
power of two off through the bits of the number and sum a series of what is left.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import inlined

ROUND = 6755399441055744.0
"""1.5 * 2 ** 52: a number below 2 ** 51 plus this is rounded, whole, in the last bits of the sum."""
LOG2_HIGH, LOG2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""The logarithm of 2: so many bits that their product with a whole number is exact, and the rest."""
ROOT_HALF = 0x3FE6A09E667F3BCD
"""Bits of the root of 1/2."""
LARGEST = 700.0


@inlined
def exponential(x):  # type: ignore[no-untyped-def]
    """``exp(x)``, of x in -LARGEST ... LARGEST; at the ends beyond."""
    x = x if x > -LARGEST else -LARGEST
    x = x if x < LARGEST else LARGEST
    rounded = x * 1.4426950408889634 + ROUND
    power = rounded - ROUND
    r = (x - power * LOG2_HIGH) - power * LOG2_LOW
    # Even and odd powers apart wait less for each other.
    q = r * r
    even = 1.0 / 40320 + q * (1.0 / 3628800 + q * (1.0 / 479001600))
    even = 1.0 + q * (1.0 / 2 + q * (1.0 / 24 + q * (1.0 / 720 + q * even)))
    odd = 1.0 / 5040 + q * (1.0 / 362880 + q * (1.0 / 39916800))
    odd = 1.0 + q * (1.0 / 6 + q * (1.0 / 120 + q * odd))
    series = even + r * odd
    bits = (np.float64(rounded).view(np.int64) << 52) + np.float64(series).view(np.int64)
    return np.int64(bits).view(np.float64)


@inlined
def log_ratio(more, rest):  # type: ignore[no-untyped-def]
    """``log(1 + more / rest) / more * rest``, of numbers >= 0 and > 0; 1 where nothing is more."""
    whole = rest + more
    bits = np.float64(whole).view(np.int64)
    power = (bits >> 52) - (np.float64(rest).view(np.int64) >> 52)
    m = np.int64(bits - (power << 52)).view(np.float64)  # half of the rest to twice the rest
    over = m > 1.4142135623730951 * rest
    m = 0.5 * m if over else m
    power = power + (1 if over else 0)
    under = m < 0.7071067811865476 * rest
    m = 2.0 * m if under else m
    power = power - (1 if under else 0)
    some = more if power != 0 else rest
    both = 1.0 / ((m + rest) * some)
    s = (m - rest) * some * both
    q = s * s
    w = q * q
    even = 1.0 + w * (1.0 / 5 + w * (1.0 / 9 + w * (1.0 / 13 + w * (1.0 / 17))))
    odd = 1.0 / 3 + w * (1.0 / 7 + w * (1.0 / 11 + w * (1.0 / 15 + w * (1.0 / 19))))
    series = 2.0 * (even + q * odd) * rest
    per = (m + rest) * both
    part = ((m - rest) * per if power != 0 else 1.0) * some * both
    return power * 0.6931471805599453 * rest * per + series * part

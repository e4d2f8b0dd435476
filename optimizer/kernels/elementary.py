"""Elementary functions in sums and products alone, right to rounding.

The compiler makes loops over them SIMD, which it cannot with calls of the library. Exponential and
logarithm take the power of two off through the bits of the number and sum a series of what is left.
"""

from __future__ import annotations

import numpy as np

from optimizer.kernels.jit import inlined

ROUND = 6755399441055744.0
"""1.5 * 2 ** 52: a number below 2 ** 51 plus this is whole, in the last bits of the sum."""
LOG2_HIGH, LOG2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""The logarithm of 2: bits few enough that a whole number of it is exact, and the rest."""
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
def logarithm(x):  # type: ignore[no-untyped-def]
    """``log(x)`` of a normal number x > 0."""
    bits = np.float64(x).view(np.int64)
    power = (bits - ROOT_HALF) >> 52
    m = np.int64(bits - (power << 52)).view(np.float64)  # root of 1/2 ... root of 2
    s = (m - 1.0) / (m + 1.0)
    return power * 0.6931471805599453 + s * _twice_atanh(s * s)


@inlined
def _twice_atanh(q):  # type: ignore[no-untyped-def]
    """``2 atanh(s) / s`` of q = s ** 2 up to 0.03: of half the logarithm of (1 + s) / (1 - s)."""
    w = q * q
    even = 2.0 + w * (2.0 / 5 + w * (2.0 / 9 + w * (2.0 / 13 + w * (2.0 / 17))))
    odd = 2.0 / 3 + w * (2.0 / 7 + w * (2.0 / 11 + w * (2.0 / 15 + w * (2.0 / 19))))
    return even + q * odd


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
    series = _twice_atanh(s * s) * rest
    per = (m + rest) * both
    part = ((m - rest) * per if power != 0 else 1.0) * some * both
    return power * 0.6931471805599453 * rest * per + series * part


@inlined
def normal_tail(z):  # type: ignore[no-untyped-def]
    """P(Z > z) of a standard normal variable, and its density at z.

    The tail by exp(-z**2 / 2) / (1 + z) is smooth in w = (z - 4) / (z + 4) from z = 0 to infinity
    (Shepherd & Laframboise, Chebyshev approximation of (1 + 2 x) exp(x**2) erfc x, Mathematics of
    Computation 36, 1981); its Chebyshev series to the 20th power is written as powers of w.
    """
    v = z if z > 0.0 else -z
    both = 1.0 / ((v + 4.0) * (v + 1.0))
    w = (v - 4.0) * (v + 1.0) * both
    q = w * w
    even = 5.234504351392387e-07 + q * (-8.992588846012944e-08 + q * 8.919741958379746e-09)
    even = 1.3614032127406972e-05 + q * (-2.588996812846744e-06 + q * even)
    even = 0.000694896152257627 + q * (-8.78487586840038e-05 + q * even)
    even = -0.032197837435899906 + q * (-0.00500237847103108 + q * even)
    even = 0.47205320650984384 + q * (0.013999634724627197 + q * even)
    odd = 4.4297878048382695e-07 + q * (-3.395616658963259e-08 + q * 1.4260876923799516e-10)
    odd = 2.1262315342482904e-05 + q * (-3.459135887169394e-06 + q * odd)
    odd = -0.00028562246033146725 + q * (-9.44338296102387e-05 + q * odd)
    odd = 0.02860036405654577 + q * (0.017936097416002786 + q * odd)
    odd = -0.09670347732656948 + q * odd
    bell = exponential(-0.5 * v * v)
    tail = bell * (even + w * odd) * (v + 4.0) * both
    return (tail if z > 0.0 else 1.0 - tail), bell * 0.3989422804014327

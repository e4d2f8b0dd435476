"""Tails of the two distributions that a positive sum is taken for: gamma and lognormal.

The tail of the gamma distribution is the regularised incomplete gamma function Q(k, x), by its
power series below k + 1 and its continued fraction above (Abramowitz & Stegun, Handbook of
Mathematical Functions, 6.5.29 and 6.5.31). From shape :data:`SMOOTH` on the cube root of a gamma
variable is taken for normal (Wilson & Hilferty, 1931), which is wrong by less than 0.001 there.
Each function gives the tail and the density, by which it falls.
"""

from __future__ import annotations

import math

from optimizer.kernels.elementary import exponential, logarithm, normal_tail
from optimizer.kernels.jit import inlined, inner

SMOOTH = 12.0
"""Shape from which on the cube root is normal."""
CLOSE = 1e-8
"""Part of itself to which a tail is summed."""
LONGEST = 100
"""Terms of a continued fraction, which come close within 30; so many do not overflow."""


@inner
def log_gamma(shape):  # type: ignore[no-untyped-def]
    """Logarithm of Gamma(shape); 0 where no tail needs it."""
    return math.lgamma(shape) if shape < SMOOTH else 0.0


@inlined
def smooth_tail(ratio, ninth, per_root):  # type: ignore[no-untyped-def]
    """P(X > ratio E[X]) of a gamma variable of large shape, and its density by the ratio.

    Parameters
    ----------
    ninth, per_root : 1 / (9 shape), and one by the root of that.
    """
    some = ratio if ratio > 1e-300 else 1e-300
    cube = exponential(logarithm(some) * (1.0 / 3.0))
    tail, density = normal_tail((cube - 1.0 + ninth) * per_root)
    density *= per_root * cube / (3.0 * some)
    return tail, (density if ratio > 1e-300 else 0.0)


@inner
def gamma_tail(shape, log_of_gamma, x):  # type: ignore[no-untyped-def]
    """P(X > x) of a gamma variable of scale 1, the logarithm of Gamma(shape) known."""
    if x <= 0.0:
        return 1.0, 0.0
    if shape >= SMOOTH:
        ninth = 1.0 / (9.0 * shape)
        tail, density = smooth_tail(x / shape, ninth, 1.0 / math.sqrt(ninth))
        return tail, density / shape
    if shape < 1e-8:  # all of it is at 0
        return 0.0, 0.0
    exponent = shape * math.log(x) - x - log_of_gamma
    if exponent < -700.0 and x > shape:
        return 0.0, 0.0
    front = math.exp(exponent)
    if x < shape + 1.0:
        term = 1.0 / shape
        total, k = term, shape
        for _ in range(500):
            k += 1.0
            term *= x / k
            total += term
            if term < total * CLOSE:
                break
        return max(1.0 - total * front, 0.0), front / x
    # Numerator and denominator one after the other: no term waits for a division.
    b = x + 1.0 - shape
    before, below_before = 0.0, 1.0
    above, below = 1.0, b
    for i in range(1, LONGEST):
        a = i * (shape - i)
        b += 2.0
        before, above = above, b * above + a * before
        below_before, below = below, b * below + a * below_before
        one, other = above * below_before, before * below
        if abs(one - other) < CLOSE * abs(one):
            break
    return min(above / below * front, 1.0), front / x

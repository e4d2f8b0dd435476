"""Tails of the two distributions that a positive sum is taken for: gamma and lognormal.

The tail of the gamma distribution is the regularised incomplete gamma function Q(k, x), by its
power series below k + 1 and its continued fraction above (Abramowitz & Stegun, Handbook of
Mathematical Functions, 6.5.29 and 6.5.31). From shape :data:`SMOOTH` on the cube root of a gamma
variable is taken for normal (Wilson & Hilferty, 1931), which is wrong by less than 0.001 there.
"""

from __future__ import annotations

import math

from optimizer.kernels.jit import inner

SMOOTH = 12.0
"""Shape from which on the cube root is normal."""
CLOSE = 1e-8
"""Part of itself to which a tail is summed."""


@inner
def normal_tail(z):  # type: ignore[no-untyped-def]
    """P(Z > z) of a standard normal variable."""
    return 0.5 * math.erfc(z * 0.7071067811865476)


@inner
def log_gamma(shape):  # type: ignore[no-untyped-def]
    """Logarithm of Gamma(shape); 0 where no tail needs it."""
    return math.lgamma(shape) if shape < SMOOTH else 0.0


@inner
def gamma_tail(shape, log_of_gamma, x):  # type: ignore[no-untyped-def]
    """P(X > x) of a gamma variable of scale 1, the logarithm of Gamma(shape) known."""
    if x <= 0.0:
        return 1.0
    if shape >= SMOOTH:
        ninth = 1.0 / (9.0 * shape)
        return normal_tail((math.exp(math.log(x / shape) / 3.0) - 1.0 + ninth) / math.sqrt(ninth))
    front = shape * math.log(x) - x - log_of_gamma
    if x < shape + 1.0:
        if shape < 1e-8:  # all of it is at 0
            return 0.0
        term = 1.0 / shape
        total, k = term, shape
        for _ in range(500):
            k += 1.0
            term *= x / k
            total += term
            if term < total * CLOSE:
                break
        return max(1.0 - total * math.exp(front), 0.0)
    if front < -700.0:
        return 0.0
    b = x + 1.0 - shape
    c, d = 1e300, 1.0 / b
    fraction = d
    for i in range(1, 500):
        a = -i * (i - shape)
        b += 2.0
        d = a * d + b
        d = 1e-300 if abs(d) < 1e-300 else d
        c = b + a / c
        c = 1e-300 if abs(c) < 1e-300 else c
        d = 1.0 / d
        change = d * c
        fraction *= change
        if abs(change - 1.0) < CLOSE:
            break
    return min(fraction * math.exp(front), 1.0)


@inner
def lognormal_tail(mean, variance, x):  # type: ignore[no-untyped-def]
    """P(X > x) of a lognormal variable."""
    if x <= 0.0:
        return 1.0
    spread = math.log1p(variance / (mean * mean))
    return normal_tail((math.log(x / mean) + 0.5 * spread) / math.sqrt(spread))


@inner
def fitted_tail(mean, variance, lognormal, shift, log_of_gamma, x):  # type: ignore[no-untyped-def]
    """P(X > x) of a positive sum of which two moments are known.

    Parameters
    ----------
    lognormal : part of the variance that comes of a lognormal term, 0 to 1. The tail is that mix
        of the tails of a lognormal variable, beside a constant, and of a gamma variable, both with
        these two moments.
    shift : the constant: mean of all but the lognormal term.
    log_of_gamma : that of the shape mean ** 2 / variance, which is the same for every x.
    """
    if variance <= 1e-12 * mean * mean:
        return 1.0 if x < mean * (1.0 - 1e-12) else 0.0
    answer = 0.0
    if lognormal < 1.0:
        scale = variance / mean
        answer = (1.0 - lognormal) * gamma_tail(mean / scale, log_of_gamma, x / scale)
    if lognormal > 0.0:
        answer += lognormal * lognormal_tail(mean - shift, variance, x - shift)
    return answer

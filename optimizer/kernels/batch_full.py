"""A batch that is always full: how fast requests leave it, and how they queue for it."""

from __future__ import annotations

import math

from optimizer.kernels.jit import inner

HEAVY = 0.17
"""How much less lognormal lengths of squared variation over 1 wait; fitted to simulations."""


@inner
def saturation(decode_base, decode_per_seq, prefill_base, prefill, most, steps):  # type: ignore[no-untyped-def]
    """Requests per ms that leave a batch that is always full.

    With k of m requests leaving per iteration each takes part in ``O - 1`` steps, and the
    prefill's base is paid in iterations in which k > 0, k binomial.
    """
    full = decode_base + decode_per_seq * most
    if steps <= 0.0:
        return most / (prefill_base + most * prefill)
    paid = admitting(most, steps)
    return 1.0 / (prefill + (full + prefill_base * paid) * steps / most)


@inner
def admitting(most, steps):  # type: ignore[no-untyped-def]
    """Part of the iterations of a full batch in which somebody leaves."""
    if steps <= 1.0:
        return 1.0
    return 1.0 - math.exp(most * math.log1p(-1.0 / steps))


@inner
def wait_factor(square, places, load):  # type: ignore[no-untyped-def]
    """Mean wait by that with exponential service, for lengths of squared variation ``square``.

    Kimura's interpolation (Approximations for multi-server queues: system interpolations,
    Queueing Systems 17, 1994) between exponential and constant service, the latter by Cosmetatos
    (Some approximate equilibrium results for the multi-server queue M/G/r, 1976), at most the
    light-traffic limit m / (m + 1). In light traffic lengths of lognormal distribution wait less
    than two moments tell: the places that take long ones leave the others free.
    """
    constant = 0.5 * (
        1.0 + (1.0 - load) * (places - 1.0) * (math.sqrt(4.0 + 5.0 * places) - 2.0)
        / (16.0 * load * places)
    )  # fmt: skip
    constant = min(constant, places / (places + 1.0))
    answer = (1.0 + square) / (2.0 * square + (1.0 - square) / constant)
    over = min(max(square - 1.0, 0.0), 1.5)
    return answer * (1.0 - HEAVY * (1.0 - load) * (1.0 - 1.0 / places) * over)


@inner
def queue_sums(load, room):  # type: ignore[no-untyped-def]
    """Sums over a queue whose lengths fall off as powers of the load, room for so many.

    Returns
    -------
    (scale, powers, rising, last) : sum over k = 1 ... room of load ** k, sum over k = 0 ...
    room - 1 of (k + 1) load ** k, and load ** room, all three times ``scale``, which is below 1
    where the load is over 1, so that nothing overflows.
    """
    if math.isinf(room):
        if load >= 1.0:
            return 1.0, 0.0, 0.0, 0.0
        return 1.0, load / (1.0 - load), 1.0 / ((1.0 - load) * (1.0 - load)), 0.0
    exponent = room * math.log(load)
    scale = math.exp(-exponent) if exponent > 0.0 else 1.0
    last = 1.0 if exponent > 0.0 else math.exp(exponent)
    near = load - 1.0
    if abs(near) * (room + 1.0) < 1e-4:
        # To the first order in near: both closed forms cancel there.
        powers = room + near * 0.5 * room * (room + 1.0)
        rising = 0.5 * room * (room + 1.0) + near * (room - 1.0) * room * (room + 1.0) / 3.0
        return scale, powers * scale, rising * scale, last
    powers = load * (last - scale) / near
    rising = (room * last * load - (room + 1.0) * last + scale) / (near * near)
    return scale, powers, rising, last

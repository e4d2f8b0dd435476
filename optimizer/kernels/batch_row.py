"""A station as a row of a table, and a class of requests as another; rates per second."""

from __future__ import annotations

from optimizer.kernels.batch_full import saturation
from optimizer.kernels.batch_together import service
from optimizer.kernels.jit import inner

# Columns of a station.
(
    DECODE_BASE, DECODE_PER_SEQ, PREFILL_BASE, PREFILL_PER_TOKEN, MOST, INPUT, OUTPUT, INPUT_CV,
    OUTPUT_CV, BURSTINESS, ROOM, TOGETHER,
) = range(12)  # fmt: skip
# Columns of a class: its own lengths.
OWN_INPUT, OWN_INPUT_CV, OWN_OUTPUT, OWN_OUTPUT_CV = range(4)


@inner
def steps_of(output):  # type: ignore[no-untyped-def]
    """Decode steps; where there is less than one, the part of a step that is done."""
    steps = output - 1.0
    return (steps, 1.0) if steps >= 1.0 else (1.0, max(steps, 1e-6))


@inner
def limit_of(row):  # type: ignore[no-untyped-def]
    """Requests per second that leave when the batch is always full."""
    prefill = row[PREFILL_PER_TOKEN] * row[INPUT]
    if row[TOGETHER] > 0.0:
        return 1e3 * row[MOST] / service(
            row[MOST], row[DECODE_BASE], row[DECODE_PER_SEQ], row[PREFILL_BASE], prefill,
            max(row[OUTPUT] - 1.0, 0.0),
        )  # fmt: skip
    steps, part = steps_of(row[OUTPUT])
    return 1e3 * saturation(
        part * row[DECODE_BASE], part * row[DECODE_PER_SEQ], row[PREFILL_BASE], prefill,
        row[MOST], steps,
    )  # fmt: skip


@inner
def rate_of(per_second, limit):  # type: ignore[no-untyped-def]
    """Arrivals per ms that a state is looked at with: a few, where nobody comes."""
    return max(1e-3 * per_second, 1e-9 * limit)

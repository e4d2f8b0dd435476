"""Where the formulas of the queue were found to hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.serving.stations import Stations

Float = NDArray[np.float64]

HIGHEST_UTILISATION = 0.9
"""Simulations go no further; beyond, waits grow faster than any profile is known."""
HIGHEST_PREFILL = 0.35
"""Part of the time in prefill: above, families of prefills fill the batch."""
ROOMY_BATCH, ROOMY_PREFILL, SHORT_PREFILL = 256.0, 0.65, 0.06
"""Batches of so many places are not filled by families up to that part, where the prefill of a
request is no more than that part of its decode steps."""
LONGEST_PREFILL = 0.35
"""Prefill of a request by its decode steps when alone, of which a few make a percentile of TPOT."""
ALIKE, ALIKE_UTILISATION = 0.25, 0.45
"""Outputs of one length keep together: those admitted in one iteration also leave in one."""
FEWEST_OUTPUT = 20.0
"""Fewer tokens make levels change within an iteration."""
MOST_VARIATION, VARIED_UTILISATION = 1.25, 0.25
"""Of output lengths: beyond, two moments do not tell the wait; from that load on there is one."""
MOST_INPUT_VARIATION = 1.5
"""Beyond, no simulation was looked at."""
MOST_PAID = 0.7
"""Prefill's base by a decode step, times the requests that leave a batch in an iteration: above,
how requests gather in iterations decides over the time of these."""
EDGE = (0.5, 2.0)
"""A percentile of TTFT is on the edge where the part that waits is so much of the part allowed to
be late, and waiting is long."""
LONG_WAIT = 1.0
"""Wait of those that wait, by the mean TTFT of the others."""
POISSON = 1.0
"""Burstiness of a Poisson stream; others are approximated further off."""


def trusted(
    groups: Stations, rate: Float, group: NDArray[np.int64], part: Float, answer: Float
) -> NDArray[np.bool_]:
    """Whether predictions are in the region where they agree with simulations, (K,).

    Parameters
    ----------
    rate : (G,) requests per second.
    group : (K,) the station of each class.
    part : (K,) percentile as a part, NaN for none.
    answer : (K, 10) predictions as the kernel numbers them.
    """
    prefill = groups.prefill_per_token_ms * groups.input_tokens
    decode = (groups.decode_base_ms + groups.decode_per_seq_ms) * groups.output_tokens
    load = np.zeros(len(groups))
    load[group] = answer[:, 5]
    busy = 1e-3 * rate * prefill
    roomy = (groups.max_batch >= ROOMY_BATCH) & (prefill <= SHORT_PREFILL * decode)
    holds = (
        (load <= HIGHEST_UTILISATION + 1e-9)
        & (busy <= np.where(roomy, ROOMY_PREFILL, HIGHEST_PREFILL))
        & (prefill <= LONGEST_PREFILL * decode)
        & ((groups.output_cv >= ALIKE) | (load <= ALIKE_UTILISATION))
        & (groups.output_tokens >= FEWEST_OUTPUT)
        & ((groups.output_cv <= MOST_VARIATION) | (load <= VARIED_UTILISATION))
        & (groups.input_cv <= MOST_INPUT_VARIATION)
        & (groups.prefill_base_ms * groups.max_batch * load <= MOST_PAID * decode)
        & (np.abs(groups.burstiness - POISSON) < 1e-9)
    )
    waiting = answer[:, 8]
    with np.errstate(invalid="ignore", divide="ignore"):
        late = waiting / (1.0 - part)
        wait = answer[:, 4] / waiting
        rest = answer[:, 0] - answer[:, 4]
        edge = (late > EDGE[0]) & (late < EDGE[1]) & (wait > LONG_WAIT * rest)
    together = groups.together[group] > 0.0
    answer_: NDArray[np.bool_] = together | (holds[group] & ~edge)
    return answer_

"""The engine with iteration-level batching, request by request: what the formulas approximate.

At each step boundary requests that have all their tokens leave, waiting requests are admitted
first come first served while fewer than ``max_batch`` run, those admitted are prefilled together
(each has its first token when the prefill of all of them is done), and then one decode step gives
a token to every running request. A replica without requests sleeps until one arrives. An arrival
that finds the waiting room full (``max_queue`` waiting beside a full batch) is lost.

Steps in which nobody comes and nobody leaves are alike and are taken together. Shares no code
with the package.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """One station: lengths in tokens, times in ms; fields as those of the package's stations."""

    decode_base_ms: float = 10.0
    decode_per_seq_ms: float = 0.2
    prefill_base_ms: float = 5.0
    prefill_per_token_ms: float = 0.05
    max_batch: int = 16
    input_tokens: float = 500.0
    output_tokens: float = 100.0
    input_cv: float = 1.0
    output_cv: float = 1.0
    burstiness: float = 1.0
    max_queue: float = np.inf


@dataclass(frozen=True)
class Seen:
    """Of each request after warm-up: lost ones are NaN, TPOT is NaN for a single token."""

    ttft_ms: Float
    tpot_ms: Float
    outputs: Float
    wait_ms: Float

    def mean_tpot(self) -> float:
        """Mean over all tokens after the first ones."""
        kept = self.outputs > 1
        steps = self.outputs[kept] - 1
        return float((self.tpot_ms[kept] * steps).sum() / steps.sum())


def lengths(
    rng: np.random.Generator, mean: float, cv: float, count: int, family: str = "lognormal"
) -> Float:
    """Lengths with a mean and a coefficient of variation, at least one token, whole numbers."""
    if cv == 0:
        drawn = np.full(count, mean)
    elif family == "gamma":
        drawn = rng.gamma(1 / cv**2, mean * cv**2, count)
    else:
        variance = np.log1p(cv**2)
        drawn = rng.lognormal(np.log(mean) - variance / 2, np.sqrt(variance), count)
    return np.maximum(np.floor(drawn + rng.random(count)), 1.0)


def arrivals(rng: np.random.Generator, per_second: float, burstiness: float, count: int) -> Float:
    """Times in ms; gaps are gamma with squared cv ``burstiness``, which is then the limit of
    variance over mean of counts (1: Poisson)."""
    return np.cumsum(rng.gamma(1 / burstiness, burstiness * 1e3 / per_second, count))


def simulate(
    setting: Setting, per_second: float, count: int, seed: int, family: str = "lognormal",
    warm: float = 0.1,
) -> Seen:  # fmt: skip
    """Run one station from empty; the first ``warm`` part of the requests is not looked at."""
    rng = np.random.default_rng(seed)
    outputs = lengths(rng, setting.output_tokens, setting.output_cv, count, family)
    inputs = lengths(rng, setting.input_tokens, setting.input_cv, count, family)
    times = arrivals(rng, per_second, setting.burstiness, count)
    room = 1 << 60 if np.isinf(setting.max_queue) else int(setting.max_queue)
    ttft, tpot, wait = _run(
        times, setting.prefill_per_token_ms * inputs, outputs.astype(np.int64),
        setting.prefill_base_ms, setting.decode_base_ms, setting.decode_per_seq_ms,
        int(setting.max_batch), room,
    )  # fmt: skip
    after = slice(int(warm * count), None)
    return Seen(ttft[after], tpot[after], outputs[after], wait[after])


@numba.njit(cache=True)
def _run(times, prefill, outputs, prefill_base, decode_base, decode_per_seq, most, room):  # type: ignore[no-untyped-def]
    count = len(times)
    ttft, tpot = np.full(count, np.nan), np.full(count, np.nan)
    wait, first = np.full(count, np.nan), np.zeros(count)
    queue = np.empty(count, np.int64)
    head = tail = 0
    running = [(np.int64(0), np.int64(0))]
    running.pop()
    now, step, coming = 0.0, np.int64(0), 0
    while True:
        # Arrivals until now; the waiting room is beside the places that are free at the boundary
        # before, so that an arrival into a batch that is not full is never lost.
        while coming < count and times[coming] <= now:
            if tail - head < room + most - len(running):
                queue[tail] = coming
                tail += 1
            coming += 1
        while len(running) > 0 and running[0][0] == step:
            _, i = heapq.heappop(running)
            tpot[i] = (now - first[i]) / (outputs[i] - 1)
        if head == tail and len(running) == 0:
            if coming == count:
                return ttft, tpot, wait
            now = times[coming]
            continue
        admitted = head
        work = 0.0
        # A place given to a request of one token is free again at the next boundary only.
        while head < tail and len(running) + head - admitted < most:
            work += prefill[queue[head]]
            wait[queue[head]] = now - times[queue[head]]
            head += 1
        if head > admitted:
            now += prefill_base + work
            for k in range(admitted, head):
                i = queue[k]
                first[i] = now
                ttft[i] = now - times[i]
                if outputs[i] > 1:
                    heapq.heappush(running, (step + outputs[i] - 1, i))
        if len(running) == 0:
            continue
        one = decode_base + decode_per_seq * len(running)
        steps = running[0][0] - step
        if (head == tail and coming < count) or (len(running) < most and coming < count):
            gap = times[coming] - now
            steps = np.int64(1) if gap <= 0.0 else min(steps, np.int64(gap / one) + 1)
        now += one * steps
        step += steps

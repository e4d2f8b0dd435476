"""Levels climbed in lanes against a twin that climbs one station with the library's functions.

The twin writes each formula with a division of its own, where the kernel merges them, and sums
tokens level by level, where the kernel has them from requests done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.kernels import batch_lane as lanes
from optimizer.kernels.batch_climb import FAMILY_PLACES, climb, whole_vectors
from optimizer.kernels.batch_iteration import FOLLOWS
from optimizer.kernels.jit import kernel
from optimizer.serving.queue import Stations, largest_rate, predict
from tests.serving.draws import stations

Float = NDArray[np.float64]
KNOWN = (
    "rate", "limit", "base", "per_seq", "prefill_base", "prefill", "spread", "most", "steps",
    "bursts",
)  # fmt: skip


@kernel
def climbed(lane: Float, count: int) -> None:
    climb(lane, count)


@dataclass(frozen=True)
class Station:
    """Times in ms, rate per ms."""

    rate: float
    limit: float
    base: float
    per_seq: float
    prefill_base: float
    prefill: float
    spread: float
    most: float
    steps: float
    bursts: float


def twin(s: Station) -> dict[int, float]:
    """What the kernel leaves in the rows of a lane, by row."""
    a, square = s.prefill, s.prefill**2 + s.spread
    r, most = s.rate * a, int(s.most)
    free, family = 1 - min(r, 0.95), max(0.0, 1 - FAMILY_PLACES / most)
    first = 2 / (1 + max(s.bursts, 1.0))
    y, flow, tail = 1.0, s.rate * first, 0.0
    stop = s.prefill_base + a
    sums = dict.fromkeys(range(lanes.COMPLETED, lanes.JITTER + lanes.LANES, lanes.LANES), 0.0)
    sums[lanes.IDLE], sums[lanes.TOTAL], sums[lanes.PREFILLING] = 1.0, 1 + stop * flow, stop * flow
    through = stop * flow
    tokens = token_level = 0.0

    def rest(kind: int, part: float, length: float, second: float, third: float) -> None:
        sums[kind] += part
        sums[kind + lanes.LANES] += part * (0.5 + r) * second / length
        moment = (1 / 3 + r + r * r) * third + s.rate * square * second
        sums[kind + 2 * lanes.LANES] += part * moment / length

    if most > 1:
        opening = stop + s.base + s.per_seq
        third = opening**3 + 3 * opening * s.spread + (2 * s.spread**2 / a if a > 0 else 0.0)
        rest(lanes.MIXED, flow * opening, opening, opening**2 + s.spread, third)
    cover = flow * (s.base + s.per_seq)
    length, variance, slope = (s.base + s.per_seq + s.prefill_base) / free, 0.0, free
    for j in range(1, most):
        step = s.base + s.per_seq * j
        length += s.per_seq / slope if j > 1 else 0.0
        for _ in range(6 if j == 1 else 1):
            shape = variance / length**2
            count = s.rate * length
            none = math.exp(-count if shape == 0 else -math.log1p(count * shape) / shape)
            paid = s.prefill_base * s.rate * none
            slope = max(free - paid, 0.1 * free)
            length -= (length * free - step - s.prefill_base * (1 - none)) / slope
            length = max(length, step)
            turn = min(r + min(paid, FOLLOWS * free), 0.98)
            noise = s.rate * length * square + s.prefill_base**2 * none * (1 - none)
            noise += 2 * s.prefill_base * none * a * s.rate * length
            variance = noise / (1 - turn**2)
        sums[lanes.COMPLETED] += flow
        y_below, y = y, flow * s.steps * step / j
        b = min(s.rate * stop, 0.95)
        mean = 1 / (first * (1 - b))
        index = (b + s.rate**2 * s.spread) / (1 - b) ** 2 + max(s.bursts, 1.0) / (1 - b) - 1
        plainest, least = 2 * (mean - 1), 2 * (1 - 1 / mean)
        index = max(plainest + (index - plainest) * family, least)
        keep = 1 - least / index if index > 1e-15 else 0.0
        tail = keep * tail + (mean - 1) * (1 - keep) * s.rate * first * y_below
        flow = s.rate * first * y + tail
        stop = a + s.prefill_base * (1 - none) / (s.rate * length)
        through = stop * flow
        weight = y + through
        sums[lanes.TOTAL] += weight
        sums[lanes.PREFILLING] += through
        sums[lanes.RUNNING] += j * weight
        made = j * y / step
        tokens += made
        token_level += made * j
        sums[lanes.TOKEN_SQUARE] += made * (weight / y * step) ** 2
        follow = 1 + (1 / (1 - turn) - 1) * family
        sums[lanes.JITTER] += j * weight * noise / length * follow**2 * (1 - j / most)
        weight = max(weight - cover, 0.0) if j == 1 else weight
        weight = max(weight - through, 0.0) if j == most - 1 else weight
        plain = weight * min(none * step / length, 1.0)
        rest(lanes.PLAIN, plain, step, step**2, step**3)
        long = max((length - none * step) / (1 - none), step)
        second = max((length**2 + variance - none * step**2) / (1 - none), long**2)
        over, spare = long - step, second - long**2
        third = long**3 + 3 * long * spare
        third += 2 * spare**2 / over if over > 1e-9 * step else 0.0
        rest(lanes.MIXED, weight - plain, long, second, third)
    sums[lanes.DONE_LEVEL] = token_level / s.steps
    assert tokens == pytest.approx(s.steps * sums[lanes.COMPLETED])
    return sums | {lanes.LAST_FLOW: flow, lanes.LAST_THROUGH: through}


def in_lanes(some: list[Station]) -> Float:
    """(ROWS, stations) of so many lanes."""
    lane = np.zeros((lanes.ROWS, lanes.LANES))
    for place in range(whole_vectors(len(some))):
        station = some[min(place, len(some) - 1)]
        lane[: len(KNOWN), place] = [getattr(station, name) for name in KNOWN]
    flat = lane.reshape(-1)
    climbed(flat, whole_vectors(len(some)))
    return lane[:, : len(some)]


def drawn(seed: int, count: int, load: tuple[float, float]) -> list[Station]:
    s = stations(seed, count)
    rate = s.saturation * np.random.default_rng(seed).uniform(*load, count) / 1e3
    prefill = s.prefill_per_token_ms * s.input_tokens
    columns = (
        rate, s.saturation / 1e3, s.decode_base_ms, s.decode_per_seq_ms, s.prefill_base_ms, prefill,
        (prefill * s.input_cv) ** 2, s.max_batch, s.output_tokens - 1, s.burstiness,
    )  # fmt: skip
    return [Station(*map(float, row)) for row in np.column_stack(columns)]


@pytest.mark.parametrize("seed", range(20, 26))
@pytest.mark.parametrize("count", [1, 6, lanes.LANES])
@pytest.mark.parametrize("load", [(0.05, 0.95), (0.95, 1.5)])
def test_twin(seed: int, count: int, load: tuple[float, float]) -> None:
    some = drawn(seed, count, load)
    found = in_lanes(some)
    for place, station in enumerate(some):
        total = found[lanes.TOTAL // lanes.LANES, place]
        mine = twin(station)
        for row, value in mine.items():
            scale = value * total / mine[lanes.TOTAL]
            # Levels end where what is left of them is too little to count.
            least = 1e-12 * abs(scale) if row in (lanes.LAST_FLOW, lanes.LAST_THROUGH) else 0.0
            got = found[row // lanes.LANES, place]
            assert got == pytest.approx(scale, rel=2e-8, abs=max(least, 1e-12 * total)), row


def test_large_numbers_are_scaled() -> None:
    """Of so many levels under so much load the last is too large for a number."""
    station = Station(5.0, 0.5, 20.0, 0.5, 1.0, 0.001, 0.0, 400.0, 300.0, 1.0)
    found = in_lanes([station, station])
    assert np.isfinite(found).all()
    # Nearly all the time is spent near the top.
    running, total = found[lanes.RUNNING // lanes.LANES], found[lanes.TOTAL // lanes.LANES]
    np.testing.assert_allclose(running / total, 399.0, rtol=0.01)


def test_lanes_do_not_know_each_other() -> None:
    """Stations alone and in company, in any order, have the same numbers to the last digit."""
    s = stations(31, 37)
    rate = s.saturation * np.random.default_rng(31).uniform(0.0, 1.2, len(s))
    ttft, tpot = 4.0 * (s.prefill_base_ms + 200.0), 2.0 * s.decode_base_ms
    together, found = predict(s, rate), largest_rate(s, ttft, tpot, 95.0)
    for k in range(len(s)):
        alone = Stations(*(getattr(s, name)[[k]] for name in s.__dataclass_fields__))
        seen = predict(alone, rate[[k]])
        for name in ("ttft_ms", "ttft_percentile_ms", "tpot_percentile_ms", "wait_ms", "lost"):
            assert getattr(seen, name)[0] == getattr(together, name)[k]
        one = largest_rate(alone, ttft[[k]], tpot[[k]], 95.0)
        assert one.requests_per_second[0] == found.requests_per_second[k]
        assert one.binding[0] == found.binding[k]
        assert one.lost[0] == found.lost[k]

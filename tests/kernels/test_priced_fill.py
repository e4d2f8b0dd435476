"""The fill at prices against a slow twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.kernels.priced_fill import FULL, fill_at_prices
from tests.kernels.steady import STEADY
from tests.kernels.test_price_sweeps import Drawn, markets

Float = NDArray[np.float64]
Placed = dict[tuple[int, int, int], float]


def filled(drawn: Drawn, capacity: Float, regret: tuple[float, ...]) -> Placed:
    """Mtok by workload, position and route; one period after the other, with lists."""
    placed: Placed = {}
    for t, when in enumerate(drawn.period.tolist()):
        room = capacity[:, t].tolist()

        def ways(
            w: int, t: int = t, when: int = when, room: list[float] = room
        ) -> list[tuple[float, int]]:
            """What has room and costs less than giving up, cheapest first."""
            found = []
            for r in range(int(drawn.first[w]), int(drawn.first[w + 1])):
                p = int(drawn.pool[r])
                usd = float(drawn.usd[r]) + float(drawn.hours[r]) * float(drawn.price[p, t])
                open_now = drawn.opens[r] <= when and room[p] > FULL * capacity[p, t]
                if open_now and usd < float(drawn.ceiling[w]):
                    found.append((usd, r))
            return sorted(found)

        waiting = [w for w in range(len(drawn.ceiling)) if drawn.demand[w, when] > 0]
        for least in regret:
            later = []
            for w in waiting:
                costs = [usd for usd, _ in ways(w)] + [float(drawn.ceiling[w])] * 2
                if costs[1] - costs[0] < least * float(drawn.unit[w]):
                    later.append(w)
                else:
                    _take(drawn, placed, w, t, float(drawn.demand[w, when]), room, ways)
            waiting = later
    return placed


def _take(drawn, placed, w, t, rest, room, ways):  # type: ignore[no-untyped-def]
    """Place all there is a way for."""
    speck = FULL * rest
    while rest > speck and ways(w):
        _, r = ways(w)[0]
        p, hours = int(drawn.pool[r]), float(drawn.hours[r])
        part = min(rest, room[p] / hours)
        placed[w, t, r] = placed.get((w, t, r), 0.0) + part
        room[p] = max(room[p] - part * hours, 0.0)
        rest -= part


@STEADY
@given(markets(), st.data(), st.sampled_from(((0.0,), (0.5, 0.0), (math.inf, 2.0, 0.0))))
def test_fill_at_prices(drawn: Drawn, data: st.DataObject, regret: tuple[float, ...]) -> None:
    """Same placements; the pools' limits and the demand are kept."""
    size = st.lists(st.integers(0, 8), min_size=drawn.price.size, max_size=drawn.price.size)
    capacity = np.array(data.draw(size), float).reshape(drawn.price.shape)
    room = 60
    found = [np.empty(room, np.int32) for _ in range(3)]
    mtok = np.empty(room)
    arguments = (
        *drawn.ways, drawn.unit,
        np.array(regret),
        drawn.demand, drawn.period, capacity,
    )  # fmt: skip
    count = fill_at_prices(*arguments, *found, mtok)
    assert count <= room
    made: Placed = {}
    for w, t, r, part in zip(*(a[:count].tolist() for a in found), mtok[:count], strict=True):
        made[w, t, r] = made.get((w, t, r), 0.0) + part
    assert made == pytest.approx(filled(drawn, capacity, regret))
    load = np.zeros(capacity.shape)
    for (w, t, r), part in made.items():
        load[drawn.pool[r], t] += part * drawn.hours[r]
        assert part <= drawn.demand[w, drawn.period[t]] * (1 + 1e-12)
    assert (load <= capacity * (1 + 1e-12)).all()
    short = [np.empty(0, np.int32) for _ in range(3)]
    assert fill_at_prices(*arguments, *short, np.empty(0)) == count

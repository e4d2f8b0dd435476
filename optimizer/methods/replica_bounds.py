"""How many replicas run whatever is placed, and how many may, from what ran before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.greedy_facts import WHOLE, Facts

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Period:
    """What is left in one period; the fill changes the arrays.

    Attributes
    ----------
    number : the period.
    room, steady : (P,) chip-hours that are free, and of them those that replicas may take.
    power : (E,) watt-hours that are left.
    before, most : (L,) replicas of the period before, and the most there may be.
    running, spare : (L,) replicas that run, and chip-hours of work they still can do.
    """

    number: int
    room: Float
    steady: Float
    power: Float
    before: Float
    most: Float
    running: Float
    spare: Float


def opened(facts: Facts, period: int, before: Float) -> Period:
    """A period with the replicas that must run: those that may not stop yet, and the minimum.

    Parameters
    ----------
    before : (L,) replicas of the period before; infinity when starts do not count.
    """
    lanes = facts.lanes
    most = before + lanes.changes
    state = Period(
        number=period,
        room=facts.room[:, period].copy(),
        steady=facts.steady[:, period].copy(),
        power=facts.power.copy(),
        before=before,
        most=most,
        running=np.zeros(len(lanes)),
        spare=np.zeros(len(lanes)),
    )
    if len(lanes) == 0:
        return state
    kept = np.where(np.isinf(before), 0.0, before)
    kept = np.maximum(kept - np.where(np.isinf(lanes.changes), kept, lanes.changes), 0.0)
    for lane in np.flatnonzero(kept).tolist():
        _add(facts, state, lane, float(kept[lane]))
    for model in np.flatnonzero(lanes.least).tolist():
        _raise(facts, state, model)
    return state


def _raise(facts: Facts, state: Period, model: int) -> None:
    """Run the least number of a model: what ran before first, then where it costs least."""
    lanes = facts.lanes
    mine = np.flatnonzero(lanes.model == model)
    short = float(lanes.least[model] - state.running[mine].sum())
    usd = lanes.hold[mine] * facts.usd[lanes.pool[mine], state.number]
    for starting in (False, True):
        order = mine[np.argsort(usd + starting * lanes.startup_usd[mine], kind="stable")]
        for lane in order.tolist():
            if short <= 0:
                return
            able = state.most[lane] - state.running[lane]
            if not starting:
                able = min(able, state.before[lane] - state.running[lane])
            count = min(short, able, _room_for(facts, state, lane))
            if count > 0:
                _add(facts, state, lane, count)
                short -= count


def _room_for(facts: Facts, state: Period, lane: int) -> float:
    """Replicas for which there are chips and power."""
    pool = int(facts.lanes.pool[lane])
    free = min(float(state.room[pool]), float(state.steady[pool]))
    for row in np.flatnonzero(facts.watts[:, pool]).tolist():
        free = min(free, float(state.power[row] / facts.watts[row, pool]))
    return float(np.floor(free / facts.lanes.hold[lane] * (1 + WHOLE)))


def _add(facts: Facts, state: Period, lane: int, count: float) -> None:
    """Run more replicas of a lane."""
    lanes = facts.lanes
    pool = int(lanes.pool[lane])
    fresh = max(state.running[lane] + count - max(state.before[lane], state.running[lane]), 0.0)
    state.running[lane] += count
    state.spare[lane] += count * lanes.work[lane] - fresh * lanes.lost[lane]
    held = count * lanes.hold[lane]
    state.room[pool] = max(state.room[pool] - held, 0.0)
    state.steady[pool] = max(state.steady[pool] - held, 0.0)
    np.maximum(state.power - facts.watts[:, pool] * held, 0.0, out=state.power)

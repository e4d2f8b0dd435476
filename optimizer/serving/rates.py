"""The largest rates of many trials, of which only those that may win are looked at.

A rate takes a search over the queue, which is the dear part of deriving routes. Two facts spare
most of them, and change no answer. No replica serves more than a batch that is always full lets
out, so a way whose chip-hours at that rate are above those already found cannot win. And a longer
round trip leaves less for the first token and nothing else: where another promise holds the rate
down at the longest round trip, the rate is the same at every shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.serving.asks import Trials
from optimizer.serving.profiles import Ways
from optimizer.serving.queue import largest_rate

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

TINY_MS = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class Rates:
    """(n,) trials: whether they were looked at, the rate served, that of arrivals, what binds."""

    looked_at: Bool
    served: Float
    arrivals: Float
    binding: NDArray[Any]


def best_rates(
    instance: Instance, found: Trials, way: Ways, rows: Int, chip_hours: Float, known: Float
) -> Rates:
    """Find the rates of some trials, best first, until no other of the question can win.

    Parameters
    ----------
    rows : (n,) the trials.
    chip_hours : (n,) chip-hours per Mtok of each at one request per second.
    known : (N,) chip-hours per Mtok of all trials as far as they are known, infinite elsewhere.
    """
    size = len(rows)
    looked_at = np.zeros(size, np.bool_)
    served, arrivals = np.zeros(size), np.zeros(size)
    binding = np.full(size, "none possible", object)
    least = np.full(int(found.ask.max(initial=-1)) + 1, np.inf)
    np.minimum.at(least, found.ask, known)
    with np.errstate(divide="ignore"):
        bound = chip_hours / way.stations(rows).saturation if size else chip_hours
    ask = found.ask[rows]
    order = np.lexsort((bound, ask))
    begins = np.flatnonzero(np.diff(ask[order], prepend=-1))
    turn = np.arange(size) - np.repeat(begins, np.diff(begins, append=size))
    for place in range(int(turn.max(initial=-1)) + 1):
        trial = order[turn == place]
        trial = trial[bound[trial] < least[ask[trial]]]
        looked_at[trial] = True
        for part in _longest_first(found, rows, trial):
            part = part[arrivals[part] == 0]  # others may have answered for them
            _look(instance, found, way, rows, part, (served, arrivals, binding))
            _answer_for_shorter(found, rows, trial, part, (served, arrivals, binding))
        with np.errstate(divide="ignore"):
            np.minimum.at(least, ask[trial], chip_hours[trial] / served[trial])
    return Rates(looked_at=looked_at, served=served, arrivals=arrivals, binding=binding)


Answers = tuple[Float, Float, NDArray[Any]]


def _look(instance: Instance, found: Trials, way: Ways, rows: Int, part: Int, out: Answers) -> None:
    """Search the rates of some trials."""
    if len(part) == 0:
        return
    at, people = rows[part], instance.workloads
    workload = found.workload[at]
    largest = largest_rate(
        way.stations(at),
        first_token_ms(instance, workload, found.round_trip_ms[at]),
        people.tpot_ms[workload],
        people.slo_percentile[workload],
    )
    served, arrivals, binding = out
    served[part], arrivals[part] = largest.served_per_second, largest.requests_per_second
    binding[part] = largest.binding


def _longest_first(found: Trials, rows: Int, trial: Int) -> tuple[Int, Int]:
    """Trials with the longest round trip of their kind and profile, and the others."""
    at = rows[trial]
    order = np.lexsort((-found.round_trip_ms[at], found.profile[at], found.kind[at]))
    kind, profile = found.kind[at][order], found.profile[at][order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (kind[1:] != kind[:-1]) | (profile[1:] != profile[:-1])
    return trial[order[first]], trial[order[~first]]


def _answer_for_shorter(found: Trials, rows: Int, trial: Int, part: Int, out: Answers) -> None:
    """Give the rates of trials that the first token does not hold down to those of their kind."""
    served, arrivals, binding = out
    held = part[(arrivals[part] > 0) & (binding[part] != "ttft")]
    if len(held) == 0:
        return
    stride = int(found.profile.max()) + 1
    of = found.kind[rows] * stride + found.profile[rows]
    known, first = np.unique(of[held], return_index=True)
    place = np.minimum(np.searchsorted(known, of[trial]), len(known) - 1)
    alike = (known[place] == of[trial]) & (arrivals[trial] == 0)
    source, target = held[first[place[alike]]], trial[alike]
    shorter = found.round_trip_ms[rows[target]] <= found.round_trip_ms[rows[source]]
    source, target = source[shorter], target[shorter]
    served[target], arrivals[target] = served[source], arrivals[source]
    binding[target] = binding[source]


def first_token_ms(instance: Instance, workload: Int, round_trip_ms: Float) -> Float:
    """(n,) time to the first token that the round trip leaves to the replica, NaN: no promise."""
    # What is left of nothing is out of reach, and no time.
    return np.maximum(instance.workloads.ttft_ms[workload] - round_trip_ms, TINY_MS)

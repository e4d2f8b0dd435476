"""Questions that pairs ask: alike ones are asked once, of each way to run the model there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem
from optimizer.instance.instance import Instance
from optimizer.instance.places import number_text, place, quoted
from optimizer.serving.pairs import Pairs
from optimizer.serving.profiles import rows_of

Float = NDArray[np.float64]
Int = NDArray[np.int64]

ASKED = (
    "input_tokens",
    "output_tokens",
    "input_tokens_cv",
    "output_tokens_cv",
    "cached_input_fraction",
    "ttft_ms",
    "tpot_ms",
    "slo_percentile",
    "burstiness",
)
"""Columns of workloads that an answer depends on, beside the model."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Asks:
    """(A,) questions, and which one each pair asks.

    Attributes
    ----------
    pair : (N,) pairs that are open, as positions among all pairs.
    ask : (N,) question of each of them.
    workload, chip : (A,) a workload that asks it, and the code of the chip in pools.
    kind : (A,) number of its lengths and promises: of one kind are those that differ in chip and
        round trip alone.
    round_trip_ms : (A,) of the network.
    """

    pair: Int
    ask: Int
    workload: Int
    chip: Int
    kind: Int
    round_trip_ms: Float


@dataclass(frozen=True, eq=False, kw_only=True)
class Trials:
    """(N,) questions put to profiles, by question, then row of profiles."""

    ask: Int
    kind: Int
    profile: Int
    workload: Int
    round_trip_ms: Float


def asks(instance: Instance, found: Pairs) -> Asks:
    """Gather the questions of the pairs that nothing stands against so far."""
    people = instance.workloads
    pair = np.flatnonzero(found.reason == 0)
    workload, pool = found.workload[pair].astype(np.int64), found.pool[pair]
    facts = np.column_stack([people.model.codes, *(getattr(people, name) for name in ASKED)])
    kind = np.unique(np.nan_to_num(facts, nan=-1.0), axis=0, return_inverse=True)[1].reshape(-1)
    # The round trip counts against the first token alone.
    trip = np.where(np.isnan(people.ttft_ms[workload]), 0.0, found.round_trip_ms[pair])
    trips, which = np.unique(trip, return_inverse=True)
    chips = len(instance.pools.chip.names)
    key = (kind[workload] * chips + instance.pools.chip.codes[pool]) * len(trips) + which
    _, first, ask = np.unique(key, return_index=True, return_inverse=True)
    return Asks(
        pair=pair,
        ask=ask.reshape(-1),
        workload=workload[first],
        chip=instance.pools.chip.codes[pool[first]].astype(np.int64),
        kind=kind[workload[first]],
        round_trip_ms=trip[first],
    )


def trials(instance: Instance, found: Asks) -> Trials:
    """Put each question to every profile of its model and chip.

    A pair that runs in whole replicas is asked only of profiles with as many chips.

    Raises
    ------
    InputError
        When there are profiles of such a pair and none has as many.
    """
    profiles, chips = instance.profiles, instance.pools.chip.names
    model = rows_of(profiles.model, instance.model_names)
    chip = rows_of(profiles.chip, chips)
    wanted = _chips_of_replicas(instance)[model, chip]
    # One part in a billion: a replica of 0.1 chips is written in many ways.
    alike = np.isnan(wanted) | (np.abs(profiles.chips_per_replica - wanted) <= 1e-9 * wanted)
    known = (model >= 0) & (chip >= 0)
    problems = list(_other_sizes(instance, known & ~alike, known & alike))
    if problems:
        raise InputError(problems)
    rows = np.flatnonzero(known & alike)
    key = model[rows] * len(chips) + chip[rows]
    order = np.argsort(key, kind="stable")
    rows, key = rows[order], key[order]
    asked = instance.workloads.model.codes[found.workload] * len(chips) + found.chip
    begin, end = np.searchsorted(key, asked), np.searchsorted(key, asked, side="right")
    count = end - begin
    ask = np.repeat(np.arange(len(asked)), count)
    step = np.arange(len(ask)) - np.repeat(np.cumsum(count) - count, count)
    return Trials(
        ask=ask,
        kind=found.kind[ask],
        profile=rows[begin[ask] + step],
        workload=found.workload[ask],
        round_trip_ms=found.round_trip_ms[ask],
    )


def _chips_of_replicas(instance: Instance) -> Float:
    """(M, chips) chips of a whole replica, NaN where the pair needs none."""
    table, chips = instance.replicas, instance.pools.chip.names
    found = np.full((len(instance.model_names), len(chips)), np.nan)
    found[rows_of(table.model, instance.model_names), rows_of(table.chip, chips)] = (
        table.chips_per_replica
    )
    return found


def _other_sizes(
    instance: Instance, other: NDArray[np.bool_], alike: NDArray[np.bool_]
) -> Iterator[Problem]:
    """Rows of replicas that no profile of the pair agrees with."""
    profiles, table = instance.profiles, instance.replicas
    ways = list(zip(profiles.model.values(), profiles.chip.values(), strict=True))
    fine = {ways[row] for row in np.flatnonzero(alike).tolist()}
    sizes: dict[tuple[str, str], list[float]] = {}
    for row in np.flatnonzero(other).tolist():
        sizes.setdefault(ways[row], []).append(float(profiles.chips_per_replica[row]))
    pairs_of = zip(table.model.values(), table.chip.values(), strict=True)
    for row, way in enumerate(pairs_of):
        if way in sizes and way not in fine:
            told = ", ".join(number_text(size) for size in sizes[way])
            yield Problem(
                place(instance.origin, "replicas", row, "", "chips_per_replica"),
                f"that of a profile of {quoted(way[0])} on {quoted(way[1])}: {told}",
                number_text(table.chips_per_replica[row]),
                "chips",
                fix="the same number in both, or a profile for this one",
            )

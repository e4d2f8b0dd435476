"""What came of every pair of workload and pool: the route and what it rests on, or the reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]
Index = NDArray[np.int32]


class Reason(IntEnum):
    """Why a pair is no route; where several hold, the first of them is told.

    DEARER is said of one way to run a model, never of a pair.
    """

    ROUTE = 0
    RESIDENCY = 1
    EXCLUDED = 2
    NOT_QUALIFIED = 3
    UNKNOWN_LENGTHS = 4
    NO_NETWORK = 5
    ROUND_TRIP = 6
    NO_PROFILE = 7
    NO_MEMORY = 8
    BEYOND_TABLE = 9
    TTFT = 10
    TPOT = 11
    NO_RATE = 12
    DEARER = 13


WORDS: dict[Reason, str] = {
    Reason.RESIDENCY: "residency",
    Reason.EXCLUDED: "excluded",
    Reason.NOT_QUALIFIED: "not qualified",
    Reason.UNKNOWN_LENGTHS: "lengths of requests unknown",
    Reason.NO_NETWORK: "no row of network",
    Reason.ROUND_TRIP: "round trip too long",
    Reason.NO_PROFILE: "no profile",
    Reason.NO_MEMORY: "does not fit into memory",
    Reason.BEYOND_TABLE: "beyond the measured lengths",
    Reason.TTFT: "time to first token out of reach",
    Reason.TPOT: "time per output token out of reach",
    Reason.NO_RATE: "no rate keeps the promise",
    Reason.DEARER: "another way takes fewer chips",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Delivery:
    """What a replica delivers on each derived route. Axis R, that of the routes.

    Attributes
    ----------
    profile : row of profiles that was chosen: the one that takes the fewest chip-hours.
    requests_per_second : largest rate of one replica that keeps the promise.
    ttft_ms, ttft_percentile_ms, tpot_ms, tpot_percentile_ms : predicted at that rate, with the
        round trip; mean, and at the percentile promised (NaN where none is, or not known).
    round_trip_ms : of the network.
    utilisation : part of the time in which the replica works; NaN for measured rates.
    binding : what holds the rate down: ``ttft``, ``tpot``, ``throughput`` (neither), ``measured``.
    flags : bits of :mod:`optimizer.serving.flags`.
    """

    profile: Index
    requests_per_second: Float
    ttft_ms: Float
    ttft_percentile_ms: Float
    tpot_ms: Float
    tpot_percentile_ms: Float
    round_trip_ms: Float
    utilisation: Float
    binding: tuple[str, ...]
    flags: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Refusals:
    """(N,) pairs that are no routes, sorted by workload, then pool.

    Attributes
    ----------
    workload, pool : the pair.
    reason : a :class:`Reason`.
    row : row of exclusions that forbids it, or of profiles that came nearest; -1: none.
    best, limit : the best value that could be had and the one promised, for reasons that compare.
    """

    workload: Index
    pool: Index
    reason: NDArray[np.int8]
    row: Index
    best: Float
    limit: Float

    def counts(self) -> dict[Reason, int]:
        """How many pairs each reason stops, most first."""
        found = np.bincount(self.reason, minlength=len(Reason))
        order = sorted(range(len(found)), key=lambda code: (-int(found[code]), code))
        return {Reason(code): int(found[code]) for code in order if found[code]}


@dataclass(frozen=True, eq=False, kw_only=True)
class Derivation:
    """Routes derived and pairs refused: together every pair of the instance."""

    delivery: Delivery
    refusals: Refusals


def sentence(instance: Instance, refusals: Refusals, position: int) -> str:
    """Say why a pair is no route."""
    reason = Reason(int(refusals.reason[position]))
    row, best = int(refusals.row[position]), float(refusals.best[position])
    limit = float(refusals.limit[position])
    workload, pool = int(refusals.workload[position]), int(refusals.pool[position])
    model = instance.workloads.model[workload]
    chip, region = instance.pools.chip[pool], instance.pools.region[pool]
    if reason is Reason.RESIDENCY:
        return f"residency: {region} is not allowed"
    if reason is Reason.EXCLUDED:
        rules = instance.exclusions
        why = f": {rules.reason[row]}" if rules.reason[row] else ""
        return f"exclusion {rules.exclusion[row]}{why}"
    if reason is Reason.NOT_QUALIFIED:
        return f"{model} is not qualified on {chip} within the horizon"
    if reason is Reason.UNKNOWN_LENGTHS:
        return "input_tokens or output_tokens of the workload are not given"
    if reason is Reason.NO_NETWORK:
        return f"network has no row from {instance.workloads.region[workload]} to {region}"
    if reason is Reason.ROUND_TRIP:
        return f"round trip of {best:g} ms, at most {limit:g} allowed"
    if reason is Reason.NO_PROFILE:
        return f"no profile of {model} on {chip}"
    # From here on the row is one of profiles.
    nearest = f" ({instance.profiles.configuration[row]})" if row >= 0 else ""
    if reason is Reason.NO_MEMORY:
        return f"memory of {chip} does not hold {model} and one request{nearest}"
    if reason is Reason.BEYOND_TABLE:
        return f"lengths of the requests lie beyond the measured table{nearest}"
    if reason is Reason.NO_RATE:
        return f"no rate keeps the promise{nearest}"
    what = "time to first token" if reason is Reason.TTFT else "time per output token"
    return f"{what}: {limit:g} ms promised, {best:.4g} at best{nearest}"

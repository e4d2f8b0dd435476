"""Pairs of workload and pool that policy, network and lengths leave open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.exclusions import exclusion_of
from optimizer.instance.instance import Instance
from optimizer.serving.derivation import Reason
from optimizer.serving.profiles import rows_of

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pairs:
    """All (W P,) pairs, by workload, then pool.

    Attributes
    ----------
    workload, pool : the pair.
    reason : a :class:`~optimizer.serving.derivation.Reason`; ROUTE while nothing stands against it.
    rule : row of exclusions that forbids it, -1 where none does.
    round_trip_ms, usd_per_mtok : of the network.
    most_round_trip_ms : longest that the workload allows, NaN where it allows any.
    network : row of network, -1 where none is needed.
    """

    workload: Index
    pool: Index
    reason: NDArray[np.int8]
    rule: Index
    round_trip_ms: Float
    most_round_trip_ms: Float
    usd_per_mtok: Float
    network: Int


def pairs(instance: Instance) -> Pairs:
    """Look at every pair: residency, exclusions, qualification, lengths, network."""
    people, pools = instance.workloads, instance.pools
    rows, columns = instance.num_workloads, instance.num_pools
    workload = np.repeat(np.arange(rows, dtype=np.int32), columns)
    pool = np.tile(np.arange(columns, dtype=np.int32), rows)
    network = _network_rows(instance)[people.region.codes[workload], pools.region.codes[pool]]
    linked = network >= 0
    trip, usd = np.zeros(len(pool)), np.zeros(len(pool))
    trip[linked] = instance.network.round_trip_ms[network[linked]]
    usd[linked] = instance.network.usd_per_mtok[network[linked]]
    rule = exclusion_of(instance.exclusions, people, pools, workload, pool)
    unknown = np.isnan(people.input_tokens) | np.isnan(people.output_tokens)
    unknown |= people.input_tokens + people.output_tokens <= 0
    use = people.traffic_class.equal("training").astype(np.int64)
    qualified = _qualified(instance)[use, people.model.codes][workload, pools.chip.codes[pool]]
    most = people.max_round_trip_ms[workload]
    reason = np.zeros(len(pool), np.int8)
    for code, stopped in (
        (Reason.RESIDENCY, ~_resident(instance)[workload, pools.region.codes[pool]]),
        (Reason.EXCLUDED, rule >= 0),
        (Reason.NOT_QUALIFIED, ~qualified),
        (Reason.UNKNOWN_LENGTHS, unknown[workload]),
        (Reason.NO_NETWORK, network == MISSING),
        (Reason.ROUND_TRIP, trip > most),
    ):
        reason[stopped & (reason == Reason.ROUTE)] = code
    return Pairs(
        workload=workload,
        pool=pool,
        reason=reason,
        rule=rule,
        round_trip_ms=trip,
        most_round_trip_ms=most,
        usd_per_mtok=usd,
        network=network,
    )


SAME, MISSING = -1, -2
"""Places in the table of network rows: none is needed; one is, and is not there."""


def _network_rows(instance: Instance) -> Int:
    """(regions of workloads, regions of pools) row of network.

    Without the table distances count nothing, and within a region they never do unless a row
    says so.
    """
    table = instance.network
    origins, targets = instance.workloads.region.names, instance.pools.region.names
    rows = np.full((len(origins), len(targets)), SAME if len(table.region) == 0 else MISSING)
    for place, name in enumerate(origins):
        if name in targets:
            rows[place, targets.index(name)] = SAME
    origin, target = rows_of(table.region, origins), rows_of(table.pool_region, targets)
    known = (origin >= 0) & (target >= 0)
    rows[origin[known], target[known]] = np.flatnonzero(known)
    return rows


def _resident(instance: Instance) -> Bool:
    """(W, regions of pools) where residency lets a workload be served."""
    table, names = instance.residency, instance.pools.region.names
    allowed = np.ones((instance.num_workloads, len(names)), np.bool_)
    allowed[table.workload] = False
    allowed[table.workload, rows_of(table.region, names)] = True
    return allowed


def _qualified(instance: Instance) -> Bool:
    """(2, M, chips) whether a model may run on a chip in some period: inference, training.

    From when on is a rule of the plan; a route is there when it can ever be used.
    """
    table, chips = instance.qualification, instance.pools.chip.names
    found = np.ones((2, len(instance.model_names), len(chips)), np.bool_)
    model, chip = rows_of(table.model, instance.model_names), rows_of(table.chip, chips)
    found[:, model] = False
    late = table.qualified_from > instance.period_start_seconds[-1]
    for use, other in enumerate(("training", "inference")):
        fine = ~late & ~table.use.equal(other)
        found[use, model[fine], chip[fine]] = True
    return found

"""Routes and refused pairs as tables, for ``optimizer routes``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.serving import flags as flag
from optimizer.serving.derivation import WORDS, Delivery, Derivation, Reason, Refusals, sentence
from optimizer.serving.ranges import throughput_range

if TYPE_CHECKING:
    import polars as pl

Rows = NDArray[np.int64]


def route_rows(
    instance: Instance, derivation: Derivation | None, rows: Rows, *, ranges: bool = False
) -> pl.DataFrame:
    """Some routes, one per row; what is not known of given routes is left out.

    Parameters
    ----------
    derivation : of the routes, None when they were given.
    rows : (n,) rows of the route table.
    ranges : work out the least and most throughput as well, two searches per route.
    """
    import polars as pl

    routes = instance.routes
    pools = routes.pool[rows]
    frame = pl.DataFrame(
        {
            "workload": [instance.workloads.workload[w] for w in routes.workload[rows].tolist()],
            "pool": [instance.pools.pool[p] for p in pools.tolist()],
            "chip": [instance.pools.chip[p] for p in pools.tolist()],
            "configuration": [routes.configuration[row] for row in rows.tolist()],
            "chip_hours_per_mtok": routes.chip_hours_per_mtok[rows],
            "usd_per_mtok": routes.usd_per_mtok[rows],
            "latency_ms": routes.latency_ms[rows],
            "basis": [routes.basis[row] for row in rows.tolist()],
            "source": [routes.source[row] for row in rows.tolist()],
        }
    )
    if derivation is None:
        return frame
    delivered = _delivered(instance, derivation.delivery, rows)
    if ranges:
        low, high = throughput_range(instance, derivation.delivery, rows)
        delivered = delivered.with_columns(throughput_low=low, throughput_high=high)
    return frame.hstack(delivered)


def _delivered(instance: Instance, found: Delivery, rows: Rows) -> pl.DataFrame:
    import polars as pl

    numbers = (
        "requests_per_second",
        "ttft_ms",
        "ttft_percentile_ms",
        "tpot_ms",
        "tpot_percentile_ms",
        "utilisation",
    )
    told = {bits: "; ".join(flag.words(bits)) for bits in np.unique(found.flags[rows]).tolist()}
    columns = {
        "chips_per_replica": instance.profiles.chips_per_replica[found.profile[rows]],
        **{name: getattr(found, name)[rows] for name in numbers},
        "binding": [found.binding[row] for row in rows.tolist()],
        "flags": [told[bits] for bits in found.flags[rows].tolist()],
    }
    return pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None))


def refusal_rows(instance: Instance, refusals: Refusals, rows: Rows) -> pl.DataFrame:
    """Some pairs that are no routes, one per row, with the reason in a word and in a sentence."""
    import polars as pl

    return pl.DataFrame(
        {
            "workload": [instance.workloads.workload[w] for w in refusals.workload[rows].tolist()],
            "pool": [instance.pools.pool[p] for p in refusals.pool[rows].tolist()],
            "reason": [WORDS[Reason(code)] for code in refusals.reason[rows].tolist()],
            "why": [sentence(instance, refusals, row) for row in rows.tolist()],
        }
    )


def chosen(
    instance: Instance,
    workload: NDArray[np.int32],
    pool: NDArray[np.int32],
    only_workload: str | None,
    only_pool: str | None,
) -> Rows:
    """Rows of pairs that are of one workload, of one pool, or of any."""
    kept = np.ones(len(workload), np.bool_)
    if only_workload is not None:
        kept &= workload == instance.workloads.workload.index(only_workload)
    if only_pool is not None:
        kept &= pool == instance.pools.pool.index(only_pool)
    return np.flatnonzero(kept)

"""Activation: a pool that serves or holds anything is activated, and its fee is paid once.

With z[p] in {0, 1} for each pool with a fee, s[w,t] the Mtok that may be handled then, and the
replicas that all chips on offer hold,

    x[w,p,t] <= s[w,t] z[p]                                             [Mtok]
    n[m,p,t] <= floor((K[p,t] + all blocks on offer) / q[m,p]) z[p]     [replicas]
    O[p,t]   <= H (K[p,t] + all blocks on offer) z[p]                   [chip-hours]

beside the pool's limit, which :mod:`optimizer.model.constraints.capacity` multiplies with
z[p]; the last row is only there where blocks are on offer, and says the same without them. The
first rows are the strong form of the link (J. Krarup and P. M. Pruzan, "The simple plant
location problem: survey and synthesis", European Journal of Operational Research 12, 1983): with
the limit alone the relaxation would pay a fraction of the fee. Each factor is the largest value
that its column can take, so that at z = 1 no row cuts anything off.

Of pools that no rule tells apart the earlier ones are activated first, ``z[p] >= z[p']``
(:mod:`optimizer.model.equal_pools`).

The fee of a contract is paid if a block is bought, with a binary of its own:

    b[k] <= max_blocks[k] z[k]                                          [blocks]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.columns import Columns
from optimizer.model.equal_pools import equal_pools
from optimizer.model.fleet_data import most_replicas
from optimizer.model.held import Held, held
from optimizer.model.offer import chips_on_offer, most_block_chips
from optimizer.program import ProgramBuilder

Index = NDArray[np.int32]


@dataclass(frozen=True)
class Activation:
    """The family of fees paid once."""

    def claim(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> Columns:
        """Claim a column per pool with a fee that something can be held on, and per contract."""
        fee = instance.pools.activation_usd
        pools = np.flatnonzero(fee > 0)
        if len(pools):
            pools = np.flatnonzero(held(instance, columns).used.any(axis=1) & (fee > 0))
        if len(pools):
            activated = columns.activated.copy()
            activated[pools] = builder.columns(
                "activated", len(pools), cost=fee[pools], upper=1.0, integer=True
            )
            columns = replace(columns, activated=activated)
        fee = instance.contracts.activation_usd
        offers = np.flatnonzero((columns.blocks >= 0) & (fee > 0))
        if len(offers):
            signed = columns.signed.copy()
            signed[offers] = builder.columns(
                "signed", len(offers), cost=fee[offers], upper=1.0, integer=True
            )
            columns = replace(columns, signed=signed)
        return columns

    def add(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns
    ) -> dict[str, Index]:
        """Add the links; ``signed`` (C,) are those of contracts with a fee."""
        signed = np.full(columns.signed.shape, -1, np.int32)
        if bool((columns.activated >= 0).any()):
            self._add_placements(builder, columns)
            self._add_replicas(builder, instance, columns)
            self._add_held(builder, instance, columns, held(instance, columns))
            self._add_order(builder, instance, columns)
        offers = np.flatnonzero(columns.signed >= 0)
        if len(offers):
            signed[offers] = builder.rows("signed", len(offers), upper=0.0)
            builder.add(signed[offers], columns.blocks[offers], 1.0)
            most = instance.contracts.max_blocks[offers].astype(np.float64)
            builder.add(signed[offers], columns.signed[offers], -most)
        return {"signed": signed}

    def _add_order(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> None:
        fees = np.flatnonzero(columns.activated >= 0)
        for group in equal_pools(instance, fees):
            rows = builder.rows("equal_pools", len(group) - 1, lower=0.0)
            builder.add(rows, columns.activated[group[:-1]], 1.0)
            builder.add(rows, columns.activated[group[1:]], -1.0)

    def _add_placements(self, builder: ProgramBuilder, columns: Columns) -> None:
        linked = np.flatnonzero(columns.activated[columns.pool] >= 0)
        if len(linked) == 0:
            return
        rows = builder.rows("activation", len(linked), upper=0.0)
        builder.add(rows, columns.place[linked], 1.0)
        most = columns.window_mtok[columns.workload[linked], columns.period[linked]]
        builder.add(rows, columns.activated[columns.pool[linked]], -most)

    def _add_replicas(self, builder: ProgramBuilder, instance: Instance, columns: Columns) -> None:
        linked = (columns.replicas >= 0) & (columns.activated >= 0)[None, :, None]
        model, pool, period = np.nonzero(linked)
        if len(model) == 0:
            return
        rows = builder.rows("activation_replicas", len(model), upper=0.0)
        builder.add(rows, columns.replicas[model, pool, period], 1.0)
        most = most_replicas(instance)[model, pool, period]
        builder.add(rows, columns.activated[pool], -most)

    def _add_held(
        self, builder: ProgramBuilder, instance: Instance, columns: Columns, entries: Held
    ) -> None:
        offered = most_block_chips(instance) > 0
        cells = entries.used & offered & (columns.activated >= 0)[:, None]
        if not bool(cells.any()):
            return
        rows = np.full(cells.shape, -1, np.int32)
        rows[cells] = builder.rows("activation_held", int(cells.sum()), upper=0.0)
        row = rows[entries.pool, entries.period]
        mine = row >= 0
        builder.add(row[mine], entries.column[mine], entries.chip_hours[mine])
        pool, period = np.nonzero(cells)
        most = chips_on_offer(instance)[cells] * instance.period_hours
        builder.add(rows[pool, period], columns.activated[pool], -most)

"""The data of an instance by names, in the one-letter terms of ``docs/problem.md``.

Read from the tables alone: what the package derives from them is not looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from optimizer.instance.instance import Instance


@dataclass(frozen=True)
class Offer:
    """A row of ``replicas``: chips per replica q, the limit on work, starts and changes."""

    q: float
    utilisation: float
    startup_usd: float
    startup_hours: float
    max_changes: float


@dataclass(frozen=True)
class Contract:
    """A row of ``contracts``, with the periods of the horizon in which it is in force."""

    pool: str
    chips: float
    usd: float
    periods: tuple[int, ...]
    max_blocks: int
    fee: float


@dataclass(frozen=True)
class Share:
    """A row of ``shares``: pools of the group, limits (NaN = none), spans of periods."""

    group: frozenset[str]
    measure: str
    min: float
    max: float
    spans: tuple[tuple[int, ...], ...]


class Facts:
    """Names of the axes and data by name; periods are numbers from 0."""

    def __init__(self, instance: Instance) -> None:
        workloads, pools = instance.workloads, instance.pools
        self.W = list(workloads.workload)
        self.T = list(range(instance.demand_mtok.shape[1]))
        self.H = float(instance.period_hours)
        self.d = dict(zip(self.W, instance.demand_mtok.tolist(), strict=True))
        self.h = dict(zip(self.W, workloads.deadline_periods.tolist(), strict=True))
        self.v = dict(zip(self.W, workloads.unserved_usd_per_mtok.tolist(), strict=True))
        self.model = {w: workloads.model[at] for at, w in enumerate(self.W)}
        self.traffic = {w: workloads.traffic_class[at] for at, w in enumerate(self.W)}
        self.pinned = dict(zip(self.W, workloads.single_pool.tolist(), strict=True))
        self.protected = dict(zip(self.W, workloads.protected.tolist(), strict=True))
        self.priority = dict(zip(self.W, workloads.priority.tolist(), strict=True))
        self.M = sorted(set(self.model.values()))
        self.every_pool = list(pools.pool)
        self.K = dict(zip(self.every_pool, instance.capacity_chips.tolist(), strict=True))
        prices = instance.price_usd_per_chip_hour.tolist()
        self.c = dict(zip(self.every_pool, prices, strict=True))
        self.P = [p for p in self.every_pool if not any(map(math.isnan, self.c[p]))]
        self.attributes = {
            p: {
                "pool": p,
                "provider": pools.provider[at],
                "chip": pools.chip[at],
                "region": pools.region[at],
            }
            for at, p in enumerate(self.every_pool)
        }
        purchase = {p: pools.purchase[at] for at, p in enumerate(self.every_pool)}
        self.reserved = {p: purchase[p] == "reserved" for p in self.every_pool}
        self.fee = dict(zip(self.every_pool, pools.activation_usd.tolist(), strict=True))
        self.watts = dict(zip(self.every_pool, pools.watts_per_chip.tolist(), strict=True))
        self.budget = instance.budget_usd
        self._read_routes(instance)
        self._read_replicas(instance)
        self._read_limits(instance)
        self._read_qualification(instance)

    def _read_routes(self, instance: Instance) -> None:
        routes, residency = instance.routes, instance.residency
        self.a: dict[tuple[str, str], float] = {}
        self.e: dict[tuple[str, str], float] = {}
        for r in range(len(routes.workload)):
            pair = (self.W[routes.workload[r]], self.every_pool[routes.pool[r]])
            self.a[pair] = float(routes.chip_hours_per_mtok[r])
            self.e[pair] = float(routes.usd_per_mtok[r])
        self.home: dict[str, set[str]] = {}
        for row in range(len(residency.workload)):
            w = self.W[residency.workload[row]]
            self.home.setdefault(w, set()).add(residency.region[row])

    def _read_replicas(self, instance: Instance) -> None:
        table = instance.replicas
        by_chip = {
            (table.model[row], table.chip[row]): Offer(
                float(table.chips_per_replica[row]),
                float(table.target_utilisation[row]),
                float(table.startup_usd[row]),
                float(table.startup_hours[row]),
                float(table.max_changes_per_period[row]),
            )
            for row in range(len(table.model))
        }
        self.offer = {
            (m, p): by_chip[m, self.attributes[p]["chip"]]
            for m in self.M
            for p in self.P
            if (m, self.attributes[p]["chip"]) in by_chip
        }
        least = zip(instance.models.model, instance.models.min_replicas.tolist(), strict=True)
        self.min_replicas = {m: count for m, count in least if count > 0}
        rows = instance.in_force
        self.says_in_force = len(rows.model) > 0
        self.in_force = {
            (rows.model[row], self.every_pool[rows.pool[row]]): int(rows.replicas[row])
            for row in range(len(rows.model))
        }

    def _read_limits(self, instance: Instance) -> None:
        table = instance.contracts
        self.C = {
            table.contract[row]: Contract(
                self.every_pool[table.pool[row]],
                float(table.block_chips[row]),
                float(table.usd_per_chip_hour[row]),
                tuple(t for t in self.T if table.first_period[row] <= t <= table.last_period[row]),
                int(table.max_blocks[row]),
                float(table.activation_usd[row]),
            )
            for row in range(len(table.contract))
            if self.every_pool[table.pool[row]] in self.P
        }
        lost = instance.outages
        self.outages = {
            lost.outage[row]: (
                self._group(lost.attribute[row], lost.value[row]),
                float(lost.served[row]),
            )
            for row in range(len(lost.outage))
        }
        power = instance.power
        self.power = {
            power.limit[row]: (
                self._group(power.attribute[row], power.value[row]),
                float(power.max_mw[row]),
            )
            for row in range(len(power.limit))
        }
        shares = instance.shares
        self.shares = [
            Share(
                self._group(shares.attribute[row], shares.value[row]),
                shares.measure[row],
                float(shares.min[row]),
                float(shares.max[row]),
                (tuple(self.T),) if shares.per[row] == "horizon" else tuple((t,) for t in self.T),
            )
            for row in range(len(shares.share))
        ]

    def _read_qualification(self, instance: Instance) -> None:
        table = instance.qualification
        begins = instance.start.timestamp()
        self.qualified: dict[str, list[tuple[str, str, list[int]]]] = {}
        for row in range(len(table.model)):
            since = float(table.qualified_from[row])
            counted = [
                t for t in self.T if math.isnan(since) or begins + t * 3600 * self.H >= since
            ]
            self.qualified.setdefault(table.model[row], []).append(
                (table.chip[row], table.use[row], counted)
            )

    def _group(self, attribute: str, value: str) -> frozenset[str]:
        return frozenset(p for p in self.P if self.attributes[p][attribute] == value)

    def resident(self, w: str, p: str) -> bool:
        """Whether residency lets tokens of w run on p."""
        return w not in self.home or self.attributes[p]["region"] in self.home[w]

    def is_qualified(self, w: str, p: str, t: int) -> bool:
        """Whether the model of w is qualified for its traffic on the chip of p in t."""
        if self.model[w] not in self.qualified:
            return True
        needed = "training" if self.traffic[w] == "training" else "inference"
        return any(
            chip == self.attributes[p]["chip"] and use in (needed, "both") and t in counted
            for chip, use, counted in self.qualified[self.model[w]]
        )

    def arrived(self, w: str, t: int) -> float:
        """D[w,t], which is 0 before the horizon."""
        return float(sum(self.d[w][s] for s in self.T if s <= t))

    def present(self, w: str, t: int) -> float:
        """Mtok of w that can be handled in t: what arrived and need not have been before."""
        return self.arrived(w, t) - self.arrived(w, t - self.h[w] - 1)

    def most_chips(self, p: str, t: int) -> float:
        """Chips of a pool with every block bought."""
        bought = [k.chips * k.max_blocks for k in self.C.values() if k.pool == p and t in k.periods]
        return float(self.K[p][t] + sum(bought))

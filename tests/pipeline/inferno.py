"""Inputs of the inferno optimizer as instances: accelerators and replicas for model servers.

The optimizer of ``llm-inferno/optimizer`` first sizes its candidates: for each server (a model
for a class of users) and each accelerator, the highest rate of requests that one replica serves
within the promised latencies, the units that it occupies, and the replicas needed for the
server's rate. An accelerator is one or several units of a type, as 4xA100 is four units of
A100, and there are only so many units of each type. It then chooses:

* **one each**: every server gets all its replicas on one accelerator, which is a multiple-choice
  knapsack over the types;
* **mixed**: a server may run whole replicas on several accelerators, so that their rates add up
  to the server's rate.

A unit costs the same in every accelerator of its type. In *one each* the accelerator that takes
the fewest units of a type is thus the cheapest of that type and leaves the most for others. A
server is a pinned workload of 1 Mtok, a type is a pool whose chips are its units, and a route
takes as many chip-hours as the best accelerator of the type takes units. Candidates that need
more units than there are of their type are left out.

In *mixed* one Mtok stands for one request per minute, kept up for the one hour of the only period.
A server is a model of its own, an accelerator is a pool, and its replicas occupy their units.
Accelerators of one type share its units: since a limit that several pools share is one on power,
every unit draws 1 MW, and a type may draw as many MW as it has units.

All must be served: giving up a server costs far more than any candidate.

The files are read where they lie, beside the project; they are no part of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from optimizer.instance.fleet_tables import Power, Replicas
from optimizer.instance.in_memory import labels_of, table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.tables import Pools, Residency, Routes, Shares, Sources, Workloads
from optimizer.plan import Plan
from tests.pipeline.dense_plan import dense
from tests.pipeline.library import FOLDER

Float = NDArray[np.float64]
Index = NDArray[np.int32]

PENALTY = 20
"""USD per server given up, as a multiple of the dearest candidate that fits: one each."""

PENALTY_MIXED = 200
"""The same for the mix, where slivers can be given up: at 20 it would pay to refuse 0.0044 of the
120 requests per minute of one server of ``large`` rather than to run one more replica."""

ONE_EACH = {"small": 41857.75, "large": 26300.5, "x10": 212188.0}
"""Optima with one accelerator per server, in the currency of the files, proved by HiGHS; the
optimizer's own program reaches those of small and x10, and that of large when its time allows."""

MIXED = {"small": 37929.0, "large": 23410.5}
"""Optima with whole replicas on several accelerators, proved by HiGHS."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """What each server could run on. S servers, A accelerators, Y types, N candidates.

    Attributes
    ----------
    name : size of the input.
    servers, accelerators, types : names.
    requests_per_minute : (S,) rate that a server must serve.
    units : (Y,) units there are of a type.
    usd_per_unit : (Y,) cost of a unit for an hour.
    type_of : (A,) type of an accelerator.
    server, accelerator : (N,) whose candidate it is, and on what.
    replicas : (N,) replicas that serve all of the server's rate.
    units_per_replica : (N,) units that a replica occupies.
    most_per_minute : (N,) highest rate of one replica.
    """

    name: str
    servers: tuple[str, ...]
    accelerators: tuple[str, ...]
    types: tuple[str, ...]
    requests_per_minute: Float
    units: Float
    usd_per_unit: Float
    type_of: Index
    server: Index
    accelerator: Index
    replicas: Float
    units_per_replica: Float
    most_per_minute: Float

    @property
    def all_units(self) -> Float:
        """(N,) units that serve all of the server's rate."""
        return self.replicas * self.units_per_replica

    @property
    def type(self) -> Index:
        """(N,) type of the accelerator."""
        return self.type_of[self.accelerator]

    @property
    def fits(self) -> NDArray[np.bool_]:
        """(N,) candidates for which there are units enough."""
        return self.all_units <= self.units[self.type]

    @property
    def dearest_usd(self) -> float:
        """Cost of the dearest candidate that fits."""
        return float((self.all_units * self.usd_per_unit[self.type])[self.fits].max())


def candidates(name: str) -> Candidates:
    """Read the candidates of an input."""
    path = FOLDER / "llm-inferno" / f"candidates_{name}.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    types = tuple(told["capacity"])
    cells = [
        (place, accelerator, cell)
        for place, server in enumerate(told["servers"].values())
        for accelerator, cell in server["cand"].items()
    ]
    accelerators = tuple(sorted({accelerator for _, accelerator, _ in cells}))
    type_of = {accelerator: types.index(cell["type"]) for _, accelerator, cell in cells}
    unit_costs = {
        (types.index(cell["type"]), cell["instCost"] / cell["unitsPerReplica"])
        for _, _, cell in cells
    }
    usd_per_unit = dict(unit_costs)
    assert len(unit_costs) == len(usd_per_unit), "a unit costs the same in all accelerators"
    return Candidates(
        name=name,
        servers=tuple(told["servers"]),
        accelerators=accelerators,
        types=types,
        requests_per_minute=np.array([s["rpm"] for s in told["servers"].values()], np.float64),
        units=np.array(list(told["capacity"].values()), np.float64),
        usd_per_unit=np.array([usd_per_unit[place] for place in range(len(types))]),
        type_of=np.array([type_of[accelerator] for accelerator in accelerators], np.int32),
        server=np.array([place for place, _, _ in cells], np.int32),
        accelerator=np.array([accelerators.index(name) for _, name, _ in cells], np.int32),
        replicas=_column("replicas", cells),
        units_per_replica=_column("unitsPerReplica", cells),
        most_per_minute=_column("maxRPM", cells),
    )


def one_each(given: Candidates) -> Instance:
    """State the choice of one accelerator per server in the terms of ``docs/problem.md``."""
    units = np.full((len(given.servers), len(given.types)), np.inf)
    fits = given.fits
    np.minimum.at(units, (given.server[fits], given.type[fits]), given.all_units[fits])
    server, kind = np.nonzero(np.isfinite(units))
    taken = units[server, kind]
    return _instance(
        f"{given.name}-one-each",
        given,
        np.ones(len(given.servers)),
        pinned=True,
        usd_per_mtok_given_up=np.full(len(given.servers), PENALTY * given.dearest_usd),
        pools=given.types,
        type_of_pool=np.arange(len(given.types), dtype=np.int32),
        routes=table_of(
            Routes,
            len(taken),
            workload=server.astype(np.int32),
            pool=kind.astype(np.int32),
            chip_hours_per_mtok=taken,
        ),
        replicas=table_of(Replicas, 0),
        power=table_of(Power, 0),
    )


def mixed(given: Candidates) -> Instance:
    """State the mix of whole replicas in the terms of ``docs/problem.md``."""
    order = np.lexsort((given.accelerator, given.server))
    server, accelerator = given.server[order], given.accelerator[order]
    units = given.units_per_replica[order]
    return _instance(
        f"{given.name}-mixed",
        given,
        given.requests_per_minute,
        pinned=False,
        usd_per_mtok_given_up=PENALTY_MIXED * given.dearest_usd / given.requests_per_minute,
        pools=given.accelerators,
        type_of_pool=given.type_of,
        routes=table_of(
            Routes,
            len(order),
            workload=server,
            pool=accelerator,
            chip_hours_per_mtok=units / given.most_per_minute[order],
        ),
        replicas=table_of(
            Replicas,
            len(order),
            model=labels_of(given.servers, server),
            chip=labels_of(given.accelerators, accelerator),
            chips_per_replica=units,
        ),
        power=table_of(
            Power,
            len(given.types),
            limit=given.types,
            attribute=_same("provider", len(given.types)),
            value=labels_of(given.types, np.arange(len(given.types))),
            max_mw=given.units,
        ),
    )


def _instance(
    name: str,
    given: Candidates,
    demand: Float,
    *,
    pinned: bool,
    usd_per_mtok_given_up: Float,
    pools: tuple[str, ...],
    type_of_pool: Index,
    routes: Routes,
    replicas: Replicas,
    power: Power,
) -> Instance:
    """Make the instance; every server is a workload with a model of its own name."""
    size = len(given.servers)
    usd = given.usd_per_unit[type_of_pool]
    return Instance(
        name=name,
        start=datetime(2026, 1, 1, tzinfo=UTC),
        workloads=table_of(
            Workloads,
            size,
            workload=given.servers,
            model=labels_of(given.servers, np.arange(size)),
            traffic_class=_same("interactive", size),
            region=_same("region", size),
            unserved_usd_per_mtok=np.ceil(usd_per_mtok_given_up),
            single_pool=np.full(size, pinned),
        ),
        pools=table_of(
            Pools,
            len(pools),
            pool=pools,
            provider=labels_of(given.types, type_of_pool),
            chip=labels_of(pools, np.arange(len(pools))),
            region=_same("region", len(pools)),
            purchase=_same("on_demand", len(pools)),
            usd_per_chip_hour=usd,
            watts_per_chip=np.full(len(pools), 1e6),
        ),
        routes=routes,
        replicas=replicas,
        power=power,
        shares=table_of(Shares, 0),
        residency=table_of(Residency, 0),
        sources=table_of(Sources, 0),
        demand_mtok=demand[:, None].copy(),
        capacity_chips=given.units[type_of_pool][:, None],
        price_usd_per_chip_hour=usd[:, None].copy(),
    )


def least_cost_one_each(given: Candidates) -> float:
    """Cost of an optimum from the candidates themselves: a binary for each of them."""
    size = len(given.server)
    chosen = csr_array((np.ones(size), (given.server, np.arange(size))))
    return _least_cost(given, given.all_units, chosen, np.ones(len(given.servers)), most=1)


def least_cost_mixed(given: Candidates) -> float:
    """Cost of an optimum from the candidates themselves: whole replicas of each of them."""
    served = csr_array((given.most_per_minute, (given.server, np.arange(len(given.server)))))
    rate = given.requests_per_minute
    return _least_cost(given, given.units_per_replica, served, rate, most=np.inf)


def _least_cost(
    given: Candidates, units: Float, served: csr_array, least: Float, *, most: float
) -> float:
    """Cheapest whole numbers of (N,) units that serve the least and fit the types."""
    held = csr_array((units, (given.type, np.arange(len(units)))), (len(given.units), len(units)))
    found = milp(
        units * given.usd_per_unit[given.type],
        integrality=np.ones(len(units), np.int64),
        bounds=Bounds(0, most),
        constraints=LinearConstraint(
            vstack([served, held]).tocsr(),
            np.concatenate([least, np.zeros(len(given.units))]),
            np.concatenate([np.full(len(least), np.inf), given.units]),
        ),
        options={"mip_rel_gap": 1e-7},
    )
    assert found.status == 0, found.message
    return float(found.fun)


def check_one_each(given: Candidates, instance: Instance, plan: Plan, usd: float) -> None:
    """Assert that a plan is a choice of candidates that fits and costs so much."""
    chosen = dense(instance, plan)[0][:, :, 0]
    assert chosen.sum(axis=1) == _near(np.ones(len(given.servers)))
    assert (chosen > 0).sum(axis=1).tolist() == [1] * len(given.servers)
    kinds = chosen.argmax(axis=1)
    units = np.array(
        [
            given.all_units[(given.server == server) & (given.type == kind)].min()
            for server, kind in enumerate(kinds.tolist())
        ]
    )
    held = np.bincount(kinds, units, len(given.types))
    assert (held <= given.units).all()
    assert float(held @ given.usd_per_unit) == _near(usd)


def check_mixed(given: Candidates, plan: Plan, usd: float) -> None:
    """Assert that a plan runs whole replicas that serve every server, fit and cost so much."""
    shape = (len(plan.models), len(given.accelerators), 1)
    models = [plan.models.index(server) for server in given.servers]
    running = plan.replicas.dense(shape)[models, :, 0][given.server, given.accelerator]
    assert running.sum() == plan.replicas.value.sum(), "replicas only where there are candidates"
    assert (running == np.round(running)).all()
    rate = np.bincount(given.server, running * given.most_per_minute)
    assert (rate >= given.requests_per_minute * (1 - 1e-6)).all()
    held = np.bincount(given.type, running * given.units_per_replica, len(given.types))
    assert (held <= given.units).all()
    assert float(held @ given.usd_per_unit) == _near(usd)


def _near(expected: Any) -> Any:
    return pytest.approx(expected, rel=1e-6, abs=1e-6)


def _same(name: str, count: int) -> Labels:
    return labels_of([name], np.zeros(count, np.int32))


def _column(name: str, cells: list[tuple[int, str, dict[str, float]]]) -> Float:
    return np.array([cell[name] for _, _, cell in cells], np.float64)

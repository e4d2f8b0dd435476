"""Published problems of the operations research literature as instances.

Facility location and generalised assignment are placement problems of one period: a customer
or job is a workload of 1 Mtok, a warehouse or agent is a pool of as many chips as it has
capacity, a demand or resource is the chip-hours of that Mtok, and a cost is the USD of the
route. Chips cost nothing; a fixed cost is the fee of activation; whoever is served from one
place only is pinned. All must be served in the published problems, so that giving up costs far
more than any route, though not so much that solvers' tolerances lose the costs beside it.

The files are read where they lie, beside the project; they are no part of it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.in_memory import labels_of, table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.tables import Pools, Residency, Routes, Shares, Sources, Workloads

Float = NDArray[np.float64]

FOLDER = Path(__file__).parents[2].parent / "shared" / "data"
"""Where the published files are; tests are skipped where they are not."""

PENALTY = 20
"""USD per Mtok given up, as a multiple of the dearest route."""

BEASLEY = (
    *(f"gap{number}-{problem}" for number in range(1, 7) for problem in range(1, 6)),
    *(f"gap{letter}-{problem}" for letter in "abc" for problem in range(1, 7)),
)
"""Problems of OR-Library's assignment files: gap1 ... gap6 have five each, gapa ... six."""

_MAXIMISED = ("c515", "c520", "c525", "c530", "c824", "c832")
"""Names of the problems of gap1 ... gap6 in the table of optima, which are maxima."""

_MINIMISED = {
    "gapa": (1698, 3235, 1360, 2623, 1158, 2339),
    "gapb": (1843, 3552, 1407, 2827, 1166, 2339),
    "gapc": (1931, 3456, 1402, 2806, 1243, 2391),
}
"""Optima of types a to c: 5 x 100, 5 x 200, 10 x 100, 10 x 200, 20 x 100, 20 x 200
(M. Yagiura, T. Ibaraki, F. Glover, "An ejection chain approach for the generalized assignment
problem", INFORMS Journal on Computing 16, 2004). Those that the table of optima holds as well
must agree with it."""


@dataclass(frozen=True, eq=False)
class Published:
    """A problem and what is published about it.

    Attributes
    ----------
    instance : the problem.
    optimum : its least cost.
    """

    instance: Instance
    optimum: float


def warehouses(name: str) -> Published:
    """Capacitated warehouse location: customers may be split. OR-Library ``cap*``."""
    numbers = _numbers(FOLDER / "orlib-cap" / f"{name}.txt")
    pools, customers = int(numbers[0]), int(numbers[1])
    capacity, fixed, rest = _pools(numbers[2:], pools)
    rows = rest[: customers * (pools + 1)].reshape(customers, pools + 1)
    instance = _instance(name, rows[:, 1:], rows[:, :1], capacity, fixed, single_pool=False)
    return Published(instance, _optimum("orlib-cap", name))


def single_source(number: int) -> Published:
    """Facility location with one place per customer. K. Holmberg, M. Roennqvist, D. Yuan.

    Customers that want nothing are left out: their routes would cost nothing either.
    """
    numbers = _numbers(FOLDER / "sscflp-holmberg" / f"p{number}")
    pools, customers = int(numbers[0]), int(numbers[1])
    capacity, fixed, rest = _pools(numbers[2:], pools)
    demand, costs = rest[:customers], rest[customers : customers * (pools + 1)]
    wanted = demand > 0
    instance = _instance(
        f"p{number}",
        costs.reshape(pools, customers).T[wanted],
        demand[wanted, None],
        capacity,
        fixed,
        single_pool=True,
    )
    return Published(instance, _optimum("sscflp", f"holmberg_p{number}"))


def assignment(name: str) -> Published:
    """Generalised assignment of OR-Library, by a name of :data:`BEASLEY`.

    gap1 ... gap6 are published as maxima of a profit c: here ``max(c) - c`` is minimised, and
    since every job is done the least cost is ``n max(c)`` less the published maximum.
    """
    file, number = name.split("-")
    rest = _numbers(FOLDER / "orlib-gap" / f"{file}.txt")[1:]
    for _ in range(int(number)):
        costs, hours, capacity, rest = _assignment(rest)
    if file in _MINIMISED:
        optimum = float(_MINIMISED[file][int(number) - 1])
    else:
        most = float(costs.max())
        costs = most - costs
        published = _optimum("orlib-gap", f"{_MAXIMISED[int(file[3:]) - 1]}-{number}")
        optimum = len(costs) * most - published
    return Published(_instance(name, costs, hours, capacity, None, single_pool=True), optimum)


def assignment_of_type(name: str) -> Published:
    """Generalised assignment of types a to e, by the name of its file."""
    numbers = _numbers(FOLDER / "gap-types" / name)
    costs, hours, capacity, _ = _assignment(numbers)
    instance = _instance(name, costs, hours, capacity, None, single_pool=True)
    return Published(instance, _optimum("gap-yagiura", name))


def stated_twice() -> list[tuple[str, float, float]]:
    """Optima of types a to c that the table of optima holds too: name, here, there."""
    sizes = ("05100", "05200", "10100", "10200", "20100", "20200")
    table = _optima()
    return [
        (f"{file}-{position + 1}", float(here), table["gap-yagiura", f"{file[3]}{size}"])
        for file, optima in _MINIMISED.items()
        for position, (size, here) in enumerate(zip(sizes, optima, strict=True))
        if ("gap-yagiura", f"{file[3]}{size}") in table
    ]


def _instance(
    name: str,
    costs: Float,
    hours: Float,
    capacity: Float,
    fixed: Float | None,
    *,
    single_pool: bool,
) -> Instance:
    """Make the instance; costs (W, P), hours (W, P) or (W, 1), capacity and fixed (P,)."""
    workloads, pools = costs.shape
    w, p = np.meshgrid(np.arange(workloads), np.arange(pools), indexing="ij")
    hours = np.broadcast_to(hours, costs.shape)
    return Instance(
        name=name,
        start=datetime(2026, 1, 1, tzinfo=UTC),
        workloads=table_of(
            Workloads,
            workloads,
            workload=tuple(f"customer-{number}" for number in range(workloads)),
            model=_same("model", workloads),
            traffic_class=_same("batch", workloads),
            region=_same("origin", workloads),
            unserved_usd_per_mtok=np.full(workloads, float(np.ceil(PENALTY * costs.max() + 1))),
            single_pool=np.full(workloads, single_pool),
        ),
        pools=table_of(
            Pools,
            pools,
            pool=tuple(f"place-{number}" for number in range(pools)),
            provider=_same("provider", pools),
            chip=_same("chip", pools),
            region=_same("region", pools),
            purchase=_same("on_demand", pools),
            usd_per_chip_hour=np.zeros(pools),
            activation_usd=np.zeros(pools) if fixed is None else fixed,
        ),
        routes=table_of(
            Routes,
            workloads * pools,
            workload=w.ravel().astype(np.int32),
            pool=p.ravel().astype(np.int32),
            chip_hours_per_mtok=hours.ravel().copy(),
            usd_per_mtok=costs.ravel().copy(),
        ),
        shares=table_of(Shares, 0),
        residency=table_of(Residency, 0),
        sources=table_of(Sources, 0),
        demand_mtok=np.ones((workloads, 1)),
        capacity_chips=capacity[:, None].copy(),
        price_usd_per_chip_hour=np.zeros((pools, 1)),
    )


def _same(name: str, count: int) -> Labels:
    return labels_of([name], np.zeros(count, np.int32))


def _numbers(path: Path) -> Float:
    """Every number of a file, in order."""
    return np.array(path.read_text(encoding="utf-8").split(), np.float64)


def _pools(numbers: Float, pools: int) -> tuple[Float, Float, Float]:
    """Capacity and fixed cost of each pool, and the numbers that follow."""
    pairs = numbers[: 2 * pools].reshape(pools, 2)
    return pairs[:, 0], pairs[:, 1], numbers[2 * pools :]


def _assignment(numbers: Float) -> tuple[Float, Float, Float, Float]:
    """Costs (n, m), resources (n, m), capacities (m,), and the numbers that follow."""
    agents, jobs = int(numbers[0]), int(numbers[1])
    size, rest = agents * jobs, numbers[2:]
    costs, hours = (rest[begin : begin + size].reshape(agents, jobs).T for begin in (0, size))
    return costs, hours, rest[2 * size : 2 * size + agents], rest[2 * size + agents :]


def _optimum(dataset: str, name: str) -> float:
    return _optima()[dataset, name]


def _optima() -> dict[tuple[str, str], float]:
    """Read the table of published optima."""
    with (FOLDER / "known_optima.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["dataset"], row["instance"]): float(row["best_known"])
            for row in csv.DictReader(file)
        }

"""The visible list of methods, and the choice between them."""

from __future__ import annotations

from optimizer.errors import UsageError
from optimizer.instance.instance import Instance
from optimizer.methods.base import Method
from optimizer.methods.direct import Direct
from optimizer.methods.greedy import Greedy
from optimizer.methods.price import Price
from optimizer.methods.price_rounding import PriceRounding
from optimizer.methods.rolling import Rolling
from optimizer.methods.rounding import Rounding
from optimizer.methods.uncoupled import PRICED, beyond_replicas, couplings
from optimizer.solvers.registry import solver_named

METHODS = ("auto", "direct", "rounding", "rolling", "price", "price_rounding", "greedy")
"""Names on the command line."""

MANY_REPLICAS = 1_000
"""Cells of replicas (model, pool, period) above which auto rounds instead of branching."""
MANY_CELLS = 20_000
"""Cells of routes and periods below which auto lets a solver branch all the same."""

MANY_ROUTES = 20_000
"""Routes, which are columns in each period, above which auto lets prices do most of the work.
Measured: at 7,000 in one period both take next to no time, at 22,400 in 24 periods prices are
twice as quick as simplex, at 84,000 in one period ten times."""

MOST_COLUMNS = 300_000
"""Cells of routes and periods up to which auto rounds with a solver if it can: with few workloads
to a model its whole numbers are the better ones. Interior point on 100,000 takes a minute and a
half, and soon longer than a planner waits."""

MANY_COUPLED = 1_000_000
"""Cells of routes and periods above which auto lets prices do most of the work where limits or
windows tie periods together: one program of them all is soon more than simplex can do in an
hour."""


def method_named(name: str, solver: str = "auto", instance: Instance | None = None) -> Method:
    """Make a method.

    Parameters
    ----------
    instance : what it is for; auto looks at its size.

    Raises
    ------
    UsageError
        When there is none of that name, or it cannot use the solver.
    """
    if name not in METHODS:
        raise UsageError(f"method: expected one of {', '.join(METHODS)}, got {name!r}")
    if name in ("greedy", "rounding", "price", "price_rounding") and solver != "auto":
        chooses = "uses none" if name == "greedy" else "chooses its own"
        raise UsageError(f"solver: the {name} method {chooses}, leave it at auto")
    if name == "greedy":
        return Greedy()
    if name == "price" or (name == "auto" and solver == "auto" and _is_large_market(instance)):
        return Price()
    if name == "price_rounding" or (
        name == "auto" and solver == "auto" and _is_large_replica_market(instance)
    ):
        return PriceRounding()
    if name == "rounding" or (name == "auto" and solver == "auto" and _is_large_fleet(instance)):
        return Rounding()
    chosen = None if solver == "auto" else solver_named(solver)
    return Rolling(solver=chosen) if name == "rolling" else Direct(chosen)


def _is_large_market(instance: Instance | None) -> bool:
    """Whether prices can keep all limits, and there are many routes."""
    if instance is None or instance.num_routes <= MANY_ROUTES:
        return instance is not None and _is_large_coupled(instance)
    return not couplings(instance) or _is_large_coupled(instance)


def _is_large_coupled(instance: Instance) -> bool:
    """Whether limits that have prices tie very many cells together, and nothing else does."""
    present = couplings(instance)
    if not present or not set(present) <= set(PRICED):
        return False
    return instance.num_routes * instance.num_periods > MANY_COUPLED


def _is_large_replica_market(instance: Instance | None) -> bool:
    """Whether only pools' limits and whole replicas couple workloads, and there are many."""
    return (
        instance is not None
        and instance.num_routes * instance.num_periods > MOST_COLUMNS
        and _is_large_fleet(instance)
        and not beyond_replicas(instance)
    )


def _is_large_fleet(instance: Instance | None) -> bool:
    """Whether there are more whole numbers than branch and bound can handle in one piece."""
    if instance is None:
        return False
    periods = instance.num_periods
    replicas = int((instance.replica_rows >= 0).sum()) * periods
    return replicas > MANY_REPLICAS and instance.num_routes * periods > MANY_CELLS

"""Our own methods, as peers among peers: an instance in memory in, arrays out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.answer import Answer, Clock
from optimizer.instance.instance import Instance
from optimizer.instance.read import read
from optimizer.methods.base import Limits
from optimizer.methods.registry import method_named
from optimizer.plan import Plan
from optimizer.progress import Silent

WARM_UP = Path(__file__).parents[3] / "instances" / "tiny" / "demand"


def warm_up() -> None:
    """Load compiled kernels, as the other peers have theirs compiled when they start."""
    for method in ("price", "direct"):
        method_named(method)(read(WARM_UP), Limits(), Silent())


def run_instance(instance: Instance, options: dict[str, Any], clock: Clock) -> Answer:
    """Solve; ``options``: method, threads, gap."""
    limits = Limits(threads=int(options["threads"]), relative_gap=float(options["gap"]))
    found = method_named(options["method"], instance=instance)(instance, limits, Silent())
    clock.add("build", found.build_seconds)
    clock.add("solve", found.solve_seconds)
    if found.plan is None:
        raise ValueError(f"no plan: {found.reason.value} {found.detail}")
    with clock.phase("extract"):
        placed = np.zeros((instance.num_routes, instance.num_periods))
        placed[routes_of(instance, found.plan), found.plan.period] = found.plan.placed_mtok
        given_up = np.zeros_like(instance.demand_mtok)
        plan = found.plan
        given_up[plan.unserved_workload, plan.unserved_period] = plan.unserved_mtok
    prices = None if found.prices is None else found.prices.capacity_usd_per_chip_hour
    return Answer(found.reason.value, placed, given_up, prices, {"why": found.why})


def routes_of(instance: Instance, plan: Plan) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(K,) route of each placement; both are sorted by workload, then pool."""
    pools = instance.num_pools
    known = instance.routes.workload.astype(np.int64) * pools + instance.routes.pool
    wanted = plan.workload.astype(np.int64) * pools + plan.pool
    order = np.argsort(known, kind="stable")
    return np.asarray(order[np.searchsorted(known[order], wanted)])

"""PuLP with the CBC it brings: a modelling layer as most people use one, term by term."""

from __future__ import annotations

from typing import Any

import numpy as np
import pulp

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.transport import Transport


def run(given: Transport, options: dict[str, Any], clock: Clock) -> Answer:
    """State it variable by variable and call CBC; ``options``: threads."""
    periods = given.num_periods
    with clock.phase("build"):
        placed = [
            [pulp.LpVariable(f"x_{r}_{t}", 0) for t in range(periods)]
            for r in range(given.num_routes)
        ]
        given_up = [
            [pulp.LpVariable(f"u_{w}_{t}", 0) for t in range(periods)]
            for w in range(given.num_workloads)
        ]
        problem, limits = _stated(given, placed, given_up)
    with clock.phase("solve"):
        solver = pulp.PULP_CBC_CMD(msg=False, threads=options.get("threads"))
        status = problem.solve(solver)
    with clock.phase("extract"):
        answer = np.array([[each.varValue or 0.0 for each in row] for row in placed])
        refused = np.array([[each.varValue or 0.0 for each in row] for row in given_up])
        duals = [[-(limit.pi or 0.0) for limit in row] for row in limits]
    claim = f"{pulp.LpStatus[status]} ({pulp.LpSolution[problem.sol_status]})"
    return Answer(claim, answer, refused, np.array(duals))


def _stated(given: Transport, placed: Any, given_up: Any) -> tuple[Any, Any]:
    """The problem, and its limits on pools by pool and period."""
    pools, periods = range(given.num_pools), range(given.num_periods)
    problem = pulp.LpProblem("placement", pulp.LpMinimize)
    cost, ceiling = given.cost.tolist(), given.ceiling.tolist()
    terms = [(placed[r][t], cost[r][t]) for r in range(given.num_routes) for t in periods] + [
        (given_up[w][t], ceiling[w]) for w in range(given.num_workloads) for t in periods
    ]
    problem += pulp.LpAffineExpression(terms)
    hours, pool, first = given.hours.tolist(), given.pool.tolist(), given.first.tolist()
    demand, capacity = given.demand.tolist(), given.capacity.tolist()
    loads: Any = [[[] for _ in periods] for _ in pools]
    for w in range(given.num_workloads):
        for t in periods:
            mine = [(placed[r][t], 1.0) for r in range(first[w], first[w + 1])]
            mine.append((given_up[w][t], 1.0))
            problem += pulp.LpAffineExpression(mine) == demand[w][t]
            for r in range(first[w], first[w + 1]):
                loads[pool[r]][t].append((placed[r][t], hours[r]))
    limits = []
    for p in pools:
        row = []
        for t in periods:
            limit = pulp.LpAffineExpression(loads[p][t]) <= capacity[p][t]
            problem += limit
            row.append(limit)
        limits.append(row)
    return problem, limits

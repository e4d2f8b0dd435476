"""DeDe: decouple pools from workloads and let ADMM bring the two copies together.

The package ``dede`` 0.1.6 (Z. Xu, M. Yu and F. Y. Yan, "Decouple and decompose: scaling resource
allocation with DeDe", OSDI 2025). It is given shares of each workload's demand, limits scaled to
1 and costs divided by their mean, as its examples are. The package answers with a cost only; the
amounts are its demand side's copy, which keeps each workload's demand and not the pools' limits.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import cvxpy
import dede
import numpy as np
import ray

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.transport import Float, Transport


def run(given: Transport, options: dict[str, Any], clock: Clock) -> Answer:
    """State and solve; ``options``: rho, threads, iterations (its own stop rule without)."""
    with clock.phase("build"):
        flat = given.flat()
        share, problem = _stated(flat)
    said = io.StringIO()
    with clock.phase("solve"), contextlib.redirect_stdout(said):
        problem.solve(
            num_cpus=int(options.get("threads", 1)),
            rho=float(options["rho"]),
            num_iter=options.get("iterations"),
            solver=cvxpy.ECOS,
        )
    with clock.phase("extract"):
        shares = _demand_copy(problem, share)
        mtok = shares * flat.demand
        placed = mtok[flat.workload, flat.pool]
        given_up = mtok[:, -1]
        ray.shutdown()
    iterations = said.getvalue().count("end2end")
    return Answer(
        "stopped by its own rule" if options.get("iterations") is None else "all iterations",
        placed.reshape(given.num_periods, -1).T,
        given_up.reshape(given.num_periods, -1).T,
        notes={"iterations": iterations},
    )


def _stated(flat: Transport) -> tuple[Any, Any]:
    """The matrix of shares, giving up in its last column, and the problem.

    Pairs without a route are in no row and no cost; what stands there means nothing.
    """
    workloads, pools = flat.num_workloads, flat.num_pools
    share = dede.Variable((workloads, pools + 1), nonneg=True)
    usd = np.zeros((workloads, pools + 1))
    usd[flat.workload, flat.pool] = flat.cost[:, 0]
    usd[:, -1] = flat.ceiling
    usd *= flat.demand
    usd /= usd[usd > 0].mean() if bool((usd > 0).any()) else 1.0
    use = np.zeros((workloads, pools))
    use[flat.workload, flat.pool] = flat.hours
    use = use * flat.demand / flat.capacity[:, 0]
    known = np.zeros((workloads, pools + 1))
    known[flat.workload, flat.pool] = 1.0
    known[:, -1] = 1.0
    limits = [use[:, p] @ share[:, p] <= 1 for p in range(pools) if bool(use[:, p].any())]
    balances = [known[w] @ share[w, :] == 1 for w in range(workloads)]
    cost = sum(usd[w] @ share[w, :] for w in range(workloads))
    return share, dede.Problem(dede.Minimize(cost), limits, balances)


def _demand_copy(problem: Any, share: Any) -> Float:
    """(W, P + 1) shares as the demand side has them; those of one side only are not told.

    A workload's share that is given up is in no pool's row, so it is what is missing from 1.
    """
    parts = problem._subprob_cache.probs  # noqa: SLF001 - the amounts are told nowhere else
    places = ray.get([part.get_solution_idx_d.remote() for part in parts])
    amounts = problem.sol_d
    found = np.zeros(share.size)
    at = [place for part in places for place in part]
    for (variable, position), amount in zip(at, amounts, strict=True):
        if variable == share.id:
            found[position] = amount
    shares = found.reshape(share.shape, order="F")
    shares[:, -1] = np.maximum(0.0, 1.0 - shares[:, :-1].sum(axis=1))
    return shares

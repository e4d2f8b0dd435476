"""The least relaxation: by how much limits that contradict each other would have to give.

Demand can always be given up, pools can always stand idle: only limits on shares can exclude
every plan. Each gets a column by which it may be broken; the sum of breaks is minimised with
all costs at zero. Its optimum says which limits and by how much, and its duals are a proof
(Farkas) that the judge checks by a sweep of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from optimizer.model.constraints.shares import Shares
from optimizer.model.formulation import Formulation
from optimizer.prices import Prices
from optimizer.solvers.base import Reason
from optimizer.solvers.glop import Glop
from optimizer.solvers.workers import Job, shared_workers

_UNITS = {"compute": "chip-hours", "tokens": "Mtok", "spend": "USD"}


@dataclass(frozen=True)
class Relaxation:
    """What would have to give.

    Attributes
    ----------
    prices : multipliers that prove the contradiction, None when none was found.
    words : a sentence per limit.
    """

    prices: Prices | None
    words: tuple[str, ...] = ()


def least_relaxation(instance: Instance, limits: Limits) -> Relaxation:
    """Find the least sum of breaks of the limits on shares."""
    model = Formulation(shares=Shares(elastic=True)).build(instance)
    slack = model.share_rows.slack
    cost = np.zeros(model.program.num_columns)
    cost[slack[slack >= 0]] = 1.0
    program = replace(model.program, cost=cost, offset=0.0)
    workers = shared_workers(limits.threads, limits.memory_mib)
    outcome = workers.run([Job(Glop(), program)], limits.seconds)[0]
    if outcome.reason is Reason.INTERRUPTED:
        raise KeyboardInterrupt
    if outcome.reason is not Reason.OPTIMAL or outcome.values is None or outcome.duals is None:
        return Relaxation(None)
    words = []
    shares = instance.shares
    for position in np.flatnonzero(slack >= 0).tolist():
        amount = float(outcome.values[slack[position]])
        if amount > 1e-9:
            words.append(
                f"share {shares.share[position]!r} ({shares.attribute[position]} "
                f"{shares.value[position]}) cannot be kept: the plan that comes closest is "
                f"{amount:.6g} {_UNITS[shares.measure[position]]} off"
            )
    return Relaxation(model.prices(outcome.duals), tuple(words))

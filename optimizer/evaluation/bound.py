"""A lower bound on the cost of every plan, recomputed from prices in float64.

Lagrangian duality (docs/problem.md, "Bound"; Geoffrion 1974): whatever the prices, as long as
none is negative, no plan can undercut the number that comes out. The proof is with
:func:`~optimizer.evaluation.relaxation.relaxation`, which makes the terms. The sum is rounded
down by a bound on its own rounding error, so it stays a bound in exact arithmetic (N. J. Higham,
"Accuracy and Stability of Numerical Algorithms", 2nd ed., ch. 3-4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.priced_routes import handled_usd_per_mtok
from optimizer.evaluation.relaxation import Relaxation, relaxation
from optimizer.instance.instance import Instance
from optimizer.kernels.blocks import over_blocks, row_blocks
from optimizer.prices import Prices

Float = NDArray[np.float64]

UNIT = 2.0**-53
"""Half the distance from 1 to the next float64."""
OPERATIONS = 24
"""Rounded operations that a term is made of, at most: two dozen."""


@dataclass(frozen=True)
class Bound:
    """A proved lower bound.

    Attributes
    ----------
    usd : the bound, rounded down.
    rounding_usd : by how much it was rounded down.
    source : "sweep" when it was recomputed here, else the solver that claims to have proved it.
    """

    usd: float
    rounding_usd: float
    source: str = "sweep"


def lower_bound(instance: Instance, prices: Prices) -> Bound:
    """Bound on the cost of every plan; valid for any prices >= 0, tight for good ones."""
    return _best_of(instance, prices, weight=1.0)


def infeasibility_usd(instance: Instance, prices: Prices) -> float:
    """Positive only when the prices prove that no plan keeps all rules.

    The same sweep with every cost at zero: a plan that kept every rule would have to make
    this sum of broken limits, weighted with prices >= 0, at most zero (Farkas). Rules that the
    sweep leaves out (changes of replicas, priorities) prove nothing here.
    """
    return _best_of(instance, prices, weight=0.0).usd


def _best_of(instance: Instance, prices: Prices, weight: float) -> Bound:
    """The higher of the bounds by what is charged where contracts may undercut a pool."""
    charges = (1.0, 0.0) if len(instance.contracts.contract) else (1.0,)
    found = [_bound(instance, relaxation(instance, prices, weight, charge)) for charge in charges]
    return max(found, key=lambda bound: bound.usd)


def _bound(instance: Instance, terms: Relaxation) -> Bound:
    from optimizer.kernels.sweep import weighted_sums

    demand = instance.demand_mtok
    # Looked at by each thread: made once, before there are any.
    _ = terms.routes.steady, terms.routes.paid_usd

    def sweep(begin: int, end: int) -> tuple[Float, Float, Float]:
        best = handled_usd_per_mtok(instance, terms.routes, begin, end)
        served, size = weighted_sums(demand[begin:end], best)
        return served, size, demand[begin:end].sum(axis=1)

    parts = list(over_blocks(sweep, row_blocks(*demand.shape)))
    served, size, mtok = (np.concatenate([part[axis] for part in parts]) for axis in range(3))
    total = math.fsum([*served.tolist(), *terms.constants])
    sizes = math.fsum([*size.tolist(), *terms.sizes, float(mtok @ terms.doubt)])
    rounding = (OPERATIONS + 4 * terms.limits) * UNIT * sizes
    return Bound(total - rounding, rounding)


def marginal_usd_per_mtok(instance: Instance, prices: Prices) -> Float:
    """(W, T) cost of one more Mtok arriving in the period, as the bound counts it."""
    return np.asarray(handled_usd_per_mtok(instance, relaxation(instance, prices).routes))

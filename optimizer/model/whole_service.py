"""Whole service: pinned workloads that get all their tokens or none, and all other plans.

A pinned workload may be served in part, so that x <= s y is all that links its placement to
its choice, and the pool's limit is no knapsack that solvers know how to cut. Where it helps,
the plans are parted into two sets. Let L'[p,t] = sum_w a[w,p] s[w,t] y[w,p] be what a pool
would carry if every workload that has chosen it were served whole.

* L'[p,t] <= K[p,t] H everywhere: serving the missing tokens costs no more than giving them up,
  so x = s y loses nothing. That program is a pure assignment.
* L'[p,t] > K[p,t] H somewhere: as L' is a whole number of units (the greatest common divisor
  of the loads), it exceeds by at least q[p,t], and what is missing satisfies

      sum over p, t   1 / q[p,t]  sum_w a[w,p] (s[w,t] y[w,p] - x[w,p,t])  >=  1

  The linear relaxation with this row bounds the cost of all such plans from below.

The lesser of the two bounds holds for every plan (a disjunction: E. Balas, "Disjunctive
programming", Annals of Discrete Mathematics 5, 1979).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.model import Model
from optimizer.program import INFINITY, Program, with_row

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

STEPS = 1_000_000
"""Loads are looked at as whole numbers of 1 / STEPS chip-hours."""
LARGEST = 2.0**52
"""Loads of more steps than this are no longer whole numbers in float64."""
EXACT = 1e-14
"""How far, relative to its size, a load or a limit may be from a whole number: rounding, which
no solver can tell from equality, and nothing more."""
LEAST_EXCESS = 1e-3
"""Part of a unit below which the least excess of a pool proves nothing worth having."""


@dataclass(frozen=True, eq=False)
class WholeService:
    """What has to change in a program to part its plans into the two sets.

    Attributes
    ----------
    links : (m,) rows x <= s y that may be equations.
    missing : (n,) entries of the row ">= 1" that every other plan keeps; all 0 when there is
        no other plan.
    upper : (n,) limits that columns keep in every plan, stated or not.
    """

    links: Bool
    missing: Float
    upper: Float

    def of_part(self, columns: NDArray[np.int64], rows: NDArray[np.int64]) -> WholeService:
        """The same for some columns and rows of the program."""
        return WholeService(self.links[rows], self.missing[columns], self.upper[columns])

    def served_whole(self, program: Program) -> Program:
        """The program in which x = s y."""
        return replace(program, row_lower=np.where(self.links, 0.0, program.row_lower))

    def others(self, program: Program) -> Program:
        """The program of all other plans; its last row is the one described above."""
        limited = replace(program, upper=np.minimum(program.upper, self.upper))
        return with_row(limited, self.missing, 1.0, INFINITY)


def whole_service(instance: Instance, model: Model) -> WholeService | None:
    """How to part the plans; None where there is nothing to gain or another limit in the way.

    That serving the missing tokens costs no more than giving them up is known where nothing but
    the pool's own limit is between them.
    """
    columns, program = model.columns, model.program
    if not bool((model.pinned_rows >= 0).any()) or _other_limits(instance):
        return None
    mtok = columns.window_mtok[columns.workload, columns.period]
    hours_per_mtok = instance.routes.chip_hours_per_mtok[columns.route]
    penalty = instance.workloads.unserved_usd_per_mtok[columns.workload]
    at_once = instance.workloads.deadline_periods[columns.workload] == 0
    able = (model.pinned_rows >= 0) & at_once & (program.cost[columns.place] <= penalty)
    unit = _units(columns.pool, able, hours_per_mtok * mtok, instance.num_pools)
    excess = _least_excess(instance, unit)
    most = np.zeros(excess.shape)
    np.add.at(most, (columns.pool, columns.period), hours_per_mtok * mtok)
    # Relative, because a sum over many workloads is not exact to the last digit.
    may_exceed = most > instance.capacity_chips * instance.period_hours * (1 - 1e-9)
    hopeless = (may_exceed & (excess < LEAST_EXCESS * unit[:, None])).any(axis=1)
    whole = ((unit > 0) & ~hopeless)[columns.pool]
    if not bool(whole.any()):
        return None
    links = np.zeros(program.num_rows, np.bool_)
    links[model.pinned_rows[whole]] = True
    counted = np.flatnonzero(whole & may_exceed[columns.pool, columns.period])
    weight = hours_per_mtok[counted] / excess[columns.pool[counted], columns.period[counted]]
    missing = np.zeros(program.num_columns)
    missing[columns.place[counted]] = -weight
    np.add.at(missing, columns.chosen[columns.route[counted]], weight * mtok[counted])
    upper = program.upper.copy()
    upper[columns.place] = mtok
    wanted = columns.unserved >= 0
    upper[columns.unserved[wanted]] = columns.window_mtok[wanted]
    return WholeService(links, missing, upper)


def _other_limits(instance: Instance) -> bool:
    """Whether serving a token more may break a rule, or cost more than its own chip-hours."""
    tables = (
        instance.shares.share,
        instance.replicas.model,
        instance.contracts.contract,
        instance.outages.outage,
        instance.power.limit,
    )
    ranked = len(np.unique(instance.workloads.priority)) > 1
    return ranked or instance.budget_usd is not None or any(len(table) > 0 for table in tables)


def _units(pool: Index, able: Bool, load: Float, pools: int) -> Float:
    """(P,) chip-hours of which every load on the pool is a multiple; 0 where there is none."""
    steps = np.rint(load * STEPS)
    near = np.abs(load * STEPS - steps) <= EXACT * steps
    good = able & near & (steps >= 1) & (steps <= LARGEST)
    known = np.bincount(pool, ~good, pools) == 0
    units = np.zeros(pools, np.int64)
    np.gcd.at(units, pool[good], steps[good].astype(np.int64))
    return np.where(known, units, 0) / STEPS


def _least_excess(instance: Instance, unit: Float) -> Float:
    """(P, T) chip-hours from the pool's limit up to the next whole number of units."""
    available = instance.capacity_chips * instance.period_hours
    size = np.where(unit > 0, unit, 1.0)[:, None]
    # A limit that is a whole number but for rounding counts as one.
    fitting = np.floor(available / size * (1 + EXACT))
    return np.asarray((fitting + 1) * size - available)

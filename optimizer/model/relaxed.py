"""The periods alone: the instance without what ties periods together, and back.

Without deadlines (every token served as it arrives), shares and budget the program falls apart
by period and each part is small. Its basis, carried over to the whole program, is a plan in
which nothing waits: most of it is already optimal, and simplex only has to move the tokens that
gain by waiting. Outages go too, though they tie no periods together: their columns follow those
of the placements, which a deadline makes more. Families of whole numbers are never asked for: a
program with any is not solved by simplex alone.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.formulation import Formulation
from optimizer.model.model import Model
from optimizer.program import AT_LOWER, BASIC, Basis, Block

Status = NDArray[np.int8]


def periods_alone(instance: Instance, formulation: Formulation) -> tuple[Model, Instance]:
    """The instance without deadlines, and its model without all that is named above."""
    deadline = np.zeros_like(instance.workloads.deadline_periods)
    workloads = dataclasses.replace(instance.workloads, deadline_periods=deadline)
    alone = dataclasses.replace(instance, workloads=workloads)
    simpler = dataclasses.replace(
        formulation, shares=None, budget=None, outages=None, activation=None, single_pool=None
    )
    return simpler.build(alone), alone


def lifted_basis(alone: Model, whole: Model, basis: Basis) -> Basis:
    """A basis of the whole program from one of the periods alone.

    Columns and rows that both have keep their status; a placement that only the whole has,
    and every backlog, is at its lower bound; a measure of shares is basic in the row that
    defines it; the rows of shares, the budget and outages are basic. The count of basic ones
    then fits by itself.
    """
    columns = np.full(whole.program.num_columns, AT_LOWER, np.int8)
    rows = np.full(whole.program.num_rows, BASIC, np.int8)
    _copy_placements(alone, whole, basis, columns)
    both = (alone.columns.unserved >= 0) & (whole.columns.unserved >= 0)
    columns[whole.columns.unserved[both]] = basis.columns[alone.columns.unserved[both]]
    for family in ("capacity", "power"):
        if family in alone.rows and family in whole.rows:
            old, new = alone.rows[family], whole.rows[family]
            both = (old >= 0) & (new >= 0)
            rows[new[both]] = basis.rows[old[both]]
    for block in _named(whole.program.rows, ("demand", "deadline", "measure_")):
        rows[block] = AT_LOWER
    for block in _named(whole.program.cols, ("measure_",)):
        columns[block] = BASIC
    # A period in which only tokens of earlier periods could be handled has a row in the
    # whole and none in the parts; giving up, which is zero there, is basic.
    extra = (whole.columns.unserved >= 0) & (alone.columns.unserved < 0)
    columns[whole.columns.unserved[extra]] = BASIC
    return Basis(columns, rows)


def _copy_placements(alone: Model, whole: Model, basis: Basis, columns: Status) -> None:
    periods = whole.instance.num_periods
    old = alone.columns.route.astype(np.int64) * periods + alone.columns.period
    new = whole.columns.route.astype(np.int64) * periods + whole.columns.period
    # Both are sorted by route and period, and the old ones are among the new.
    where = np.searchsorted(new, old)
    columns[whole.columns.place[where]] = basis.columns[alone.columns.place]


def _named(blocks: tuple[Block, ...], prefixes: tuple[str, ...]) -> list[slice]:
    return [slice(b.begin, b.end) for b in blocks if b.name.startswith(prefixes)]

"""The elastic program: rules that may exclude every plan may be broken, at a price.

Each row of a chosen family gets a column >= 0 by which it may be broken, in the natural unit of
its rule,

    a x - slack <= limit,        a x + slack >= limit

and the cost is the weighted sum of these columns alone (J. W. Chinneck, "Feasibility and
Infeasibility in Optimization", Springer 2008, ch. 6). Tokens can always be given up and pools can
stand idle, so that with the families of :data:`CAN_EXCLUDE` the program has a solution; its least
cost is 0 exactly when the rules can be kept together, and its solution says which would have to
give and by how much. A break is charged as part of the size of its limit, so that a break of
1 % weighs the same in USD as in replicas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.constraints.budget import budget_unit_usd
from optimizer.model.costs import constant_usd, reserved_usd
from optimizer.model.extents import HAIR, activity_range, column_extents
from optimizer.model.fleet_data import least_replicas
from optimizer.model.model import Model
from optimizer.program import Block, Program

Float = NDArray[np.float64]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

CAN_EXCLUDE = (
    "share_max",
    "share_min",
    "budget",
    "min_replicas",
    "changes_up",
    "changes_down",
)
"""Rows that no plan may be able to keep, whatever is given up."""

_UNITS = {
    "budget": "USD",
    "min_replicas": "replicas",
    "changes_up": "replicas",
    "changes_down": "replicas",
    "capacity": "chip-hours",
    "replicas": "chip-hours",
    "power": "MWh",
    "outages": "Mtok",
}
_MEASURES = {"compute": "chip-hours", "tokens": "Mtok", "spend": "USD"}


@dataclass(frozen=True)
class Slack:
    """One rule that may be broken.

    Attributes
    ----------
    family : name of its rows in :class:`~optimizer.model.model.Model`.
    index : where it stands along the axes of these rows; of a share over the horizon, (S,).
    unit : what its break is counted in.
    weight : what one such unit is charged.
    column : column of the program that says by how much it is broken.
    """

    family: str
    index: tuple[int, ...]
    unit: str
    weight: float
    column: int


@dataclass(frozen=True, eq=False)
class Elastic:
    """A program whose cost is how much rules are broken; its rows are those of the model.

    Attributes
    ----------
    program : the program.
    extents : (n,) finite limits on its columns, for proofs.
    slacks : the rules that may be broken.
    """

    program: Program
    extents: Float
    slacks: tuple[Slack, ...]

    def bounded(self) -> Program:
        """The linear relaxation with a finite limit on every column."""
        return replace(self.program, upper=self.extents, integer=None)


def elastic(model: Model, families: tuple[str, ...] = CAN_EXCLUDE) -> Elastic:
    """Let the rows of some families be broken.

    Parameters
    ----------
    families : names of rows with a limit on one side; those without rows do no harm. With
        rows beside :data:`CAN_EXCLUDE` the program says what those would gain.
    """
    program = model.program
    rows, slacks = _slacks(model, families)
    extents = column_extents(model)
    least, most = activity_range(program, extents)
    upper = np.isfinite(program.row_upper[rows])
    worst = np.where(upper, most[rows] - program.row_upper[rows], 0.0)
    worst = np.where(~upper, program.row_lower[rows] - least[rows], worst)
    sizes = np.array([_row_units(model.instance, slack.family) for slack in slacks])
    worst = np.maximum(worst * (1 + HAIR), 0.0) * sizes
    count = len(rows)
    weights = np.array([slack.weight for slack in slacks], np.float64)
    columns = np.arange(program.num_columns, program.num_columns + count, dtype=np.int32)
    cost = np.concatenate((np.zeros(program.num_columns), weights))
    grown = _with_columns(program, rows, columns, np.where(upper, -1.0, 1.0) / sizes)
    grown = replace(
        grown,
        cost=cost,
        offset=0.0,
        lower=np.concatenate((program.lower, np.zeros(count))),
        upper=np.concatenate((program.upper, np.full(count, np.inf))),
        integer=None
        if program.integer is None
        else np.concatenate((program.integer, np.zeros(count, np.bool_))),
    )
    return Elastic(grown, np.concatenate((extents, worst)), slacks)


def _slacks(model: Model, families: tuple[str, ...]) -> tuple[Index, tuple[Slack, ...]]:
    """Rows that may be broken, in ascending order within each family, and what they are."""
    rows: list[int] = []
    slacks: list[Slack] = []
    first = model.program.num_columns
    for family in families:
        claimed = model.rows.get(family, np.empty(0, np.int32))
        # A limit over the horizon has the same row in every period.
        known, where = np.unique(claimed.ravel(), return_index=True)
        for row, place in zip(known.tolist(), where.tolist(), strict=True):
            if row < 0:
                continue
            index = tuple(int(at) for at in np.unravel_index(place, claimed.shape))
            index = _of_share(model.instance, family, index)
            size = _size(model, family, index, row)
            unit = _unit(model.instance, family, index)
            slacks.append(Slack(family, index, unit, 1.0 / size, first + len(rows)))
            rows.append(row)
    return np.array(rows, np.int32), tuple(slacks)


def _of_share(instance: Instance, family: str, index: tuple[int, ...]) -> tuple[int, ...]:
    """The index without the period for a share over the horizon."""
    if family.startswith("share_") and instance.shares.per[index[0]] == "horizon":
        return index[:1]
    return index


def _unit(instance: Instance, family: str, index: tuple[int, ...]) -> str:
    if family.startswith("share_"):
        return _MEASURES[instance.shares.measure[index[0]]]
    return _UNITS[family]


def _size(model: Model, family: str, index: tuple[int, ...], row: int) -> float:
    """What a break is a part of, in its unit; never 0."""
    instance = model.instance
    if family.startswith("share_"):
        when = slice(None) if len(index) == 1 else index[1]
        sums = {
            "compute": (instance.capacity_chips * instance.period_hours).sum(axis=0),
            "tokens": instance.demand_mtok.sum(axis=0),
            "spend": reserved_usd(instance).sum(axis=0),
        }
        size = float(sums[instance.shares.measure[index[0]]][when].sum())
    elif family == "budget":
        size = max(float(instance.budget_usd or 0.0), constant_usd(instance))
    elif family == "min_replicas":
        size = float(least_replicas(instance)[index[0]])
    else:
        limits = (model.program.row_lower[row], model.program.row_upper[row])
        size = max(abs(limit) for limit in limits if np.isfinite(limit))
    return size if size > 0 else 1.0


def _row_units(instance: Instance, family: str) -> float:
    """Natural units that stand for 1 in a row of the family."""
    return budget_unit_usd(instance) if family == "budget" else 1.0


def _with_columns(program: Program, rows: Index, columns: Index, values: Float) -> Program:
    """The matrix with one more entry in each of some rows; the new columns are the last."""
    more = np.bincount(rows, minlength=program.num_rows)
    starts = program.starts.copy()
    starts[1:] += np.cumsum(more)
    where = program.starts[rows + 1]
    order = np.argsort(rows, kind="stable")
    count = len(columns)
    return replace(
        program,
        starts=starts,
        columns=np.insert(program.columns, where[order], columns[order]),
        values=np.insert(program.values, where[order], values[order]),
        cols=(*program.cols, Block("slack", program.num_columns, program.num_columns + count)),
    )

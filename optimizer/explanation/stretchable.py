"""The stretchable program: rules that may give, each by one amount, at its relative size.

Beside the model's own columns there is a column for each rule that may give: for a limit that
is one number (a share, the budget, a number of replicas, power) one column that enters all rows of
the rule, for a capacity one per period. The cost of a program is the weighted sum of these
columns and nothing else (an elastic program: J. W. Chinneck, "Feasibility and Infeasibility in
Optimization", Springer 2008, ch. 6), each amount as part of its limit. Rules that are not named
stay as hard as they are.

A share limits a ratio N / D. Its column stands for N - limit D in units of the total that is
expected; :mod:`optimizer.explanation.least` finds the least ratio from there.

More chips come from a model of the instance with room to spare on these pools (so that columns
for placements and replicas are there, and no limit rounded down to whole replicas stands in the
way), whose limits are then set back to what there is. What chips of a reserved pool cost goes
into budget and shares of spend.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.explanation.change import WHOLE
from optimizer.explanation.rules import Rule, relative_size
from optimizer.instance.groups import group_mask
from optimizer.instance.instance import Instance
from optimizer.model.columns import window_sums
from optimizer.model.constraints.budget import budget_unit_usd
from optimizer.model.formulation import Formulation
from optimizer.model.model import Model
from optimizer.model.offer import chips_on_offer
from optimizer.program import INFINITY, Block, Program

Float = NDArray[np.float64]
Index = NDArray[np.int32]

ROOM = 4.0
"""How often all chips and all that demand could take would fit into the spare room of a pool."""
FAR = 1e3
"""How often a ratio may be kept by as much as its limit: more than any plan does."""


@dataclass(frozen=True, eq=False)
class Stretchable:
    """A program and the columns by which rules give.

    Attributes
    ----------
    instance : what it states.
    model : the model behind it, of an instance with more room.
    program : its cost is how much rules give.
    columns : columns of each rule that may give.
    sizes : what 1 in such a column stands for, as part of the rule's limit.
    """

    instance: Instance
    model: Model
    program: Program
    columns: Mapping[Rule, Index]
    sizes: Mapping[Rule, float]

    def parts(self, values: Float) -> dict[Rule, float]:
        """By how much each rule gives, as part of its limit; of a capacity the mean."""
        return {
            rule: self.sizes[rule] * float(values[columns].sum())
            for rule, columns in self.columns.items()
        }

    def chips(self, values: Float) -> dict[int, Float]:
        """(T,) chips that each pool gets beyond its own, by pool."""
        found = {}
        for rule, columns in self.columns.items():
            if rule.family == "capacity":
                more = np.zeros(self.instance.num_periods)
                known = self.model.rows["capacity"][rule.row] >= 0
                more[known] = values[columns] * relative_size(self.instance, rule)
                found[rule.row] = np.maximum(more, 0.0)
        return found


def stretchable(
    instance: Instance,
    charged: tuple[Rule, ...],
    free: tuple[Rule, ...] = (),
    *,
    below: bool = False,
    most_unserved: Float | None = None,
) -> Stretchable:
    """State the instance with some rules that may give.

    Parameters
    ----------
    charged, free : rules that may give at a cost, and at none.
    below : whether rules on ratios may also be kept by more than they ask for, which counts as
        less than nothing.
    most_unserved : (W, T) Mtok that may be given up at most; None for any number.
    """
    rules = (*charged, *free)
    pools = np.array([rule.row for rule in rules if rule.family == "capacity"], np.int64)
    spare = _spare_chips(instance, pools)
    roomy = dataclasses.replace(instance, capacity_chips=instance.capacity_chips + spare)
    model = Formulation().build(roomy if len(pools) else instance)
    stretch = _Stretch(instance, model, spare)
    for rule in rules:
        stretch.add(rule, rule in charged, below)
    return Stretchable(
        instance,
        model,
        _limited(stretch.program(), model, most_unserved),
        stretch.claimed,
        stretch.sizes,
    )


@dataclass
class _Stretch:
    """Collects columns and their entries, then puts them into the program."""

    instance: Instance
    model: Model
    spare: Float
    claimed: dict[Rule, Index] = field(default_factory=dict)
    sizes: dict[Rule, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        program = self.model.program
        self._next = program.num_columns
        self._bounds: list[tuple[Float, ...]] = []
        self._whole: list[NDArray[np.bool_]] = []
        self._entries: list[tuple[Index, Index, Float]] = []
        self._values = program.values.copy()
        self._row_lower, self._row_upper = program.row_lower.copy(), program.row_upper.copy()

    def add(self, rule: Rule, charged: bool, below: bool) -> None:
        """Let a rule give."""
        if rule.family == "capacity":
            self._add_chips(rule, charged)
            return
        size = relative_size(self.instance, rule)
        unit = 1.0 if rule.family in WHOLE else size
        lower = -FAR if below and rule.family.startswith(("share", "outage")) else 0.0
        column = self._claim(rule, 1, unit / size, charged, lower=lower, whole=rule.family in WHOLE)
        for rows, values in self._rows_of(rule):
            self._enter(rows, np.broadcast_to(column, rows.shape), values * unit)

    def program(self) -> Program:
        """The program with all that was claimed."""
        program = self.model.program
        cost, lower, upper = (
            np.concatenate([np.empty(0), *(entry[at] for entry in self._bounds)]) for at in range(3)
        )
        whole = np.concatenate([np.empty(0, np.bool_), *self._whole])
        count = len(cost)
        old = program.integer
        if old is None:
            old = np.zeros(program.num_columns, np.bool_)
        integer = np.concatenate((old, whole))
        grown = _with_entries(dataclasses.replace(program, values=self._values), self._entries)
        return dataclasses.replace(
            grown,
            cost=np.concatenate((np.zeros(program.num_columns), cost)),
            offset=0.0,
            lower=np.concatenate((program.lower, lower)),
            upper=np.concatenate((program.upper, upper)),
            row_lower=self._row_lower,
            row_upper=self._row_upper,
            integer=integer if bool(integer.any()) else None,
            cols=(*program.cols, Block("stretch", program.num_columns, self._next))
            if count
            else program.cols,
        )

    def _claim(
        self,
        rule: Rule,
        count: int,
        size: float,
        charged: bool,
        *,
        lower: float = 0.0,
        upper: Float | float = INFINITY,
        whole: bool = False,
    ) -> Index:
        columns = np.arange(self._next, self._next + count, dtype=np.int32)
        self._next += count
        limits = (size if charged else 0.0, lower, upper)
        self._bounds.append(tuple(np.broadcast_to(limit, (count,)) for limit in limits))
        self._whole.append(np.full(count, whole))
        self.claimed[rule], self.sizes[rule] = columns, size
        return columns

    def _enter(self, rows: Index, columns: Index, values: Float | float) -> None:
        """Add entries; places without a row and entries of 0 are passed over."""
        rows, columns, entries = np.broadcast_arrays(rows, columns, np.asarray(values))
        known = (rows >= 0) & (entries != 0)
        self._entries.append((rows[known], columns[known], entries[known]))

    def _rows_of(self, rule: Rule) -> list[tuple[Index, Float | float]]:
        """Rows of a rule, and what one unit of its limit is worth in each."""
        instance, rows = self.instance, self.model.rows
        if rule.family.startswith("share_"):
            mine, total = self._share_totals(rule)
            return [(mine, -total if rule.family == "share_max" else total)]
        if rule.family == "budget":
            return [(rows["budget"], -1.0 / budget_unit_usd(instance))]
        if rule.family == "min_replicas":
            code = instance.model_names.index(instance.models.model[rule.row])
            return [(rows["min_replicas"][code], 1.0)] if len(rows["min_replicas"]) else []
        if rule.family == "max_changes":
            pairs = instance.replica_rows == rule.row
            up, down = rows["changes_up"], rows["changes_down"]
            return [(up[pairs].ravel(), -1.0), (down[pairs].ravel(), 1.0)] if len(up) else []
        if rule.family == "outage":
            return [(rows["outages"][rule.row].ravel(), window_sums(instance).ravel())]
        return [(rows["power"][rule.row], -instance.period_hours)]

    def _share_totals(self, rule: Rule) -> tuple[Index, Float]:
        """Rows of a share, and the total that is expected in each, in the unit of its measure."""
        instance = self.instance
        rows = self.model.rows[rule.family][rule.row]
        hours = instance.capacity_chips * instance.period_hours
        measure = instance.shares.measure[rule.row]
        total = instance.demand_mtok.sum(axis=0)
        if measure == "compute":
            total = hours[~instance.left_out].sum(axis=0)
        elif measure == "spend":
            price = np.where(instance.left_out[:, None], 0.0, instance.price_usd_per_chip_hour)
            total = (price * hours).sum(axis=0)
        if instance.shares.per[rule.row] == "horizon":
            rows, total = rows[:1], total.sum(keepdims=True)
        return rows, np.where(total > 0, total, 1.0)

    def _add_chips(self, rule: Rule, charged: bool) -> None:
        instance, pool, hours = self.instance, rule.row, self.instance.period_hours
        rows = self.model.rows["capacity"][pool]
        known = np.flatnonzero(rows >= 0)
        size, spare = relative_size(instance, rule), self.spare[pool]
        part = 1.0 / instance.num_periods
        columns = self._claim(rule, len(known), part, charged, upper=spare[known] / size)
        self._enter(rows[known], columns, np.full(len(known), -hours * size))
        activated = int(self.model.columns.activated[pool])
        if activated < 0:
            self._row_upper[rows[known]] -= spare[known] * hours
        else:
            self._set_back(rows[known], activated, instance.capacity_chips[pool, known] * hours)
        if bool(instance.reserved[pool]):
            usd = instance.price_usd_per_chip_hour[pool] * hours
            self._pay(pool, columns, known, usd[known] * size)
            self._pay_less(pool, usd * spare)

    def _pay(self, pool: int, columns: Index, known: NDArray[np.intp], usd: Float) -> None:
        """What more chips of a reserved pool cost: in the row of the budget, in shares of spend."""
        row = self.model.rows["budget"]
        self._enter(np.broadcast_to(row, (len(known),)), columns, usd / self._budget_unit())
        for rows, weight in self._spend_rows(pool):
            self._enter(rows[known], columns, weight * usd)

    def _pay_less(self, pool: int, usd: Float) -> None:
        """Take back what the spare chips of a reserved pool cost, (T,) USD.

        They stand in the constant parts of rows on spend and of the budget.
        """
        budget = int(self.model.rows["budget"][0])
        if budget >= 0:
            self._row_upper[budget] += float(usd.sum()) / self._budget_unit()
        for rows, weight in self._spend_rows(pool):
            # The row reads N - part D, the constant on the right-hand side.
            for limits in (self._row_lower, self._row_upper):
                np.add.at(limits, rows, weight * usd)

    def _spend_rows(self, pool: int) -> list[tuple[Index, float]]:
        """(T,) rows on shares of spend, and what a USD spent on the pool adds to them."""
        found, shares = [], self.instance.shares
        for row in range(len(shares.share)):
            if shares.measure[row] != "spend":
                continue
            group = group_mask(self.instance.pools, shares.attribute[row], shares.value[row])
            for side, limits in (("share_max", shares.max), ("share_min", shares.min)):
                rows = self.model.rows[side][row]
                if bool((rows >= 0).all()):
                    found.append((rows, float(group[pool]) - float(limits[row])))
        return found

    def _set_back(self, rows: Index, column: int, hours: Float) -> None:
        """Entries of the column that says whether a pool is activated: the chips that there are."""
        starts, columns = self.model.program.starts, self.model.program.columns
        for row, most in zip(rows.tolist(), hours.tolist(), strict=True):
            at = slice(int(starts[row]), int(starts[row + 1]))
            place = int(starts[row]) + int(np.flatnonzero(columns[at] == column)[0])
            self._values[place] = -most

    def _budget_unit(self) -> float:
        return budget_unit_usd(self.instance)


def _spare_chips(instance: Instance, pools: NDArray[np.int64]) -> Float:
    """(P, T) chips beyond those on offer that some pools could use at most."""
    spare = np.zeros(instance.capacity_chips.shape)
    if len(pools) == 0:
        return spare
    table, hours = instance.routes, instance.period_hours
    wanted = 0.0
    if instance.num_routes:
        most = window_sums(instance).max(axis=1)[table.workload]
        wanted = float((table.chip_hours_per_mtok * most).sum()) / hours
    chips = float(instance.replicas.chips_per_replica.max(initial=0.0))
    running = instance.models.min_replicas.sum() + instance.in_force.replicas.sum()
    there = float(chips_on_offer(instance)[~instance.left_out].sum(axis=0).max(initial=0.0))
    # One replica more for each workload that keeps less than one busy.
    wanted += chips * (float(running) + instance.num_workloads)
    spare[pools] = max(ROOM * (wanted + there), 1.0)
    return spare


def _limited(program: Program, model: Model, most_unserved: Float | None) -> Program:
    if most_unserved is None:
        return program
    columns, upper = model.columns.unserved, program.upper.copy()
    known = columns >= 0
    upper[columns[known]] = np.minimum(upper[columns[known]], most_unserved[known])
    return dataclasses.replace(program, upper=upper)


def _with_entries(program: Program, entries: list[tuple[Index, Index, Float]]) -> Program:
    """The matrix with more entries, all in columns behind its own."""
    if not entries:
        return program
    rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
    order = np.lexsort((columns, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    where = program.starts[rows + 1]
    starts = program.starts.copy()
    starts[1:] += np.cumsum(np.bincount(rows, minlength=program.num_rows))
    return dataclasses.replace(
        program,
        starts=starts,
        columns=np.insert(program.columns, where, columns),
        values=np.insert(program.values, where, values),
    )

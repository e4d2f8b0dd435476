"""A change of a rule, and the instance with it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InternalError
from optimizer.explanation.rules import Rule, limit_of, relative_size
from optimizer.instance.instance import Instance

Float = NDArray[np.float64]

HAIR = 1e-6
"""Part of its limit by which a rule gives more than it must, for the rounding of solvers."""
WHOLE = ("min_replicas", "max_changes")
"""Families whose limits are whole numbers."""


@dataclass(frozen=True, eq=False)
class Change:
    """By how much one rule gives.

    Attributes
    ----------
    rule : which.
    before, after : its limit; of a capacity the most chips that are added in any period stand
        in ``after``, with 0 before.
    chips : (T,) chips more in each period, for a capacity; None for all others.
    """

    rule: Rule
    before: float
    after: float
    chips: Float | None = None

    @property
    def amount(self) -> float:
        """By how much the limit moves, in its unit; never below 0."""
        return abs(self.after - self.before)

    def part_of(self, size: float) -> float:
        """The amount as part of a size; of a capacity the mean over the periods."""
        if self.chips is None:
            return self.amount / size
        return float(self.chips.mean()) / size

    def scaled(self, factor: float) -> Change:
        """The same with another amount."""
        after = self.before + factor * (self.after - self.before)
        chips = None if self.chips is None else factor * self.chips
        return dataclasses.replace(self, after=after, chips=chips)


def relaxed(instance: Instance, changes: Change | Iterable[Change], hair: float = HAIR) -> Instance:
    """The instance with some rules relaxed.

    Parameters
    ----------
    hair : part of its limit by which each rule gives more than said, so that it suffices.
    """
    listed = [changes] if isinstance(changes, Change) else list(changes)
    # An outage that goes moves those behind it: they come first.
    for change in sorted(listed, key=lambda change: -change.rule.row):
        instance = _with(instance, change, hair)
    return instance


def _with(instance: Instance, change: Change, hair: float) -> Instance:
    rule, room = change.rule, hair * relative_size(instance, change.rule)
    if rule.family == "capacity":
        assert change.chips is not None
        chips = instance.capacity_chips.copy()
        chips[rule.row] += np.where(change.chips > 0, change.chips + room, 0.0)
        return dataclasses.replace(instance, capacity_chips=chips)
    down = rule.family in ("share_min", "min_replicas", "outage")
    limit = change.after - room if down else change.after + room
    if rule.family in WHOLE:
        limit = math.floor(limit + 1e-4) if down else math.ceil(limit - 1e-4)
        limit = max(limit, 0)
    if rule.family == "budget":
        return dataclasses.replace(instance, budget_usd=limit)
    if rule.family in ("share_max", "share_min"):
        return _share(instance, rule, min(max(limit, 0.0), 1.0))
    if rule.family == "outage" and limit <= 0:
        return _without_outage(instance, rule.row)
    table, column = {
        "min_replicas": ("models", "min_replicas"),
        "max_changes": ("replicas", "max_changes_per_period"),
        "outage": ("outages", "served"),
        "power": ("power", "max_mw"),
    }[rule.family]
    return _replaced(instance, table, column, rule.row, limit)


def _share(instance: Instance, rule: Rule, limit: float) -> Instance:
    side = rule.family.removeprefix("share_")
    shares = instance.shares
    other = float((shares.min if side == "max" else shares.max)[rule.row])
    # A row's min may not stand above its max: both sides meet.
    if not math.isnan(other):
        limit = max(limit, other) if side == "max" else min(limit, other)
    return _replaced(instance, "shares", side, rule.row, limit)


def _without_outage(instance: Instance, row: int) -> Instance:
    """An outage after which nothing must be served is no rule, and the format knows no 0."""
    table = instance.outages
    kept = [other for other in range(len(table.outage)) if other != row]
    outages = dataclasses.replace(
        table,
        outage=tuple(table.outage[other] for other in kept),
        attribute=table.attribute.take(kept),
        value=table.value.take(kept),
        served=table.served[kept],
    )
    return dataclasses.replace(instance, outages=outages)


def _replaced(instance: Instance, table: str, column: str, row: int, value: float) -> Instance:
    record: Any = getattr(instance, table)
    values = getattr(record, column).copy()
    values[row] = value
    changed = dataclasses.replace(record, **{column: values})
    return dataclasses.replace(instance, **{table: changed})


def change_of(instance: Instance, rule: Rule, after: float, chips: Float | None = None) -> Change:
    """The change of a rule from what it is to what it must be.

    Raises
    ------
    InternalError
        When a capacity comes without chips.
    """
    if rule.family != "capacity":
        return Change(rule, limit_of(instance, rule), after)
    if chips is None:
        raise InternalError("a change of capacity needs the chips of each period")
    return Change(rule, 0.0, float(chips.max(initial=0.0)), chips)

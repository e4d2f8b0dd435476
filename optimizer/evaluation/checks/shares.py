"""Twin of the family "shares": parts of totals between min and max, by horizon or period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.costs import chip_usd
from optimizer.evaluation.groups import members
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import RELATIVE, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Share:
    """What a limit on a share looks at.

    Attributes
    ----------
    held, total : measure of the group and of all pools; (T,) by period, or (1,) over the
        horizon, as the limit counts.
    """

    held: Float
    total: Float

    @property
    def part(self) -> Float:
        """Part that the group holds; NaN where there is nothing to hold."""
        known = self.total > 0
        return np.where(known, self.held / np.where(known, self.total, 1.0), np.nan)


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Shares that are out of their limits."""
    shares = instance.shares
    for position, found in enumerate(share_amounts(instance, sums)):
        slack = RELATIVE * found.total
        where = (
            f"{shares.share[position]}: {shares.attribute[position]} "
            f"{shares.value[position]}, part of {shares.measure[position]}"
        )
        low, high = float(shares.min[position]), float(shares.max[position])
        for side, limit, broken in (
            ("over its max", high, found.held > high * found.total + slack),
            ("under its min", low, found.held < low * found.total - slack),
        ):
            for span in np.flatnonzero(broken).tolist():
                when = f", period {span}" if shares.per[position] == "period" else ""
                part = float(np.nan_to_num(found.part[span]))
                yield Violation("shares", f"{where}{when} {side}", part, limit, "fraction")


def share_amounts(instance: Instance, sums: Tally) -> list[Share]:
    """For each share, the measure of its group and of all pools together."""
    shares = instance.shares
    if len(shares.share) == 0:
        return []
    measures: dict[str, Float] = {
        "compute": sums.held_chip_hours,
        "tokens": sums.pool_mtok,
        "spend": chip_usd(instance, sums) + sums.pool_route_usd,
    }
    groups = members(instance, shares)
    amounts = []
    for position in range(len(shares.share)):
        measure = measures[shares.measure[position]]
        if shares.per[position] == "horizon":
            measure = measure.sum(axis=1, keepdims=True)
        amounts.append(Share(measure[groups[position]].sum(axis=0), measure.sum(axis=0)))
    return amounts

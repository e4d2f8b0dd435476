"""Twin of the family "shares": parts of the horizon's totals, between min and max."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.costs import pool_spend_usd
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import RELATIVE, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

Float = NDArray[np.float64]


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Shares that are out of their limits."""
    shares = instance.shares
    for position, (held, total) in enumerate(share_amounts(instance, sums)):
        low, high = float(shares.min[position]), float(shares.max[position])
        part = held / total if total > 0 else 0.0
        slack = RELATIVE * total
        where = (
            f"{shares.share[position]}: {shares.attribute[position]} "
            f"{shares.value[position]}, part of {shares.measure[position]}"
        )
        if held > high * total + slack:
            yield Violation("shares", where + " over its max", part, high, "fraction")
        if held < low * total - slack:
            yield Violation("shares", where + " under its min", part, low, "fraction")


def share_amounts(instance: Instance, sums: Tally) -> list[tuple[float, float]]:
    """For each share, the measure of its group and of all pools together."""
    measures: dict[str, Float] = {
        "compute": sums.load_chip_hours.sum(axis=1),
        "tokens": sums.pool_mtok,
        "spend": pool_spend_usd(instance, sums),
    }
    shares = instance.shares
    amounts = []
    for position in range(len(shares.share)):
        attribute, value = shares.attribute[position], shares.value[position]
        column = getattr(instance.pools, attribute)
        names = column if attribute == "pool" else column.values()
        measure = measures[shares.measure[position]]
        held = sum(float(measure[p]) for p, name in enumerate(names) if name == value)
        amounts.append((held, float(np.sum(measure))))
    return amounts

"""Coupling: limits on sums over several pools, workloads or periods, as rows over what is taken.

A Mtok on a route takes chip-hours of its pool, counts as a Mtok there, and spends the route's own
USD. With L[g,p,t] the sums of the three, every limit on shares, power and the budget is a row

    sum over g, p  coefficient[g,p,t] L[g,p,t]  <=  limit[t]          in each period, or
    sum over g, p, t  coefficient[g,p,t] L[g,p,t]  <=  limit          over the horizon

(docs/problem.md, families "shares", "power", "budget"; a min is a max with its sign changed).
Prices on the rows are prices on what is taken: that is all that workloads see of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.costs import reserved_usd, usage_usd_per_chip_hour
from optimizer.model.groups import pools_of

Float = NDArray[np.float64]

GOODS = ("compute", "tokens", "usd")
"""What a Mtok takes: chip-hours, itself, and USD of the route. The first is always counted."""
WATTS_PER_MW = 1e6


@dataclass(frozen=True, eq=False)
class Row:
    """One limit.

    Attributes
    ----------
    family : name of its array of prices, as in :class:`~optimizer.prices.Prices`.
    position : its place there.
    coefficient : by good, (P, T).
    limit : (T,) in each period, or (1,) over the horizon.
    over : whether it counts over the horizon.
    """

    family: str
    position: int
    coefficient: dict[str, Float]
    limit: Float
    over: bool = False


@dataclass(frozen=True, eq=False)
class Coupling:
    """All limits of an instance beyond those of single pools. Axes g: goods that any row counts.

    Attributes
    ----------
    goods : names on axis g.
    each : rows that hold in each period; coefficients (K, g, P, T), limits (K, T).
    whole : rows over the horizon; coefficients (J, g, P, T), limits (J,).
    names : family and position of each row, first of ``each``, then of ``whole``.
    """

    goods: tuple[str, ...]
    each: Float
    each_limit: Float
    whole: Float
    whole_limit: Float
    names: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, instance: Instance) -> Coupling:
        """Rows of an instance."""
        rows = [*_share_rows(instance), *_power_rows(instance), *_budget_row(instance)]
        used = {good for row in rows for good in row.coefficient}
        goods = tuple(good for good in GOODS if good in used or good == GOODS[0])
        shape = (len(goods), *instance.capacity_chips.shape)
        periods = instance.num_periods
        each, whole = [row for row in rows if not row.over], [row for row in rows if row.over]
        ordered = [*each, *whole]
        matrix = np.zeros((len(ordered), *shape))
        for place, row in enumerate(ordered):
            for good, values in row.coefficient.items():
                matrix[place, goods.index(good)] = values
        return cls(
            goods=goods,
            each=matrix[: len(each)],
            each_limit=np.array([row.limit for row in each]).reshape(len(each), periods),
            whole=matrix[len(each) :],
            whole_limit=np.array([row.limit[0] for row in whole]),
            names=tuple((row.family, row.position) for row in ordered),
        )

    def __len__(self) -> int:
        return len(self.names)

    def prices(self, each: Float, whole: Float) -> Float:
        """(g, P, T) what prices on the rows, (K, T) and (J,), add to prices of what is taken."""
        return np.asarray(
            np.einsum("kt,kgpt->gpt", each, self.each) + np.einsum("j,jgpt->gpt", whole, self.whole)
        )

    def taken(self, load: Float) -> tuple[Float, Float]:
        """Left-hand sides, (K, T) and (J,), of what is taken, (g, P, T)."""
        return (
            np.asarray(np.einsum("kgpt,gpt->kt", self.each, load)),
            np.asarray(np.einsum("jgpt,gpt->j", self.whole, load)),
        )

    def named(self, each: Float, whole: Float, instance: Instance) -> dict[str, Float]:
        """Prices by the names that the judge knows, those over the horizon in every period."""
        periods = instance.num_periods
        sizes = {
            "share_max_usd": len(instance.shares.share),
            "share_min_usd": len(instance.shares.share),
            "power_usd_per_mwh": len(instance.power.limit),
        }
        found: dict[str, Float] = {name: np.zeros((n, periods)) for name, n in sizes.items()}
        found["budget_usd_per_usd"] = np.zeros(())
        values = [*each, *whole]
        for (family, position), value in zip(self.names, values, strict=True):
            if family == "budget_usd_per_usd":
                found[family] = np.asarray(value, np.float64)
            else:
                found[family][position] = value
        return found


def _share_rows(instance: Instance) -> list[Row]:
    shares, rows = instance.shares, []
    usage, reserved = usage_usd_per_chip_hour(instance), reserved_usd(instance)
    one = np.ones(usage.shape)
    measures: dict[str, dict[str, Float]] = {
        "compute": {"compute": one},
        "tokens": {"tokens": one},
        "spend": {"compute": usage, "usd": one},
    }
    for position in range(len(shares.share)):
        group = pools_of(instance, shares.attribute[position], shares.value[position])
        measure = shares.measure[position]
        over = shares.per[position] == "horizon"
        for family, sign, part in (
            ("share_max_usd", 1.0, float(shares.max[position])),
            ("share_min_usd", -1.0, float(shares.min[position])),
        ):
            if math.isnan(part):
                continue
            weight = (sign * (group - part) * ~instance.left_out)[:, None]
            limit = np.zeros(usage.shape[1])
            if measure == "spend":
                limit = -(weight * reserved).sum(axis=0)
            rows.append(
                Row(
                    family,
                    position,
                    {good: weight * values for good, values in measures[measure].items()},
                    limit.sum(keepdims=True) if over else limit,
                    over,
                )
            )
    return rows


def _power_rows(instance: Instance) -> list[Row]:
    table, rows = instance.power, []
    megawatts = np.nan_to_num(instance.pools.watts_per_chip) / WATTS_PER_MW
    one = np.ones(instance.num_periods)
    for position in range(len(table.limit)):
        group = pools_of(instance, table.attribute[position], table.value[position])
        drawn = np.where(group & ~instance.left_out, megawatts, 0.0)
        most = float(table.max_mw[position]) * instance.period_hours
        rows.append(
            Row("power_usd_per_mwh", position, {"compute": drawn[:, None] * one}, most * one)
        )
    return rows


def _budget_row(instance: Instance) -> list[Row]:
    if instance.budget_usd is None:
        return []
    usage = usage_usd_per_chip_hour(instance)
    parts: dict[str, Any] = {"compute": usage, "usd": np.ones(usage.shape)}
    left = float(instance.budget_usd) - float(reserved_usd(instance).sum())
    return [Row("budget_usd_per_usd", 0, parts, np.array([left]), over=True)]

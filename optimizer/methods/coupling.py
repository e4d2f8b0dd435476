"""Coupling: limits on sums over several pools, workloads or periods, as rows over what is taken.

A Mtok on a route takes chip-hours of its pool, and may count in a limit beside: as itself where
tokens are limited, by the route's own USD where spend is. With O[p,t] the chip-hours and x[r,t] the
Mtok on routes, every limit on shares, power and the budget is a row

    sum over p  hours[p,t] O[p,t]  +  sum over r  extra[r] x[r,t]  <=  limit[t]    in each period,

or with sums over all periods over the horizon (docs/problem.md, families "shares", "power",
"budget"; a min is a max with its sign changed). To a workload, prices on the rows look like prices
of chip-hours, and like prices of a Mtok on each route.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.methods.market import Market
from optimizer.model.costs import reserved_usd, usage_usd_per_chip_hour
from optimizer.model.groups import pools_of
from optimizer.prices import Prices

Float = NDArray[np.float64]
Int = NDArray[np.int64]

WATTS_PER_MW = 1e6


@dataclass(frozen=True, eq=False)
class Row:
    """One limit.

    Attributes
    ----------
    family : name of its array of prices, as in :class:`~optimizer.prices.Prices`.
    position : its place there.
    hours : (P, T) weight of a chip-hour.
    extra : (r,) weight of a Mtok on each route beside its chip-hours; None for nothing.
    limit : (T,) in each period, or (1,) over the horizon.
    over : whether it counts over the horizon.
    """

    family: str
    position: int
    hours: Float
    extra: Float | None
    limit: Float
    over: bool = False


@dataclass(frozen=True, eq=False)
class Coupling:
    """All limits of an instance beyond those of single pools: K in each period, J over all.

    Attributes
    ----------
    each, each_limit : (K, P, T) weights of chip-hours, and (K, T) limits.
    whole, whole_limit : (J, P, T) and (J,) the same over the horizon.
    extra : (C, r) what a Mtok on each route counts beside, in those rows where it does.
    extra_row : (C,) which rows these are, ``each`` before ``whole``.
    names : family and position of each row, in that order.
    """

    each: Float
    each_limit: Float
    whole: Float
    whole_limit: Float
    extra: Float
    extra_row: Int
    names: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, instance: Instance, market: Market) -> Coupling:
        """Rows of an instance."""
        rows = [
            *_share_rows(instance, market),
            *_power_rows(instance),
            *_budget_row(instance, market),
        ]
        each, whole = [row for row in rows if not row.over], [row for row in rows if row.over]
        ordered, shape = [*each, *whole], instance.capacity_chips.shape
        extra = [(row, at) for at, row in enumerate(ordered) if row.extra is not None]
        return cls(
            each=np.array([row.hours for row in each]).reshape(len(each), *shape),
            each_limit=np.array([row.limit for row in each]).reshape(len(each), shape[1]),
            whole=np.array([row.hours for row in whole]).reshape(len(whole), *shape),
            whole_limit=np.array([row.limit[0] for row in whole]),
            extra=np.array([row.extra for row, _ in extra]).reshape(len(extra), len(market.hours)),
            extra_row=np.array([at for _, at in extra], np.int64),
            names=tuple((row.family, row.position) for row in ordered),
        )

    def __len__(self) -> int:
        return len(self.names)

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

    def unnamed(self, prices: Prices) -> tuple[Float, Float]:
        """Prices of the rows, (K, T) and (J,), from those that the judge knows."""
        count = len(self.each)
        values = [getattr(prices, family) for family, _ in self.names]
        each = [values[row][position] for row, (_, position) in enumerate(self.names[:count])]
        whole = [
            np.min(value) if value.ndim == 0 else value[position].min()
            for value, (_, position) in zip(values[count:], self.names[count:], strict=True)
        ]
        return np.array(each).reshape(self.each_limit.shape), np.array(whole)


def _share_rows(instance: Instance, market: Market) -> list[Row]:
    shares, rows = instance.shares, []
    usage, reserved = usage_usd_per_chip_hour(instance), reserved_usd(instance)
    hours = {"compute": np.ones(usage.shape), "tokens": np.zeros(usage.shape), "spend": usage}
    beside = {"compute": None, "tokens": np.ones(len(market.usd)), "spend": market.usd}
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
            weight = sign * (group - part) * ~instance.left_out
            limit = np.zeros(usage.shape[1])
            if measure == "spend":
                limit = -(weight[:, None] * reserved).sum(axis=0)
            amount = beside[measure]
            rows.append(
                Row(
                    family,
                    position,
                    weight[:, None] * hours[measure],
                    None if amount is None else weight[market.pool] * amount,
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
        rows.append(Row("power_usd_per_mwh", position, drawn[:, None] * one, None, most * one))
    return rows


def _budget_row(instance: Instance, market: Market) -> list[Row]:
    if instance.budget_usd is None:
        return []
    left = float(instance.budget_usd) - float(reserved_usd(instance).sum())
    usage = usage_usd_per_chip_hour(instance)
    return [Row("budget_usd_per_usd", 0, usage, market.usd, np.array([left]), over=True)]

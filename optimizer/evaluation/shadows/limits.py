"""What limits over many pools are worth: shares, power, budget, outages, numbers of replicas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.checks.shares import share_amounts
from optimizer.evaluation.lanes import Lanes, lane_names
from optimizer.evaluation.priced_routes import protected_usd
from optimizer.evaluation.shadows.family import PART, POINT, Family, named
from optimizer.evaluation.tally import Tally
from optimizer.instance.instance import Instance
from optimizer.prices import Prices

Float = NDArray[np.float64]


def shares(instance: Instance, prices: Prices, sums: Tally) -> list[Family]:
    """At the margin: d cost / d limit = mu * sum M, times a point.

    Those over the horizon first, then those by period.
    """
    table = instance.shares
    usd = prices.share_max_usd + prices.share_min_usd
    by_period = table.per.equal("period")
    amounts = share_amounts(instance, sums)
    found = []
    for rows, horizon in ((np.flatnonzero(~by_period), True), (np.flatnonzero(by_period), False)):
        if len(rows) == 0:
            continue
        total = np.array([amounts[row].total for row in rows.tolist()])
        mu = usd[rows].min(axis=1, keepdims=True) if horizon else usd[rows]
        value = mu * total * POINT
        names = named(table.share, rows)
        found.append(Family("shares", names, value, value.sum(axis=1), horizon=horizon))
    return found


def power(instance: Instance, prices: Prices) -> Family:
    """One more MWh in a period."""
    value = prices.power_usd_per_mwh
    worth = PART * value.sum(axis=1) * instance.power.max_mw * instance.period_hours
    return Family("power", instance.power.limit, value, worth)


def budget(instance: Instance, prices: Prices) -> Family:
    """One more USD."""
    usd = np.array([float(prices.budget_usd_per_usd)])
    worth = PART * usd * float(instance.budget_usd or 0.0)
    return Family("budget", ("budget",), usd[:, None], worth, horizon=True)


def outages(instance: Instance, prices: Prices, sums: Tally) -> Family:
    """One point less of what is placed that must be served after a loss."""
    usd = protected_usd(instance, prices.outage_usd_per_mtok)
    names = instance.outages.outage
    value = np.zeros(len(names))
    if usd is not None:
        value = POINT * np.einsum("gwt,wt->g", usd, sums.placed_mtok)
    return Family("outages", names, value[:, None], value, horizon=True)


def min_replicas(instance: Instance, prices: Prices) -> Family:
    """One replica less asked for."""
    table = instance.models
    rows = np.flatnonzero(table.min_replicas > 0)
    names = named(table.model, rows)
    value = prices.min_replicas_usd[[instance.model_names.index(name) for name in names]]
    worth = PART * value.sum(axis=1) * table.min_replicas[rows]
    return Family("min_replicas", names, value, worth)


def startup(instance: Instance, prices: Prices, lanes: Lanes) -> Family:
    """One more change of the number of replicas."""
    rows = np.flatnonzero(np.isfinite(lanes.max_changes))
    value = prices.change_usd[lanes.model[rows], lanes.pool[rows]]
    worth = PART * value.sum(axis=1) * lanes.max_changes[rows]
    return Family("startup", named(lane_names(instance, lanes), rows), value, worth)

"""Tokens given up: whose, when, how many, and why.

Each workload and period in which tokens are given up has one of five causes:

closed   no route may be used then: no row, or what deriving routes found in the way; residency,
         qualification, a price that is not known;
cheaper  giving up costs less than the cheapest way to serve, or nothing but cost stands
         against serving (a whole replica, a fee, chips in reserve);
fixed    rules stand in the way that have no amount by which they could give: the time that weights
         take to load, a pinned workload, priority;
whole    nothing but whole numbers stands in the way: with parts of replicas no rule had to give;
limits   limits stand in the way. The stretchable program, with nothing of it given up and no more
         than now of all else, says which would have to give and by how much at least, each
         as part of its limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.openings import route_opens
from optimizer.evaluation.verdict import SPECK
from optimizer.explanation.derived_routes import refused_pairs
from optimizer.explanation.least import Relaxed
from optimizer.explanation.list_price import least_paid_usd_per_mtok
from optimizer.explanation.needed import judged, needed
from optimizer.explanation.routes_closed import closings
from optimizer.explanation.rules import rules_of
from optimizer.explanation.search import Answer, Search, plan_of
from optimizer.explanation.spans import Span, spans_of
from optimizer.explanation.stretchable import Stretchable, stretchable
from optimizer.instance.instance import Instance
from optimizer.plan import Plan

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

NOISE = 1e-6
"""Part of a workload's largest demand below which tokens given up are rounding."""
MOST_BEYOND = 2.0
"""How often the amount of the linear relaxation an unfinished search may give."""


@dataclass(frozen=True)
class GivenUp:
    """Tokens of a workload that are given up for one cause.

    Attributes
    ----------
    workload : position of the workload.
    spans : first and last period of each run of periods.
    mtok : how many, over these periods.
    penalty_usd : what that costs.
    cause : closed, cheaper, fixed, whole, limits; unknown when time was too
        short.
    least_usd_per_mtok : least that serving could cost, at the cheapest open route of these
        periods and with nothing scarce; NaN where no route is open.
    closed : why pools are closed, by name of the pool, in the first of these periods; only
        where that is the cause.
    """

    workload: int
    spans: tuple[Span, ...]
    mtok: float
    penalty_usd: float
    cause: str
    least_usd_per_mtok: float
    closed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Unserved:
    """All that is given up.

    Attributes
    ----------
    rows : by workload and cause, the dearest first.
    needed : what would have to give for all that limits stand against; None where they do not,
        or it was not found out in time.
    """

    rows: tuple[GivenUp, ...]
    needed: Relaxed | None


def explain_unserved(instance: Instance, plan: Plan, search: Search) -> Unserved:
    """Explain what a plan gives up.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C.
    """
    unserved = np.zeros(instance.demand_mtok.shape)
    np.add.at(unserved, (plan.unserved_workload, plan.unserved_period), plan.unserved_mtok)
    least = _least_usd(instance)
    speck = NOISE * instance.demand_mtok.max(axis=1, initial=0.0)[:, None] + SPECK
    told = unserved > speck
    closed = told & np.isnan(least)
    penalty = instance.workloads.unserved_usd_per_mtok[:, None]
    cheaper = told & ~closed & (least >= penalty)
    limited = told & ~closed & ~cheaper
    fixed, found, cause = np.zeros_like(limited), None, "limits"
    if bool(limited.any()):
        movable, found, cause = _room_for(instance, unserved, limited, search)
        limited, fixed = movable, limited & ~movable
    rows = []
    every = (("closed", closed), ("cheaper", cheaper), ("fixed", fixed), (cause, limited))
    refused = refused_pairs(instance, np.flatnonzero(closed.any(axis=1)))
    for why, cells in every:
        for workload in np.flatnonzero(cells.any(axis=1)).tolist():
            rows.append(_row(instance, workload, cells[workload], unserved, least, why, refused))
    rows.sort(key=lambda row: -row.penalty_usd)
    return Unserved(tuple(rows), found)


def _room_for(
    instance: Instance, unserved: Float, limited: Bool, search: Search
) -> tuple[Bool, Relaxed | None, str]:
    """What would have to give for cells to be served.

    Returns
    -------
    movable : (W, T) those cells that limits could make room for. Where they cannot for all
        together, workloads are added one by one as long as they can.
    found : what gives, None when nothing has to or it was not found out.
    cause : what that says about these cells.
    """
    movable, tried = limited, _tried(instance, unserved, limited, search, 0.6)
    if tried is None:
        movable = np.zeros_like(limited)
        for workload in np.flatnonzero(limited.any(axis=1)).tolist():
            more = movable.copy()
            more[workload] = limited[workload]
            again = _tried(instance, unserved, more, search, 0.2)
            if again is not None:
                movable, tried = more, again
    if tried is None:
        return movable, None, "limits"
    answer = tried.answer
    if answer.values is None:
        return movable, None, "unknown"
    rules, plan = rules_of(instance), plan_of(tried.stretch, answer.values)
    changes = needed(instance, rules, plan, tried.stretch.chips(answer.values))
    if not changes:
        exact = tried.whole or tried.stretch.program.integer is None
        return movable, None, "cheaper" if exact else "whole"
    verdict = judged(instance, changes, plan)
    found = Relaxed(changes, plan, verdict, answer.least, tried.whole, answer.source)
    return movable, found, "limits"


@dataclass(frozen=True, eq=False)
class _Tried:
    """A stretchable program in which some cells must be served, and the best that is known."""

    stretch: Stretchable
    answer: Answer
    whole: bool


def _tried(
    instance: Instance, unserved: Float, cells: Bool, search: Search, part: float
) -> _Tried | None:
    """Let rules give until some cells are served; None when they cannot.

    Parameters
    ----------
    part : of the time that is left after the linear relaxation, for whole numbers.
    """
    most = np.where(cells, 0.0, unserved)
    stretch = stretchable(instance, rules_of(instance), most_unserved=most)
    linear = search.least(stretch, whole=False)
    if linear.feasible is False:
        return None
    if stretch.program.integer is None:
        return _Tried(stretch, linear, whole=False)
    exact = search.least(stretch, whole=True, part=part)
    if exact.feasible is False:
        return None
    if _is_of_use(stretch, exact, linear):
        return _Tried(stretch, exact, whole=True)
    return _Tried(stretch, linear, whole=False)


def _is_of_use(stretch: Stretchable, exact: Answer, linear: Answer) -> bool:
    """Whether what was found with whole numbers says more than the linear relaxation does.

    A search that was cut short may give plans in which rules give far more than they must.
    """
    if exact.values is None or exact.least or linear.values is None:
        return exact.values is not None
    cost = stretch.program.cost
    return bool(cost @ exact.values <= MOST_BEYOND * (cost @ linear.values) + NOISE)


def _least_usd(instance: Instance) -> Float:
    """(W, T) least that serving one more Mtok can cost, NaN where no route is open."""
    least = np.full(instance.demand_mtok.shape, np.inf)
    table, opens = instance.routes, route_opens(instance)
    usd = least_paid_usd_per_mtok(instance)
    usd = np.where(np.arange(instance.num_periods) >= opens[:, None], usd, np.inf)
    np.minimum.at(least, table.workload, usd)
    return np.where(np.isinf(least), np.nan, least)


def _row(
    instance: Instance,
    workload: int,
    cells: Bool,
    unserved: Float,
    least: Float,
    cause: str,
    refused: Mapping[tuple[int, int], str],
) -> GivenUp:
    mtok = float(unserved[workload, cells].sum())
    closed: tuple[tuple[str, str], ...] = ()
    if cause == "closed":
        found = closings(instance, workload, int(np.flatnonzero(cells)[0]), refused)
        closed = tuple((instance.pools.pool[pool], why) for pool, why in found.items())
    usd = least[workload, cells]
    return GivenUp(
        workload,
        spans_of(cells),
        mtok,
        mtok * float(instance.workloads.unserved_usd_per_mtok[workload]),
        cause,
        float("nan") if bool(np.isnan(usd).all()) else float(np.nanmin(usd)),
        closed,
    )

"""The risk of a fixed plan: cost, unserved demand and promises over draws of what is uncertain.

The recourse rule, the distributions and every formula: docs/risk.md.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, InternalError, Problem, UsageError
from optimizer.evaluation.admission import admit
from optimizer.evaluation.attained import attainment_by_queue
from optimizer.evaluation.attainment import Attainment
from optimizer.evaluation.comparison import Against, compared
from optimizer.evaluation.costs import Costs
from optimizer.evaluation.distribution import Distribution, variance_of
from optimizer.evaluation.draws import Draws
from optimizer.evaluation.recourse import Recourse
from optimizer.evaluation.risk_sample import SOURCES, Sample, sampled
from optimizer.evaluation.tightened_routes import margin_note, planned_with
from optimizer.evaluation.uncertainty import Ranges, Uncertainty, ranges_of
from optimizer.evaluation.verdict import MOST, RELATIVE, no_amount
from optimizer.instance.instance import Instance
from optimizer.plan import Plan
from optimizer.progress import Progress, Silent

Float = NDArray[np.float64]

MOST_DRAWS = 10_000_000
"""Draws that one call may ask for: some arrays of 80 MB."""
AGREE = 1e-9
"""Part of the judge's cost by which the cost with nothing drawn may differ from it."""

__all__ = ["PoolRisk", "Risk", "Source", "Uncertainty", "risk"]


@dataclass(frozen=True)
class PoolRisk:
    """A pool that is short of room in some draw.

    Attributes
    ----------
    pool : its name.
    chance : part of the draws in which it is short of room in at least one period.
    mean_cut_mtok : Mtok per draw that do not fit there.
    """

    pool: str
    chance: float
    mean_cut_mtok: float


@dataclass(frozen=True)
class Source:
    """What one source of uncertainty does by itself, all others as stated.

    Attributes
    ----------
    name : demand, throughput or price.
    mean_usd : mean of the cost.
    standard_deviation_usd : of the cost.
    part_of_variance : its variance over that with everything drawn; the parts need not add up to
        1. Not a number when nothing varies.
    """

    name: str
    mean_usd: float
    standard_deviation_usd: float
    part_of_variance: float


@dataclass(frozen=True, eq=False)
class Risk:
    """What may become of a plan.

    Attributes
    ----------
    instance : the problem.
    asked, draws : draws asked for, and made.
    seed, level, uncertainty : as asked.
    ranges : what is drawn, and between what.
    planned : cost by part when all is as stated: the judge's.
    mean_cost : mean cost by part.
    cost : of the draws; the tail are the dear ones.
    spent : cost without the penalty for unserved tokens.
    unserved_mtok, unserved_part : over the horizon; in Mtok, and as a part of what arrives.
    overloaded_part : part of the tokens sent to pools, or replicas, that have not room enough in
        that period; all of the tokens there count, not only those that are cut.
    attainment : part of the tokens sent to groups of the attainment table that are served and
        within their promise; what is cut there counts as missed. The tail are the low ones.
        None without a table.
    chance_unserved : part of the draws in which more than a millionth of what arrives is not
        served.
    chance_over_budget : part of the draws whose spending is above the budget; None without one.
    pools : those short of room in any draw, the likeliest first.
    sources : each source that is not certain, by itself.
    against : the other plan, None when there is none.
    limit : what ended the draws early: ``time`` or ``interrupt``; else empty.
    seconds : wall clock of the draws.
    notes : what the user should know.
    sample : the plan in every draw.
    """

    instance: Instance
    asked: int
    draws: int
    seed: int
    level: float
    uncertainty: Uncertainty
    ranges: Ranges
    planned: Costs
    mean_cost: Costs
    cost: Distribution
    spent: Distribution
    unserved_mtok: Distribution
    unserved_part: Distribution
    overloaded_part: Distribution
    attainment: Distribution | None
    chance_unserved: float
    chance_over_budget: float | None
    pools: tuple[PoolRisk, ...]
    sources: tuple[Source, ...]
    against: Against | None
    limit: str
    seconds: float
    notes: tuple[str, ...]
    sample: Sample

    def chance_error(self, chance: float) -> float:
        """Standard deviation of a chance that is estimated from these draws."""
        return math.sqrt(chance * (1.0 - chance) / self.draws)


def risk(
    instance: Instance,
    plan: Plan,
    *,
    against: Plan | None = None,
    planned_on: Instance | None = None,
    against_planned_on: Instance | None = None,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    uncertainty: Uncertainty | None = None,
    attainment: Attainment | None = None,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Risk:
    """Put a fixed plan to draws of demand, throughput and prices.

    Parameters
    ----------
    instance, plan : what is looked at; any plan that the judge would look at.
    against : another plan for the same instance, which meets the same draws.
    planned_on, against_planned_on : the instance with the routes that each plan was made with,
        where some were tightened: ``instance`` of its result. What replicas deliver is said by
        the instance itself, whatever was planned.
    draws : how many.
    seed : any whole number; the same seed gives the same draws to the same names.
    level : part of the draws that the tail leaves out.
    uncertainty : ranges where the instance states none, and how factors are drawn.
    attainment : part of promises kept by group and load; by the queue where it is not given and
        the instance has profiles.
    seconds : when to stop early; at least one block of draws is made.
    progress : what is told meanwhile.

    Ctrl-C after the first block gives what was drawn so far, with ``limit`` "interrupt".

    Raises
    ------
    InputError
        When a plan is for another instance, names places that are on no axis, has amounts that
        are none, or placements without a route; or the table of attainment does not fit it.
    UsageError
        When a number is out of its bounds.
    """
    if not 1 <= draws <= MOST_DRAWS:
        raise UsageError(f"draws: expected a number from 1 to {MOST_DRAWS:,}, got {draws}")
    if not 0 <= level < 1:
        raise UsageError(f"level: expected a number >= 0 and < 1, got {level:g}")
    settings = uncertainty or Uncertainty()
    ranges = ranges_of(instance, settings)
    own = planned_with(instance, planned_on, "plan")
    notes = [margin_note(instance, own, "the plan")]
    admit(own, plan)
    by_queue = attainment is None
    if attainment is None:
        attainment = attainment_by_queue(own, plan)
    plans = [_laid_out(instance, own, plan, ranges.route_class, attainment)]
    if against is not None:
        other = planned_with(instance, against_planned_on, "other plan")
        notes.append(margin_note(instance, other, "the other plan"))
        admit(other, against)
        table = attainment_by_queue(other, against) if by_queue else None
        plans.append(_laid_out(instance, other, against, ranges.route_class, table))
    source = Draws(ranges, seed, settings.distribution, settings.common_demand)
    begun = time.monotonic()
    samples, limit = sampled(plans, source, draws, seconds, progress or Silent())
    taken, sample = time.monotonic() - begun, samples[0]
    planned, count, unserved = plans[0].planned, len(sample), sample.unserved_mtok
    budget = instance.budget_usd
    return Risk(
        instance=instance,
        asked=draws,
        draws=count,
        seed=seed,
        level=level,
        uncertainty=settings,
        ranges=ranges,
        planned=planned,
        mean_cost=_mean_cost(planned, sample),
        cost=Distribution.of(sample.cost_usd, level),
        spent=Distribution.of(sample.spent_usd, level),
        unserved_mtok=Distribution.of(unserved, level),
        unserved_part=Distribution.of(_part(unserved, sample.arriving_mtok), level),
        overloaded_part=Distribution.of(_part(sample.crowded_mtok, sample.sent_mtok), level),
        attainment=_attainment(sample, level),
        chance_unserved=_chance(unserved > RELATIVE * sample.arriving_mtok),
        chance_over_budget=None
        if budget is None
        else _chance(sample.spent_usd > budget * (1 + RELATIVE)),
        pools=_pools(instance, sample),
        sources=_sources(sample),
        against=None if against is None else compared(sample, samples[1], level),
        limit=limit,
        seconds=taken,
        notes=(*ranges.notes, *(note for note in notes if note)),
        sample=sample,
    )


def _laid_out(
    instance: Instance,
    made_with: Instance,
    plan: Plan,
    route_class: NDArray[np.int64],
    table: Attainment | None,
) -> Recourse:
    """A plan ready for draws, which costs what the judge says when nothing is drawn.

    Parameters
    ----------
    made_with : the instance with the routes that it was made with.
    """
    amounts = (plan.placed_mtok, plan.unserved_mtok, plan.replicas.value, plan.blocks)
    if any(no_amount(amount).any() for amount in (*amounts, plan.reserve.value)):
        raise InputError(Problem("plan, amounts", f"numbers from 0 to {MOST:g}"))
    made = Recourse.of(made_with, plan, route_class, table, instance.routes.chip_hours_per_mtok)
    own, judged = float(made.stated.cost_usd[0]), made.planned.total
    if abs(own - judged) > AGREE * judged + AGREE:
        raise InternalError(f"with nothing drawn the plan costs {own} USD, the judge says {judged}")
    return made


def _mean_cost(planned: Costs, sample: Sample) -> Costs:
    """Mean of each part; those that never vary as they are planned."""
    reserved, usage, routes, penalty = (sample.parts_usd / len(sample)).tolist()
    return Costs(
        reserved=reserved,
        usage=usage,
        contracts=planned.contracts,
        routes=routes,
        startup=planned.startup,
        activation=planned.activation,
        unserved=penalty,
    )


def _attainment(sample: Sample, level: float) -> Distribution | None:
    if len(sample.promised_mtok) == 0:
        return None
    return Distribution.of(sample.attainment, level, worst_is_high=False)


def _pools(instance: Instance, sample: Sample) -> tuple[PoolRisk, ...]:
    short = np.flatnonzero(sample.overloads > 0)
    order = short[np.lexsort((-sample.cut_mtok[short], -sample.overloads[short]))]
    count, names = len(sample), instance.pools.pool
    rows = zip(
        order.tolist(),
        (sample.overloads[order] / count).tolist(),
        (sample.cut_mtok[order] / count).tolist(),
        strict=True,
    )
    return tuple(PoolRisk(names[pool], chance, cut) for pool, chance, cut in rows)


def _sources(sample: Sample) -> tuple[Source, ...]:
    variance = variance_of(sample.cost_usd)
    found = []
    for name in SOURCES:
        if name in sample.alone_usd:
            cost = sample.alone_usd[name]
            alone = variance_of(cost)
            part = alone / variance if variance > 0 else math.nan
            found.append(Source(name, float(cost.mean()), math.sqrt(alone), part))
    return tuple(found)


def _chance(which: NDArray[np.bool_]) -> float:
    return float(which.mean())


def _part(amount: Float, of: Float) -> Float:
    """Parts, 0 where there is nothing to be a part of."""
    return np.divide(amount, of, out=np.zeros_like(amount), where=of > 0)

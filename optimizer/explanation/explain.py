"""Explain an instance and its plan: the questions, and who answers them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from optimizer.errors import InputError, Problem, UsageError
from optimizer.evaluation.evaluate import Evaluation, evaluate
from optimizer.explanation.candidates import Candidates, explain_candidates
from optimizer.explanation.infeasible import Infeasible, explain_infeasible
from optimizer.explanation.search import Search
from optimizer.explanation.unserved import Unserved, explain_unserved
from optimizer.instance.groups import unknown_name
from optimizer.instance.instance import Instance
from optimizer.methods.base import Limits
from optimizer.plan import Plan
from optimizer.prices import Prices
from optimizer.progress import Progress, Silent
from optimizer.promises import solve
from optimizer.result import Result

SOLVE_PART = 0.5
"""Part of a time limit that looking for a plan may take; the rest is for the explanation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """What was found out.

    Attributes
    ----------
    instance : the problem; its routes are those that the plan was made with.
    plan, evaluation : the plan that is explained and the judge's verdict; None without one.
    result : what solving gave, None when the plan was handed in.
    infeasible : why there is no plan; None when there is one, or the conflict was not found.
    unserved : why tokens are given up; None without a plan.
    candidates : pools for one workload and period, when that was asked.
    notes : what else the user should know.
    """

    instance: Instance
    plan: Plan | None = None
    evaluation: Evaluation | None = None
    result: Result | None = None
    infeasible: Infeasible | None = None
    unserved: Unserved | None = None
    candidates: Candidates | None = None
    notes: tuple[str, ...] = ()


def explain(
    instance: Instance,
    plan: Plan | None = None,
    *,
    prices: Prices | None = None,
    workload: str | None = None,
    period: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Say why there is no plan, why tokens are given up, why a pool was chosen.

    Parameters
    ----------
    plan : plan to explain; without one the instance is solved first.
    prices : multipliers that go with the plan; without any, prices at the margin are those of a
        world in which nothing is scarce.
    workload, period : a workload by name and a period, both or neither: candidates for it.
    limits : time over all, threads and memory.

    Raises
    ------
    InputError
        When the workload or the period is not known, or the plan is for other data.
    UsageError
        When only one of workload and period is given.
    KeyboardInterrupt
        On Ctrl-C while no plan is at hand.
    """
    cell = cell_of(instance, workload, period)
    limits, progress = limits or Limits(), progress or Silent()
    search = Search(limits)
    result: Result | None = None
    notes: list[str] = []
    if plan is None:
        part = None if limits.seconds is None else SOLVE_PART * limits.seconds
        result = solve(
            instance, limits=dataclasses.replace(limits, seconds=part), progress=progress
        )
        # Where promises would have been broken the plan was made with slower routes.
        instance = result.instance
        if result.tightening_rounds:
            notes.append("some routes count for more chip-hours than derived: promises were tight")
        plan, prices, evaluation = result.plan, result.prices, result.evaluation
        notes += result.notes if result.status != "infeasible" else ()
    else:
        progress.stage("evaluate")
        evaluation = evaluate(instance, plan, prices)
        if prices is None:
            notes.append("no prices with the plan: what is scarce counts nothing at the margin")
    if plan is None or evaluation is None or not evaluation.verified:
        infeasible = None
        if result is not None and plan is None:
            # Also when no solver came to an end: a conflict may be the reason.
            infeasible = explain_infeasible(instance, search, progress)
            if infeasible is None:
                notes += result.notes if result.status == "infeasible" else ()
                notes.append("no rules in conflict were found in the time there was")
        return Explanation(
            instance=instance,
            plan=plan,
            evaluation=evaluation,
            result=result,
            infeasible=infeasible,
            notes=tuple(notes),
        )
    progress.stage("tokens given up")
    unserved = explain_unserved(instance, plan, search)
    candidates = None
    if cell is not None:
        progress.stage("candidates")
        known = prices or Prices.none(instance)
        candidates = explain_candidates(instance, known, evaluation, plan, *cell)
    return Explanation(
        instance=instance,
        plan=plan,
        evaluation=evaluation,
        result=result,
        unserved=unserved,
        candidates=candidates,
        notes=tuple(notes),
    )


def cell_of(instance: Instance, workload: str | None, period: int | None) -> tuple[int, int] | None:
    """Positions of a workload and a period; None when neither is given.

    Raises
    ------
    InputError
        When one is not known, with the nearest that is.
    UsageError
        When only one is given.
    """
    if workload is None and period is None:
        return None
    if workload is None or period is None:
        raise UsageError("workload and period go together (--workload W --period T): give both")
    problems = []
    names = instance.workloads.workload
    if workload not in names:
        problems.append(unknown_name("workload", "workload", workload, names))
    if not 0 <= period < instance.num_periods:
        expected = f"a period from 0 to {instance.num_periods - 1}"
        problems.append(Problem("period", expected, str(period)))
    if problems:
        raise InputError(problems)
    return names.index(workload), period

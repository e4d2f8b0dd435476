"""Solve an instance: look for a plan, have it judged, say what is proved."""

from __future__ import annotations

import dataclasses
import threading
import time
from dataclasses import dataclass

import numpy as np

from optimizer.evaluation.bound import Bound, infeasibility_usd
from optimizer.evaluation.evaluate import Evaluation, evaluate
from optimizer.evaluation.shadow_prices import Family, shadow_prices
from optimizer.instance.instance import Instance
from optimizer.methods.base import Found, Limits, Method
from optimizer.methods.direct import Direct
from optimizer.methods.elastic import least_relaxation
from optimizer.methods.greedy import greedy_plan
from optimizer.methods.registry import method_named
from optimizer.plan import Plan
from optimizer.prices import Prices
from optimizer.progress import Progress, Silent
from optimizer.result import Result
from optimizer.solvers.base import Reason
from optimizer.solvers.registry import solver_named
from optimizer.solvers.workers import stop_requested

__all__ = ["solve"]

_LIMITS = {Reason.TIME_LIMIT: "time", Reason.INTERRUPTED: "interrupt"}
_SECOND_TRY = {"glop": "highs", "highs": "glop", "pdlp": "glop"}
_SECOND_TRY_INTEGER = {"highs": "scip", "scip": "highs"}


def solve(
    instance: Instance,
    *,
    method: str | Method = "auto",
    solver: str = "auto",
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Result:
    """Find the cheapest verified plan.

    Parameters
    ----------
    method : name of a method (auto, direct, rounding, rolling, price,
        price_rounding, greedy), or a method.
    solver : name of a solver (auto, glop, pdlp, highs, scip, cp_sat) for the direct and the
        rolling method.
    limits : time, gap, threads and memory.
    progress : told what is going on; silent by default.

    Returns
    -------
    Result
        Also when there is no plan: a search that fails returns, wrong input raises.

    Notes
    -----
    Ctrl-C while a plan is looked for ends the search, not the call: the best verified plan
    so far comes back, with ``limit`` "interrupt".

    Raises
    ------
    UsageError
        When method or solver are not known or do not go together.
    UnsupportedError
        When the instance has a rule that the method cannot keep.
    """
    limits = limits or Limits()
    chosen = method_named(method, solver, instance) if isinstance(method, str) else method
    search = _Search(instance, chosen, limits, progress or Silent(), time.monotonic())
    return search.run()


@dataclass
class _Search:
    """One solve: the method, then the judge, then a second try if the judge refuses."""

    instance: Instance
    method: Method
    limits: Limits
    progress: Progress
    begun: float
    notes: tuple[str, ...] = ()
    judged_seconds: float = 0.0

    def run(self) -> Result:
        stop_requested.clear()
        if self.limits.seconds == 0:
            return self._result(Found(reason=Reason.TIME_LIMIT), None, None)
        found, evaluation = Found(reason=Reason.INTERRUPTED), None
        # Every plan carries the digest; reading all data takes a while, in which others compute.
        threading.Thread(target=lambda: self.instance.digest, daemon=True).start()
        try:
            found = self.method(self.instance, self.limits, self.progress)
            if found.reason is Reason.INFEASIBLE:
                if self._prove_infeasible(found):
                    return self._result(_with_plan(found, None), None, None)
                found = dataclasses.replace(found, reason=Reason.FAILED, plan=None)
            evaluation = self._judge(found)
            if self._needs_second_try(found, evaluation):
                found, evaluation = self._second_try(found, evaluation)
        except KeyboardInterrupt:
            found = dataclasses.replace(found, reason=Reason.INTERRUPTED)
        refused = evaluation is None or not evaluation.verified
        if refused and found.reason is not Reason.OPTIMAL:
            found, evaluation = self._fall_back(found)
        if evaluation is None and found.reason is Reason.FAILED and isinstance(self.method, Direct):
            # A solver may break down over a program that has no solution instead of saying so.
            try:
                if self._prove_infeasible(found):
                    found = dataclasses.replace(found, reason=Reason.INFEASIBLE)
            except KeyboardInterrupt:
                found = dataclasses.replace(found, reason=Reason.INTERRUPTED)
        return self._result(found, found.plan, evaluation)

    def _judge(self, found: Found) -> Evaluation | None:
        if found.plan is None:
            return None
        self.progress.stage("evaluate")
        return self._evaluate(found.plan, found, found.claimed_usd)

    def _evaluate(self, plan: Plan, found: Found, claimed_usd: float | None) -> Evaluation:
        begun = time.monotonic()
        evaluation = evaluate(self.instance, plan, found.prices, claimed_usd, _proved(found))
        self.judged_seconds += time.monotonic() - begun
        return evaluation

    def _needs_second_try(self, found: Found, evaluation: Evaluation | None) -> bool:
        """A solver that failed, or whose plan the judge refuses or finds far from the bound."""
        if found.reason in _LIMITS or not isinstance(self.method, Direct):
            return False
        if self.method.solver is not None and not self.method.solver.capabilities.exact:
            return evaluation is None
        return (
            evaluation is None
            or not evaluation.verified
            or evaluation.relative_gap > self.limits.relative_gap
        )

    def _second_try(
        self, found: Found, evaluation: Evaluation | None
    ) -> tuple[Found, Evaluation | None]:
        """The same program by another solver; the better answer of the two stays."""
        assert isinstance(self.method, Direct)
        others = _SECOND_TRY_INTEGER if found.whole_numbers else _SECOND_TRY
        other = others.get(found.solver, "highs")
        why = self._what_failed(found, evaluation)
        left = self.limits.after(self.begun)
        if left.seconds == 0:
            return found, evaluation
        self.progress.note(f"{found.solver}: {why}; trying {other}")
        self.notes += (f"{found.solver}: {why}; solved again with {other}",)
        again = Direct(solver_named(other), self.method.formulation)(
            self.instance, left, self.progress
        )
        verdict = self._judge(again)
        better = (
            verdict is not None
            and verdict.verified
            and (
                evaluation is None
                or not evaluation.verified
                or verdict.relative_gap < evaluation.relative_gap
            )
        )
        return (again, verdict) if better else (found, evaluation)

    def _what_failed(self, found: Found, evaluation: Evaluation | None) -> str:
        if evaluation is None or found.reason is not Reason.OPTIMAL:
            return f"{found.reason.value} {found.detail}".strip()
        if not evaluation.verified:
            return f"the judge refused its plan ({', '.join(evaluation.violation_counts)})"
        return f"gap {evaluation.relative_gap:.1e} at its own optimum"

    def _fall_back(self, found: Found) -> tuple[Found, Evaluation | None]:
        """When a search ends early, whatever plan the judge accepts: greedy, or serving none."""
        for plan in (greedy_plan(self.instance), Plan.nothing_served(self.instance)):
            evaluation = self._evaluate(plan, found, None)
            if evaluation.verified:
                self.notes += ("the plan is a stand-in: no better one was at hand",)
                return _with_plan(found, plan), evaluation
        return _with_plan(found, None), None

    def _prove_infeasible(self, found: Found) -> bool:
        """Believe a solver's "infeasible" only with a proof of our own."""
        relaxation = least_relaxation(self.instance, self.limits.after(self.begun))
        proved = relaxation.proved or (
            relaxation.prices is not None
            and infeasibility_usd(self.instance, relaxation.prices) > 0
        )
        if proved:
            self.notes += relaxation.words
            if relaxation.source not in ("", "arithmetic"):
                self.notes += (f"that no plan exists rests on the word of {relaxation.source}",)
        elif found.reason is Reason.INFEASIBLE:
            self.notes += (f"{found.solver} called the program infeasible; that is not proved",)
        return proved

    def _result(self, found: Found, plan: Plan | None, evaluation: Evaluation | None) -> Result:
        instance = self.instance
        prices = found.prices or Prices.none(instance)
        families: tuple[Family, ...] = ()
        begun = time.monotonic()
        if evaluation is not None and evaluation.verified and plan is not None:
            self.progress.stage("shadow prices")
            families = shadow_prices(instance, prices, evaluation, plan)
        priced = time.monotonic() - begun
        limit = _LIMITS.get(found.reason, "")
        status, reason = self._status(found, evaluation)
        self.notes += found.notes
        if found.whole_numbers and families and not found.notes:
            self.notes += ("shadow prices are those of the plan with its whole numbers fixed",)
        failure = ""
        if status == "no_plan" and not limit:
            failure = "solver" if evaluation is None else "judge"
        elif status == "feasible" and not limit and found.reason is not Reason.OPTIMAL:
            failure = "solver"
        result = Result(
            instance=instance,
            status=status,
            reason=reason,
            limit=limit,
            # A plan that the judge refused does not leave the program.
            plan=plan if evaluation is not None and evaluation.verified else None,
            evaluation=evaluation,
            prices=prices,
            families=families,
            method=self.method.name,
            solver=found.solver,
            why=found.why,
            size=found.size,
            nodes=found.nodes,
            child_rss_mib=found.child_rss_mib,
            left_out=left_out(instance),
            notes=self.notes,
            failure=failure,
        )
        result = result.timed(
            build=found.build_seconds,
            solve=found.solve_seconds,
            plan=found.plan_seconds,
            evaluate=self.judged_seconds,
            prices=priced,
        )
        return result.since(self.begun)

    def _status(self, found: Found, evaluation: Evaluation | None) -> tuple[str, str]:
        limit = {"time": "the time limit was reached", "interrupt": "interrupted"}.get(
            _LIMITS.get(found.reason, ""), ""
        )
        if found.reason is Reason.INFEASIBLE and evaluation is None:
            return "infeasible", "no plan keeps every rule, which is proved"
        if evaluation is None:
            return (
                "no_plan",
                limit or f"{found.solver}: {found.reason.value} {found.detail}".strip(),
            )
        if not evaluation.verified:
            broken = ", ".join(
                f"{family} ({count})" for family, count in evaluation.violation_counts.items()
            )
            return "no_plan", f"the judge refused the plan: {broken}"
        gap = evaluation.relative_gap
        if gap <= self.limits.relative_gap:
            return "optimal", limit or f"proved: gap {gap:.1e} <= {self.limits.relative_gap:g}"
        return "feasible", limit or f"gap {gap:.1e} > {self.limits.relative_gap:g}"


def _proved(found: Found) -> Bound | None:
    """The bound that a method proved beside its prices."""
    if found.proved_usd is None:
        return None
    return Bound(found.proved_usd, 0.0, found.proved_by or found.solver)


def left_out(instance: Instance) -> dict[str, str]:
    """Why each pool that takes no part takes none."""
    reasons = {}
    for position in np.flatnonzero(instance.left_out).tolist():
        missing = np.isnan(instance.price_usd_per_chip_hour[position])
        when = "" if bool(missing.all()) else f" in {int(missing.sum())} periods"
        reasons[instance.pools.pool[position]] = (
            f"price unknown{when} (status {instance.pools.status[position]}); give one with "
            f"--price '{instance.pools.pool[position]}=USD'"
        )
    return reasons


def _with_plan(found: Found, plan: Plan | None) -> Found:
    """The same with another plan, for which nothing is claimed."""
    return dataclasses.replace(found, plan=plan, claimed_usd=None)

"""``optimizer risk``: what may become of a plan when things turn out otherwise."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.options import (
    Number,
    instance_argument,
    json_option,
    price_option,
    quiet_option,
)
from optimizer.cli.output import emit
from optimizer.cli.progress_lines import progress_for

if TYPE_CHECKING:
    from optimizer.errors import InputError
    from optimizer.instance.instance import Instance
    from optimizer.plan import Plan

TIME, REFUSED, INTERRUPTED = 6, 8, 130


class Range(click.ParamType[tuple[float, float]]):
    """``LOW,HIGH``: factors on what is stated."""

    name = "low,high"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Parse and check."""
        if isinstance(value, tuple):
            return value
        low, comma, high = str(value).partition(",")
        if not comma:
            self.fail(f"expected LOW,HIGH, got {value!r}", param, ctx)
        number = Number(0.0, 1e3)
        return number.convert(low, param, ctx), number.convert(high, param, ctx)


@click.command(
    "risk", short_help="Cost and unserved demand of a plan when things turn out otherwise."
)
@instance_argument
@click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="PLAN2",
    help="Another plan folder, compared draw by draw.",
)
@click.option(
    "--draws",
    type=click.IntRange(1, 10_000_000),
    default=10_000,
    show_default=True,
    metavar="N",
    help="How many draws.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Same seed, same draws."
)
@click.option(
    "--level",
    type=Number(0.0, 1.0, open_high=True),
    default=0.95,
    show_default=True,
    metavar="F",
    help="Part of the draws that the tail leaves out.",
)
@click.option(
    "--distribution",
    type=click.Choice(("triangular", "uniform")),
    default="triangular",
    show_default=True,
    help="How factors are drawn; triangular has its mode at what is stated.",
)
@click.option(
    "--demand",
    type=Range(),
    default=(1.0, 1.0),
    metavar="LOW,HIGH",
    help="Least and greatest factor on the demand of workloads that state no range.",
)
@click.option(
    "--throughput",
    type=Range(),
    default=(1.0, 1.0),
    metavar="LOW,HIGH",
    help="The same on the throughput of routes whose profile states none.",
)
@click.option(
    "--common-demand",
    type=Number(0.0, 1.0),
    default=0.5,
    show_default=True,
    metavar="F",
    help="Part of the variance of demand that all workloads share.",
)
@click.option("--time-limit", type=Number(0.0), metavar="S", help="Seconds for the draws.")
@price_option
@json_option
@quiet_option
def command(
    instance: Path,
    plan: Path,
    against: Path | None,
    draws: int,
    seed: int,
    level: float,
    distribution: str,
    demand: tuple[float, float],
    throughput: tuple[float, float],
    common_demand: float,
    time_limit: float | None,
    prices: tuple[tuple[str, float], ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Put PLAN, a plan folder, to draws of demand, throughput and prices of INSTANCE.

    The plan stays as it is; docs/risk.md says what it does in a draw. With --against, both
    plans meet the same draws, and their difference is reported; routes that were tightened for
    one of them are as fast in the draws as for the other.

    Exit codes: 0 all draws made; 2 usage; 3 bad input; 6 time was up, the draws so far are
    reported; 8 the judge refuses a plan; 10 files; 130 interrupted, the draws so far are reported.
    """
    # Imported here, so that help and completion stay fast.
    from optimizer.errors import InputError
    from optimizer.evaluation.risk import risk
    from optimizer.evaluation.uncertainty import Uncertainty
    from optimizer.reports import risk_json, risk_text
    from optimizer.reports.tightened import as_planned
    from optimizer.serving.reading import read

    settings = Uncertainty(distribution, demand, throughput, common_demand)
    limit = None if time_limit is None or math.isinf(time_limit) else time_limit
    progress = progress_for(quiet=quiet)
    try:
        progress.stage("read")
        problem = read(instance)
        if prices:
            problem = problem.with_prices(dict(prices))
        plans, planned_on = [], []
        for folder in (plan, against):
            if folder is not None:
                try:
                    own = as_planned(problem, folder)
                    found, refusal = _judged(own, folder)
                except InputError as error:
                    raise error if against is None else _of(folder, error) from None
                if refusal:
                    emit(
                        risk_json.refused(folder, refusal) if as_json else f"{folder}: {refusal[0]}"
                    )
                    if not as_json:
                        emit("\n".join(f"  {line}" for line in refusal[1:]))
                    return REFUSED
                plans.append(found)
                planned_on.append(own)
        answer = risk(
            problem,
            plans[0],
            against=plans[1] if against is not None else None,
            planned_on=planned_on[0],
            against_planned_on=planned_on[-1] if against is not None else None,
            draws=draws,
            seed=seed,
            level=level,
            uncertainty=settings,
            seconds=limit,
            progress=progress,
        )
    finally:
        progress.close()
    emit(risk_json.render(answer) if as_json else risk_text.render(answer))
    return {"time": TIME, "interrupt": INTERRUPTED}.get(answer.limit, 0)


def _of(folder: Path, error: InputError) -> InputError:
    """The same problems, each with the plan folder that it is found in."""
    from optimizer.errors import InputError

    return InputError(replace(one, place=f"{folder}, {one.place}") for one in error.problems)


def _judged(instance: Instance, folder: Path) -> tuple[Plan, list[str]]:
    """A plan, and what the judge has against it in lines; none when it is verified."""
    from optimizer.evaluation.evaluate import evaluate
    from optimizer.reports.read_plan_folder import read_plan

    plan, head = read_plan(instance, folder)
    verdict = evaluate(instance, plan, claimed_usd=head.get("objective_usd"))
    if verdict.verified:
        return plan, []
    return plan, ["REFUSED by the judge", *(str(broken) for broken in verdict.violations)]

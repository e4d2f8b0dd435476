"""``optimizer check``: is an instance sound, does a plan keep its rules."""

from __future__ import annotations

from pathlib import Path

import click

from optimizer.cli.options import instance_argument, json_option, price_option
from optimizer.cli.output import emit

REFUSED = 8


@click.command("check", short_help="Check an instance, or judge a plan against it.")
@instance_argument
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@price_option
@json_option
def command(
    instance: Path, plan: Path | None, prices: tuple[tuple[str, float], ...], as_json: bool
) -> int:
    """Check INSTANCE and, when PLAN is given, judge that plan folder against it.

    Every problem is listed with file, row and column. Exit codes: 0 sound (and the plan
    verified); 3 bad input; 8 the plan breaks a rule or is for other data.
    """
    from optimizer.instance.doubts import doubts
    from optimizer.reports.as_json import dumps
    from optimizer.reports.overview import instance_facts
    from optimizer.serving.reading import read

    problem = read(instance)
    if prices:
        problem = problem.with_prices(dict(prices))
    if plan is None:
        odd = doubts(problem)
        if as_json:
            emit(dumps({"schema": 1, "status": "sound", **instance_facts(problem), "doubts": odd}))
        else:
            emit(f"{instance}: sound")
            for text in odd:
                emit(f"doubtful: {text}")
        return 0
    from optimizer.evaluation.evaluate import evaluate
    from optimizer.reports.prices_file import read_prices
    from optimizer.reports.read_plan_folder import read_plan

    found, head = read_plan(problem, plan)
    verdict = evaluate(problem, found, read_prices(problem, plan), head.get("objective_usd"))
    if as_json:
        emit(
            dumps(
                {
                    "schema": 1,
                    "status": "verified" if verdict.verified else "refused",
                    "verified": verdict.verified,
                    "objective_usd": verdict.objective_usd,
                    "bound_usd": verdict.bound.usd,
                    "relative_gap": verdict.relative_gap,
                    "claimed_bound_usd": head.get("bound_usd"),
                    "claimed_bound_source": head.get("bound_source"),
                    "violation_counts": verdict.violation_counts,
                    "violations": [str(violation) for violation in verdict.violations],
                }
            )
        )
    else:
        word = "verified" if verdict.verified else "REFUSED"
        emit(
            f"{plan}: {word}, cost {verdict.objective_usd:,.2f} USD, "
            f"bound {verdict.bound.usd:,.2f} USD, gap {verdict.relative_gap:.1e}"
        )
        source = head.get("bound_source")
        if source not in (None, "sweep"):
            claimed = head.get("bound_usd")
            emit(f"  claimed: bound {claimed:,.2f} USD, by {source}, which cannot be recomputed")
        for violation in verdict.violations:
            emit(f"  {violation}")
    return 0 if verdict.verified else REFUSED

"""``optimizer explain``: why there is no plan, why tokens are given up, why a pool was chosen."""

from __future__ import annotations

import math
from pathlib import Path

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

INFEASIBLE, REFUSED = 4, 8


@click.command("explain", short_help="Say why: no plan, tokens given up, the choice of a pool.")
@instance_argument
@click.option(
    "--plan",
    "folder",
    type=click.Path(path_type=Path),
    help="Plan folder to explain; without one the instance is solved first.",
)
@click.option("--workload", metavar="W", help="Workload to price every pool for.")
@click.option("--period", type=int, metavar="T", help="Period in which its tokens arrive.")
@click.option(
    "--time-limit", type=Number(0.0), metavar="S", help="Seconds for solving and explaining."
)
@price_option
@json_option
@quiet_option
def command(
    instance: Path,
    folder: Path | None,
    workload: str | None,
    period: int | None,
    time_limit: float | None,
    prices: tuple[tuple[str, float], ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Explain INSTANCE.

    Without a plan that keeps every rule: the smallest set of rules in conflict, and the least
    that each would have to give. With one: what is given up, why, and what would have to give
    for it to be served. With --workload and --period: every pool as a candidate, its price, and
    what stands against it.

    Exit codes: 0 explained; 2 usage; 3 bad input; 4 infeasible and explained; 6 time was up, a
    verified plan is explained; 7 no plan and no conflict found in time; 8 the judge refuses the
    plan; 9 solver failed; 10 files; 130 interrupted.
    """
    # Imported here, so that help and completion stay fast.
    from optimizer.explanation.explain import cell_of, explain
    from optimizer.methods.base import Limits
    from optimizer.reports import explain_json, explain_text
    from optimizer.reports.prices_file import read_prices
    from optimizer.reports.read_plan_folder import read_plan
    from optimizer.serving.reading import read

    limit = None if time_limit is None or math.isinf(time_limit) else time_limit
    progress = progress_for(quiet=quiet)
    try:
        progress.stage("read")
        problem = read(instance)
        if prices:
            problem = problem.with_prices(dict(prices))
        cell_of(problem, workload, period)  # names may be wrong: before anything is solved
        plan, known = None, None
        if folder is not None:
            plan, known = read_plan(problem, folder)[0], read_prices(problem, folder)
        found = explain(
            problem,
            plan,
            prices=known,
            workload=workload,
            period=period,
            limits=Limits(seconds=limit),
            progress=progress,
        )
    finally:
        progress.close()
    emit(explain_json.render(found) if as_json else explain_text.render(found))
    if found.infeasible is not None:
        return INFEASIBLE
    if found.result is not None:
        return found.result.exit_code
    return 0 if found.evaluation is not None and found.evaluation.verified else REFUSED

"""``optimizer solve``: find, judge and write a plan."""

from __future__ import annotations

import math
import time
from dataclasses import replace
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


@click.command("solve", short_help="Find the cheapest verified plan of an instance.")
@instance_argument
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write the plan to.")
@click.option(
    "--method",
    default="auto",
    show_default=True,
    help="auto, direct, rounding, rolling, price, price_rounding or greedy.",
)
@click.option(
    "--solver", default="auto", show_default=True, help="auto, glop, pdlp, highs, scip or cp_sat."
)
@click.option(
    "--gap",
    type=Number(0.0, 1.0, open_high=True),
    default=1e-6,
    show_default=True,
    help="Relative gap at which a plan counts as optimal.",
)
@click.option("--time-limit", type=Number(0.0), metavar="S", help="Seconds for build and solve.")
@click.option("--threads", type=click.IntRange(1), help="Solver processes at work at once.")
@click.option(
    "--memory-limit",
    type=click.IntRange(64),
    metavar="MIB",
    help="Address space of each solver process.",
)
@click.option(
    "--keep-promises/--no-keep-promises",
    default=True,
    show_default=True,
    help="With profiles: keep workloads apart that would break a promise of latency together, and "
    "tighten routes and solve again where that is not enough.",
)
@price_option
@json_option
@quiet_option
def command(
    instance: Path,
    out: Path | None,
    method: str,
    solver: str,
    gap: float,
    time_limit: float | None,
    threads: int | None,
    memory_limit: int | None,
    keep_promises: bool,
    prices: tuple[tuple[str, float], ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Find the cheapest plan of INSTANCE, have it judged, print a summary, write it to --out.

    Exit codes: 0 verified plan; 2 usage; 3 bad input; 4 proved infeasible; 6 limit reached,
    verified plan; 7 limit reached, no plan; 8 refused by the judge; 9 solver failed;
    10 files; 130 interrupted.
    """
    begun = time.monotonic()
    # Imported here, so that help and completion stay fast.
    from optimizer.instance.new_folder import check_free
    from optimizer.methods.base import Limits
    from optimizer.methods.registry import method_named
    from optimizer.promises import solve
    from optimizer.reports import as_json as json_report
    from optimizer.reports import as_text
    from optimizer.reports.plan_folder import PLAN_FILE, write_plan_folder
    from optimizer.serving.reading import read
    from optimizer.solvers.workers import shared_workers

    limit = None if time_limit is None or math.isinf(time_limit) else time_limit
    limits = Limits(
        seconds=limit,
        relative_gap=gap,
        memory_mib=memory_limit,
        **({} if threads is None else {"threads": threads}),
    )
    chosen = method_named(method, solver)  # before anything is read: names may be wrong
    if out is not None:
        check_free(out, replaces=PLAN_FILE)
    if chosen.name != "greedy" and limit != 0:
        # Children import their libraries while this process reads.
        shared_workers(limits.threads, limits.memory_mib).start(2)
    progress = progress_for(quiet=quiet)
    try:
        progress.stage("read")
        reading = time.monotonic()
        problem = read(instance)
        if prices:
            problem = problem.with_prices(dict(prices))
        read_seconds = time.monotonic() - reading
        chosen = method_named(method, solver, problem)
        result = solve(
            problem,
            method=chosen,
            limits=limits,
            progress=progress,
            keep_promises=keep_promises,
        )
        told = tuple(f"price of {pool} set to {usd:g} USD/chip-hour" for pool, usd in prices)
        result = replace(result.timed(read=read_seconds).since(begun), notes=told + result.notes)
        if out is not None and result.verified:
            progress.stage("write")
            writing = time.monotonic()
            write_plan_folder(result, out)
            result = result.timed(write=time.monotonic() - writing).since(begun)
    finally:
        progress.close()
    emit(json_report.render(result) if as_json else as_text.render(result))
    if out is not None and result.verified and not as_json:
        click.echo(f"plan written to {out}", err=True)
    return result.exit_code

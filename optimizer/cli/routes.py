"""``optimizer routes``: which pairs can be used and what they deliver, and why others cannot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.cli.options import instance_argument, json_option
from optimizer.cli.output import emit

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".csv", ".parquet")


@click.command("routes", short_help="Show the routes, and why other pairs are none.")
@instance_argument
@click.option("--workload", metavar="W", help="Only pairs of this workload.")
@click.option("--pool", metavar="P", help="Only pairs of this pool.")
@click.option("--impossible", is_flag=True, help="The pairs that are no routes, and why.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="New .csv or .parquet file to write the rows to.",
)
@click.option(
    "--ranges", is_flag=True, help="Least and most throughput thought possible as well (slower)."
)
@json_option
def command(
    instance: Path,
    workload: str | None,
    pool: str | None,
    impossible: bool,
    out: Path | None,
    ranges: bool,
    as_json: bool,
) -> int:
    """Show the routes of INSTANCE: those that are given, or those derived from its profiles.

    Of a derived route: the configuration that takes the fewest chip-hours within the promise, the
    rate of one replica, the times predicted at that rate. Of a pair that is none: what stands in
    the way.

    Exit codes: 0 shown; 2 usage; 3 bad input; 10 files.
    """
    from optimizer.errors import InputError, OutputError, UsageError
    from optimizer.instance.groups import unknown_name
    from optimizer.reports.as_json import dumps
    from optimizer.reports.routes_rows import chosen, refusal_rows, route_rows
    from optimizer.reports.routes_text import refusals_text, routes_text
    from optimizer.serving.reading import read_derived

    if out is not None and out.suffix not in ENDINGS:
        raise UsageError(f"--out: expected a file that ends in .csv or .parquet, got {out.name}")
    if out is not None and out.exists():
        raise OutputError(f"{out}: is there already")
    problem, derivation = read_derived(instance)
    for option, name, known in (
        ("--workload", workload, problem.workloads.workload),
        ("--pool", pool, problem.pools.pool),
    ):
        if name is not None and name not in known:
            raise InputError(unknown_name(option, option[2:], name, known))
    if impossible and derivation is None:
        raise UsageError("--impossible: the routes are given; every pair without a row is none")
    routes = problem.routes
    rows = chosen(problem, routes.workload, routes.pool, workload, pool)
    told: dict[str, object] = {"schema": 1, "instance": problem.name}
    told |= {"derived": derivation is not None, "routes": len(rows)}
    texts = []
    if not impossible:
        frame = route_rows(problem, derivation, rows, ranges=ranges)
        texts.append(routes_text(problem, frame, derived=derivation is not None))
    if derivation is not None:
        stopped = derivation.refusals
        none = chosen(problem, stopped.workload, stopped.pool, workload, pool)
        listed = refusal_rows(problem, stopped, none) if impossible else None
        texts.append(refusals_text(stopped, none, listed))
        told |= {"impossible": len(none)}
        frame = frame if listed is None else listed
    told["rows"] = frame.to_dicts() if as_json else []
    if out is not None:
        _write(frame, out)
    emit(dumps(told) if as_json else "\n\n".join(texts))
    return 0


def _write(frame: pl.DataFrame, out: Path) -> None:
    """Write all rows."""
    from optimizer.errors import OutputError

    try:
        if out.suffix == ".parquet":
            frame.write_parquet(out)
        else:
            frame.write_csv(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror}") from error

"""``optimizer generate``: seeded synthetic instances of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from optimizer.cli.options import Number, json_option
from optimizer.cli.output import emit


@click.command("generate", short_help="Write a seeded synthetic instance of any size.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--workloads", type=click.IntRange(1), default=200, show_default=True)
@click.option("--pools", type=click.IntRange(1), default=12, show_default=True)
@click.option("--periods", type=click.IntRange(1), default=24, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--eligible",
    type=Number(0.0, 1.0),
    default=0.7,
    show_default=True,
    help="Part of all pairs of workload and pool that are routes.",
)
@click.option(
    "--headroom",
    type=Number(0.0),
    default=0.08,
    show_default=True,
    help="Capacity above what the peak needs, as a fraction.",
)
@click.option(
    "--deferrable",
    type=Number(0.0, 1.0),
    default=0.0,
    show_default=True,
    help="Part of the workloads that may wait.",
)
@click.option(
    "--window",
    type=click.IntRange(1),
    default=24,
    show_default=True,
    help="Periods that these may wait.",
)
@click.option("--shares", is_flag=True, help="Add limits on the shares of providers.")
@click.option(
    "--models",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="Models that are asked for.",
)
@click.option("--replicas", is_flag=True, help="Run every model in whole replicas.")
@click.option("--power", is_flag=True, help="Add a limit on the power of each region.")
@click.option("--tables", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option(
    "--matrices", type=click.Choice(["csv", "parquet", "npy"]), default="csv", show_default=True
)
@json_option
def command(
    folder: Path,
    workloads: int,
    pools: int,
    periods: int,
    seed: int,
    eligible: float,
    headroom: float,
    deferrable: float,
    window: int,
    shares: bool,
    models: int,
    replicas: bool,
    power: bool,
    tables: Literal["csv", "parquet"],
    matrices: Literal["csv", "parquet", "npy"],
    as_json: bool,
) -> int:
    """Write a synthetic instance into FOLDER: same options and seed, same instance.

    It has the structure of real ones: models, tenants and regions with lognormal demand and
    diurnal curves, chips that differ in price and speed per model, capacity that is tight at
    the peaks.
    """
    from optimizer.instance.generate import generate
    from optimizer.instance.write import write
    from optimizer.reports.as_json import dumps
    from optimizer.reports.overview import instance_facts

    made = generate(
        workloads=workloads,
        pools=pools,
        periods=periods,
        seed=seed,
        eligible=eligible,
        headroom=headroom,
        deferrable=deferrable,
        window=window,
        shares=shares,
        models=models,
        replicas=replicas,
        power=power,
    )
    write(made, folder, tables=tables, matrices=matrices)
    if as_json:
        emit(dumps({"schema": 1, "folder": str(folder), **instance_facts(made)}))
    else:
        emit(
            f"{folder}: {made.num_workloads:,} workloads, {made.num_pools:,} pools, "
            f"{made.num_periods:,} periods, {made.num_routes:,} routes"
        )
    return 0

"""Routes that a plan had to take for slower than derived, in its folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl

from optimizer.errors import InputError, Problem
from optimizer.instance.instance import Instance
from optimizer.instance.parquet_file import read_parquet
from optimizer.instance.places import quoted
from optimizer.instance.table import Table
from optimizer.result import Result

FILE = "tightened.parquet"


def tightened(result: Result) -> Table:
    """Workload, pool, and chip-hours per Mtok with which the plan was made."""
    assert result.slower is not None
    rows, instance = np.flatnonzero(result.slower > 1), result.instance
    return Table.of(
        workload=Table.names(instance.workloads.workload, instance.routes.workload[rows]),
        pool=Table.names(instance.pools.pool, instance.routes.pool[rows]),
        chip_hours_per_mtok=instance.routes.chip_hours_per_mtok[rows],
    )


def as_planned(instance: Instance, folder: Path) -> Instance:
    """The instance with the chip-hours that a plan in a folder was made with.

    Raises
    ------
    InputError
        When the file is damaged, or names a route that the instance has not.
    """
    path = folder / FILE
    if not path.exists():
        return instance
    frame = read_parquet(path)
    wanted = {"workload": pl.String, "pool": pl.String, "chip_hours_per_mtok": pl.Float64}
    if dict(frame.schema) != wanted:
        raise InputError(Problem(FILE, f"columns {', '.join(wanted)}", str(dict(frame.schema))))
    pools = instance.num_pools
    keys = instance.routes.workload.astype(np.int64) * pools + instance.routes.pool
    workload = {name: row for row, name in enumerate(instance.workloads.workload)}
    pool = {name: row for row, name in enumerate(instance.pools.pool)}
    chip_hours = instance.routes.chip_hours_per_mtok.copy()
    problems = []
    for row, (workload_name, pool_name, hours) in enumerate(frame.iter_rows()):
        key = workload.get(workload_name, -1) * pools + pool.get(pool_name, -pools)
        at = int(np.searchsorted(keys, key))
        if at == len(keys) or keys[at] != key:
            pair = f"{quoted(workload_name)} to {quoted(pool_name)}"
            problems.append(Problem(f"{FILE}, row {row + 1}", "a route of the instance", pair))
        elif not 0 < hours < np.inf:
            problems.append(
                Problem(f"{FILE}, row {row + 1}", "a number > 0", f"{hours}", "chip-hours/Mtok")
            )
        else:
            chip_hours[at] = hours
    if problems:
        raise InputError(problems)
    routes = dataclasses.replace(instance.routes, chip_hours_per_mtok=chip_hours)
    return dataclasses.replace(instance, routes=routes)

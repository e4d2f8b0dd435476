"""Read an instance folder: everything that is wrong with it is reported together."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem
from optimizer.instance.csv_file import read_csv
from optimizer.instance.declare import Matrix, columns_of
from optimizer.instance.fleet_rules import fleet_problems
from optimizer.instance.folder import find_tables
from optimizer.instance.instance import Instance
from optimizer.instance.keys import rising
from optimizer.instance.manifest import (
    FILE,
    Manifest,
    load_manifest,
    parse_manifest,
    refuse_newer,
)
from optimizer.instance.npy_file import read_npy
from optimizer.instance.parquet_file import MAX_ROWS, all_survive, read_parquet
from optimizer.instance.parse import parse_table, repeated_keys
from optimizer.instance.rules import (
    matrix_problems,
    price_range_problems,
    residency_problems,
    share_problems,
)
from optimizer.instance.serving_rules import serving_problems
from optimizer.instance.table_rules import table_problems
from optimizer.instance.tables import (
    CAPACITY,
    DEMAND,
    MATRICES,
    PRICES,
    TABLES,
    TableSpec,
)
from optimizer.instance.wide import parse_wide

Value = TypeVar("Value")


def read(folder: str | os.PathLike[str]) -> Instance:
    """Read an instance of format 1.

    Parameters
    ----------
    folder : where ``instance.toml`` and the tables are.

    Returns
    -------
    Instance
        Validated; arrays read from ``.npy`` files stay mapped to them.

    Raises
    ------
    InputError
        With every problem of the input: file, row, column, expected, got, unit, way out.
    OutputError
        When a file cannot be read for a reason of the file system.
    """
    return _Reader(Path(folder)).read()


class _Reader:
    """One reading of one folder; collects problems until there is no point going on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.origin: dict[str, str] = {}
        self.values: dict[str, dict[str, Any]] = {}
        self.records: dict[str, Any] = {}
        self.tried = False

    def read(self) -> Instance:
        self.origin, misplaced = find_tables(self.folder)
        self.origin["instance"] = FILE
        manifest = self._read_manifest()
        self.problems += misplaced
        self.tried = all_survive(
            [self.folder / name for name in self.origin.values() if name.endswith(".parquet")]
        )
        for spec in TABLES:
            self._read_table(spec)
        periods = manifest.periods if manifest is not None else 0
        matrices = {matrix.name: self._read_matrix(matrix, periods) for matrix in MATRICES}
        self._check_across_tables(0.0 if manifest is None else manifest.period_hours)
        if self.problems or manifest is None:
            raise InputError(self.problems)
        self._sort_routes()
        return self._assemble(manifest, matrices)

    def _try(self, step: Callable[[], Value]) -> Value | None:
        """Run a step; keep its problems and go on to the next one."""
        try:
            return step()
        except InputError as error:
            self.problems += error.problems
            return None

    def _read_manifest(self) -> Manifest | None:
        data = self._try(lambda: load_manifest(self.folder))
        if data is None:
            return None
        refuse_newer(data)
        manifest, problems = parse_manifest(data)
        self.problems += problems
        return manifest

    def _frame(self, table: str, max_rows: int = MAX_ROWS) -> pl.DataFrame | None:
        path = self.folder / self.origin[table]
        if path.suffix == ".csv":
            return self._try(lambda: read_csv(path))
        return self._try(lambda: read_parquet(path, max_rows, tried=self.tried))

    def _read_table(self, spec: TableSpec) -> None:
        if spec.name not in self.origin and spec.required:
            return
        ids = {table: self._ids(table) for table in ("workloads", "pools")}
        if spec.name not in self.origin:
            empty = _empty_frame(spec)
            values, _ = parse_table(spec, empty, {spec.name: spec.name}, dict.fromkeys(ids))
            self._keep(spec, values)
            return
        most = MAX_ROWS
        if spec.name == "routes" and None not in ids.values():
            most = _at_most(math.prod(len(names) for names in ids.values() if names is not None))
        frame = self._frame(spec.name, most)
        if frame is None:
            return
        values, problems = parse_table(spec, frame, self.origin, ids)
        if frame.height == 0 and (spec.required or spec.name == "routes"):
            # Routes of which there are none are not meant to be derived.
            fix = "remove the file to have routes derived" if "profiles" in self.origin else ""
            fix = fix if spec.name == "routes" else ""
            expected = "at least one row"
            problems.append(Problem(self.origin[spec.name], expected, "a header only", fix=fix))
        self.problems += problems
        self.problems += repeated_keys(spec, frame, values, self.origin)
        self._keep(spec, values)
        if spec.name in self.records:
            # In file order, so that the row numbers are those of the file.
            self.problems += table_problems(spec, self.records[spec.name], self.origin)

    def _keep(self, spec: TableSpec, values: dict[str, Any]) -> None:
        """Keep columns; a table that lacks none can be judged as a whole."""
        self.values[spec.name] = values
        if all(name in values for name, _ in columns_of(spec.record)):
            self.records[spec.name] = spec.record(**values)

    def _ids(self, table: str) -> tuple[str, ...] | None:
        """Names of the rows of a table, None when they could not be read."""
        return self.values.get(table, {}).get(table.rstrip("s"))

    def _read_matrix(self, matrix: Matrix, periods: int) -> NDArray[np.float64] | None:
        if matrix.name not in self.origin:
            return None
        path = self.folder / self.origin[matrix.name]
        ids = self._ids(matrix.rows)
        if path.suffix == ".npy":
            return self._read_npy(matrix, path, ids, periods)
        frame = self._frame(matrix.name, MAX_ROWS if ids is None else _at_most(len(ids)))
        if frame is None:
            return None
        values, problems = parse_wide(
            matrix, frame, self.origin, ids, periods, missing_ok=matrix is PRICES
        )
        self.problems += problems
        return values

    def _read_npy(
        self, matrix: Matrix, path: Path, ids: tuple[str, ...] | None, periods: int
    ) -> NDArray[np.float64] | None:
        if ids is None or periods == 0:
            return None  # the file has nothing but numbers: without its axes it says nothing
        values = self._try(lambda: read_npy(path, (len(ids), periods)))
        if values is not None:
            self.problems += matrix_problems(matrix, values, ids, self.origin, missing_ok=False)
        return values

    def _check_across_tables(self, period_hours: float) -> None:
        """Check rules that hold between tables, as far as both could be read."""
        # A cell that could not be read holds a stand-in, of which nothing more is said.
        told = {problem.place for problem in self.problems}
        found = (
            *fleet_problems(self.records, period_hours, self.origin),
            *serving_problems(self.records, self.origin),
        )
        self.problems += [problem for problem in found if problem.place not in told]
        pools = self.records.get("pools")
        if pools is None:
            return
        self.problems += price_range_problems(pools, self.origin)
        if "shares" in self.records:
            self.problems += share_problems(self.records["shares"], pools, self.origin)
        if "residency" in self.records:
            self.problems += residency_problems(self.records["residency"], pools, self.origin)

    def _sort_routes(self) -> None:
        routes = self.values["routes"]
        if rising(routes["workload"], routes["pool"]):
            return
        stride = len(self.records["pools"].pool)
        keys = routes["workload"].astype(np.int64) * stride + routes["pool"]
        order = np.argsort(keys, kind="stable")
        for name, value in routes.items():
            routes[name] = value.take(order) if not isinstance(value, np.ndarray) else value[order]

    def _assemble(
        self, manifest: Manifest, matrices: Mapping[str, NDArray[np.float64] | None]
    ) -> Instance:
        tables = {spec.name: spec.record(**self.values[spec.name]) for spec in TABLES}
        demand, capacity = matrices[DEMAND.name], matrices[CAPACITY.name]
        assert demand is not None
        assert capacity is not None
        own = tables["pools"].usd_per_chip_hour[:, None]
        given = matrices[PRICES.name]
        price = np.broadcast_to(own, capacity.shape)
        price = price.copy() if given is None else np.where(np.isnan(given), own, given)
        return Instance(
            name=manifest.name,
            title=manifest.title,
            start=manifest.start,
            period_hours=manifest.period_hours,
            budget_usd=manifest.budget_usd,
            demand_mtok=demand,
            capacity_chips=capacity,
            price_usd_per_chip_hour=price,
            origin=self.origin,
            **tables,
        )


def _at_most(meant: int) -> int:
    """Most rows worth loading when so many are meant: enough to name those that come twice."""
    return min(2 * meant + 1000, MAX_ROWS)


def _empty_frame(spec: TableSpec) -> pl.DataFrame:
    """No rows, with the columns that must be there."""
    names = [name for name, declared in columns_of(spec.record) if declared.required]
    return pl.DataFrame({name: pl.Series([], dtype=pl.String) for name in names})

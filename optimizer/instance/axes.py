"""Which axis each part of an instance lies on: what writing and selecting are derived from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from optimizer.instance.declare import Matrix, columns_of
from optimizer.instance.tables import CAPACITY, DEMAND, PRICES, TABLES, TableSpec

if TYPE_CHECKING:
    from optimizer.instance.instance import Instance

MATRIX_FIELDS: Mapping[str, str] = {
    DEMAND.name: "demand_mtok",
    CAPACITY.name: "capacity_chips",
    PRICES.name: "price_usd_per_chip_hour",
}
"""Field of the instance that holds each wide table."""


def spec_of(table: str) -> TableSpec:
    """Find the declaration of a table by its name."""
    return next(spec for spec in TABLES if spec.name == table)


def row_key(matrix: Matrix) -> str:
    """Column of a wide table that names its rows."""
    return spec_of(matrix.rows).key[0]


def ids_of(instance: Instance, table: str) -> tuple[str, ...]:
    """Names of the rows of a table whose key is one id."""
    names: tuple[str, ...] = getattr(getattr(instance, table), spec_of(table).key[0])
    return names


def references_of(spec: TableSpec) -> dict[str, str]:
    """Table that each reference column of a table points into, by name of the column."""
    return {
        name: declared.refers
        for name, declared in columns_of(spec.record)
        if declared.kind == "reference"
    }

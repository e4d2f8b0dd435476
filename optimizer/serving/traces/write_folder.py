"""An import as a folder: a whole instance, or the workloads and demand of one."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.instance.declare import columns_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.manifest import FILE, FORMAT
from optimizer.instance.new_folder import new_folder
from optimizer.instance.places import number_text
from optimizer.instance.tables import Workloads
from optimizer.instance.write import write
from optimizer.serving.traces.imported import Imported

SUMMARY = "import.json"
"""What was read and counted; no table, so that the reader of instances passes it over."""


def write_folder(
    imported: Imported, instance: Instance | None, folder: str | os.PathLike[str]
) -> None:
    """Write a new folder, whole or not at all.

    Parameters
    ----------
    instance : the instance with its workloads and demand; None: only these and ``instance.toml``.

    Raises
    ------
    OutputError
        When the folder is not empty or the file system refuses; nothing is left behind.
    """
    name = Path(os.path.realpath(folder)).name
    with new_folder(folder) as partial:
        if instance is not None:
            write(instance, partial)
        else:
            _write_manifest(imported, name, partial)
            _write_workloads(imported.workloads, partial)
            _write_demand(imported, partial)
        text = json.dumps(imported.summary(), indent=2, ensure_ascii=False, allow_nan=False)
        (partial / SUMMARY).write_text(text + "\n", encoding="utf-8")


def title_of(imported: Imported) -> str:
    """What the instance is, in a few words."""
    formats = ", ".join(dict.fromkeys(imported.formats))
    return f"Imported from traces of the format {formats}"


def _write_manifest(imported: Imported, name: str, folder: Path) -> None:
    lines = (
        f"format = {FORMAT}",
        f"name = {json.dumps(name, ensure_ascii=False)}",
        f"title = {json.dumps(title_of(imported))}",
        f'start = "{imported.start.isoformat().replace("+00:00", "Z")}"',
        f"period_hours = {number_text(imported.period_hours)}",
        f"periods = {imported.demand_mtok.shape[1]}",
    )
    (folder / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_workloads(table: Workloads, folder: Path) -> None:
    """Write the columns that are required or hold something."""
    header, columns = [], []
    for name, declared in columns_of(Workloads):
        values = getattr(table, name)
        texts = _texts(values)
        if declared.required or len(set(texts) - {_text(declared.default)}) > 0:
            header.append(name)
            columns.append(texts)
    _write_csv(folder / "workloads.csv", header, zip(*columns, strict=True))


def _write_demand(imported: Imported, folder: Path) -> None:
    """Write a row per workload, with the shortest decimals that read back as the same number."""
    header = ["workload", *(str(period) for period in range(imported.demand_mtok.shape[1]))]
    rows = (
        (name, *(number_text(value) for value in imported.demand_mtok[row].tolist()))
        for row, name in enumerate(imported.workloads.workload)
    )
    _write_csv(folder / "demand.csv", header, rows)


def _texts(values: Any) -> list[str]:
    """A column as it is written."""
    if isinstance(values, Labels):
        return values.values()
    if isinstance(values, np.ndarray):
        return [_text(value) for value in values.tolist()]
    return list(values)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "" if np.isnan(value) else number_text(value)
    return str(value)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)

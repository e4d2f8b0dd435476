"""Profiles of AIBrix's GPU optimizer (https://github.com/vllm-project/aibrix) as instances.

A file is one kind of GPU: its ``cost``, and ``tputs``, the largest requests per second of a replica
of one GPU, a row per length of output and a column per length of input; ``indexes`` holds these
lengths, output first. A rate of 0 means that the promise for which the file was made (``slos``)
cannot be kept there. ``ttft`` and ``e2e``, in seconds, are means at that rate; the time per output
token is what ``e2e`` leaves after the first token, where both are there. Costs are taken for USD
per hour.

The files say nothing of demand: loads are given as (input, output, requests per second), or there
is one request per second of every length of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem, UsageError
from optimizer.instance.fleet_tables import Replicas
from optimizer.instance.in_memory import labels_of, one_label, table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.serving_tables import Profiles, Throughputs
from optimizer.instance.tables import Pools, Residency, Routes, Shares, Sources, Workloads
from optimizer.serving.convert.json_input import Entry, load

Float = NDArray[np.float64]
Load = tuple[float, float, float]

PENALTY = 1000.0
"""Penalty for tokens not served, as a multiple of the dearest way to serve any of them."""
SOURCE = "https://github.com/vllm-project/aibrix"


def read_aibrix(
    files: Sequence[Path],
    *,
    loads: Sequence[Load] = (),
    chips: float = 1000.0,
    model: str = "model",
    whole_replicas: bool = False,
    name: str = "aibrix",
) -> Instance:
    """Make an instance of one hour without routes, which are derived when it is read.

    Parameters
    ----------
    files : a profile each, of the same model.
    loads : input tokens, output tokens, requests per second of each workload.
    chips : GPUs there are of each kind.
    whole_replicas : every replica is a whole GPU; else any part of one may be used.

    Raises
    ------
    InputError
        When a file is not as that program writes it, or two are of one GPU.
    """
    entries = [load(path) for path in files]
    gpus = tuple(entry.text("gpu") for entry in entries)
    for place, gpu in enumerate(gpus):
        if gpu in gpus[:place]:
            raise InputError(Problem(entries[place].at("gpu").place, "each GPU once", f'"{gpu}"'))
    tables = [_table(entry) for entry in entries]
    asked = list(loads) or sorted(
        {(i, o, 1.0) for t in tables for i, o in zip(t[0], t[1], strict=True)}
    )
    if any(inputs + outputs <= 0 or rate < 0 for inputs, outputs, rate in asked):
        raise UsageError("loads: expected lengths > 0 and rates >= 0")
    lengths = np.array(asked)
    rows = [len(table[0]) for table in tables]
    all_rows = np.concatenate(tables, axis=1)
    cost = np.array([entry.number("cost") for entry in entries])
    per_mtok = _dearest(tables, cost)
    size, kinds = len(asked), len(gpus)
    return Instance(
        name=name,
        title=f"Profiles of AIBrix: {', '.join(gpus)}",
        start=datetime(2026, 1, 1, tzinfo=UTC),
        workloads=table_of(
            Workloads,
            size,
            workload=tuple(f"in {i:g} out {o:g}" for i, o, _ in asked),
            model=one_label(model, size),
            traffic_class=one_label("interactive", size),
            region=one_label("any", size),
            unserved_usd_per_mtok=np.full(size, np.ceil(PENALTY * per_mtok)),
            input_tokens=lengths[:, 0],
            output_tokens=lengths[:, 1],
        ),
        pools=table_of(
            Pools,
            kinds,
            pool=gpus,
            provider=one_label("any", kinds),
            chip=Labels.of(gpus),
            region=one_label("any", kinds),
            purchase=one_label("on_demand", kinds),
            usd_per_chip_hour=cost,
            source=one_label(SOURCE, kinds),
        ),
        routes=table_of(Routes, 0),
        shares=table_of(Shares, 0),
        residency=table_of(Residency, 0),
        sources=table_of(Sources, 0),
        profiles=table_of(
            Profiles,
            kinds,
            model=one_label(model, kinds),
            chip=Labels.of(gpus),
            chips_per_replica=np.ones(kinds),
            source=one_label(SOURCE, kinds),
            basis=one_label("measured", kinds),
        ),
        throughputs=table_of(
            Throughputs,
            sum(rows),
            model=one_label(model, sum(rows)),
            chip=labels_of(gpus, np.repeat(np.arange(kinds), rows)),
            configuration=one_label("standard", sum(rows)),
            input_tokens=all_rows[0],
            output_tokens=all_rows[1],
            requests_per_second=all_rows[2],
            ttft_ms=all_rows[3],
            tpot_ms=all_rows[4],
            source=one_label(SOURCE, sum(rows)),
            basis=one_label("measured", sum(rows)),
        ),
        replicas=table_of(
            Replicas,
            kinds if whole_replicas else 0,
            **_whole(model, gpus) if whole_replicas else {},
        ),
        demand_mtok=(lengths[:, 2] * 3600 * lengths[:, :2].sum(axis=1) / 1e6)[:, None],
        capacity_chips=np.full((kinds, 1), float(chips)),
        price_usd_per_chip_hour=cost[:, None].copy(),
    )


def _table(entry: Entry) -> Float:
    """(5, rows) input, output, rate, time to first token and per output token of each cell."""
    indexes = entry.at("indexes")
    if not isinstance(indexes.value, list) or len(indexes.value) != 2:
        raise indexes.wrong("the lengths of outputs and of inputs")
    outputs, inputs = (
        Entry(f"{indexes.place}[{k}]", v).numbers() for k, v in enumerate(indexes.value)
    )
    shape = (len(outputs), len(inputs))
    rate = _matrix(entry, "tputs", shape)
    first = _matrix(entry, "ttft", shape) if "ttft" in entry else np.full(shape, np.nan)
    whole = _matrix(entry, "e2e", shape) if "e2e" in entry else np.full(shape, np.nan)
    grid_out, grid_in = np.meshgrid(outputs, inputs, indexing="ij")
    with np.errstate(divide="ignore", invalid="ignore"):
        per_token = np.where(grid_out > 1, (whole - first) / (grid_out - 1), np.nan)
    times = [np.where(value > 0, 1e3 * value, np.nan) for value in (first, per_token)]
    return np.array([column.ravel() for column in (grid_in, grid_out, rate, *times)])


def _matrix(entry: Entry, key: str, shape: tuple[int, int]) -> Float:
    found = entry.at(key)
    if not isinstance(found.value, list) or len(found.value) != shape[0]:
        raise found.wrong(f"{shape[0]} rows, one per length of output")
    rows = [Entry(f"{found.place}[{row}]", value) for row, value in enumerate(found.value)]
    cells = [row.numbers() for row in rows]
    for row, values in zip(rows, cells, strict=True):
        if len(values) != shape[1]:
            raise row.wrong(f"{shape[1]} numbers, one per length of input")
    return np.array(cells)


def _dearest(tables: Sequence[Float], cost: Float) -> float:
    """Most USD per Mtok that any length costs on any kind."""
    most = 1.0
    for table, usd in zip(tables, cost.tolist(), strict=True):
        can = table[2] > 0
        tokens = (table[0] + table[1])[can] * table[2][can] * 3600 / 1e6
        most = max(most, float((usd / tokens).max(initial=0.0)))
    return most


def _whole(model: str, gpus: tuple[str, ...]) -> dict[str, Labels | Float]:
    return {
        "model": one_label(model, len(gpus)),
        "chip": Labels.of(gpus),
        "chips_per_replica": np.ones(len(gpus)),
    }

"""Inputs of ``llm-inferno/optimizer`` (https://github.com/llm-inferno/optimizer) as instances.

Its files name accelerators (one or several units of a type, as 4xA100 is four units of A100),
how many units of each type there are, what models need on accelerators (times of a decode step
alpha + beta n and of a prefill gamma + delta n tokens, the largest batch at some length of
answers), service classes with promised times, and servers: a model for a class, with requests per
minute and mean lengths. Each server runs on one accelerator.

Here a server is a workload whose model is the server, since its replicas serve nobody else; an
accelerator is a pool and a kind of chip, whose chips are units; its replicas occupy
``accCount * multiplicity`` of them. Accelerators of one type share its units: what several pools
share is a limit on power, so a unit draws 1 MW where a type has several accelerators, and the type
may draw as many MW as it has units. The queue is the one of that program: batches ``together``,
and ten times as many requests may wait. Costs are taken for USD per hour.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.fleet_tables import Power, Replicas
from optimizer.instance.in_memory import one_label, table_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.serving_tables import Profiles
from optimizer.instance.tables import Pools, Residency, Routes, Shares, Sources, Workloads
from optimizer.serving.convert.json_input import Entry, known, load
from optimizer.serving.routes import derive

Float = NDArray[np.float64]

WAITING_PER_BATCH = 10
"""Requests that may wait, for each that runs."""
PENALTY = 1000.0
"""Penalty for tokens not served, as a multiple of the dearest least cost of a server."""
SOURCE = "https://github.com/llm-inferno/optimizer"


def read_inferno(
    folder: Path, *, whole_replicas: bool = False, mixed: bool = False, name: str = "inferno"
) -> Instance:
    """Make an instance of one hour without routes, which are derived when it is read.

    Parameters
    ----------
    folder : with ``accelerator-data.json``, ``capacity-data.json``, ``model-data.json``,
        ``serviceclass-data.json`` and ``server-data.json``.
    whole_replicas : servers run in whole replicas; else any part of one may be used.
    mixed : a server may run on several accelerators.

    Raises
    ------
    InputError
        When a file is not as that program writes it.
    """
    accelerators = load(folder / "accelerator-data.json").objects("accelerators")
    counts = {
        entry.text("type"): entry.number("count")
        for entry in load(folder / "capacity-data.json").objects("count")
    }
    models = load(folder / "model-data.json").objects("models")
    targets = _targets(load(folder / "serviceclass-data.json").objects("serviceClasses"))
    servers = load(folder / "server-data.json").objects("servers")
    workloads, demand = _workloads(servers, targets)
    pools = _pools(accelerators)
    capacity = np.array([known(entry, "type", counts) for entry in accelerators])[:, None]
    profiles = _profiles(servers, models, accelerators)
    instance = Instance(
        name=name,
        title=f"Servers of llm-inferno/optimizer, from {folder.name}",
        start=datetime(2026, 1, 1, tzinfo=UTC),
        workloads=workloads if mixed else _pinned(workloads),
        pools=pools,
        routes=table_of(Routes, 0),
        shares=table_of(Shares, 0),
        residency=table_of(Residency, 0),
        sources=table_of(Sources, 0),
        power=_power(accelerators, counts),
        replicas=_replicas(profiles) if whole_replicas else table_of(Replicas, 0),
        profiles=profiles,
        demand_mtok=demand,
        capacity_chips=capacity,
        price_usd_per_chip_hour=pools.usd_per_chip_hour[:, None].copy(),
    )
    return _with_penalty(instance)


def _targets(classes: list[Entry]) -> dict[str, dict[str, Any]]:
    """Promise and priority of each class and model; 0 is no promise."""
    found: dict[str, dict[str, Any]] = {}
    for entry in classes:
        own: dict[str, Any] = {"priority": entry.number("priority", default=1.0)}
        for target in entry.objects("modelTargets"):
            promised = [target.number(key, default=0.0) for key in ("slo-ttft", "slo-itl")]
            own[f"of {target.text('model')}"] = [value or np.nan for value in promised]
        found[entry.text("name")] = own
    return found


def _workloads(servers: list[Entry], targets: dict[str, dict[str, Any]]) -> tuple[Workloads, Float]:
    names = tuple(server.text("name") for server in servers)
    loads = [server.at("currentAlloc").as_object().at("load").as_object() for server in servers]
    of_class = [known(server, "class", targets) for server in servers]
    promised = np.array(
        [
            own.get(f"of {server.text('model')}", [np.nan, np.nan])
            for own, server in zip(of_class, servers, strict=True)
        ]
    )
    lengths = np.array([[_length(load, "In"), _length(load, "Out")] for load in loads])
    minutes = np.array([load.number("arrivalRate") for load in loads])
    table = table_of(
        Workloads,
        len(servers),
        workload=names,
        model=Labels.of(names),
        traffic_class=Labels.of([server.text("class") for server in servers]),
        region=one_label("any", len(servers)),
        unserved_usd_per_mtok=np.ones(len(servers)),
        priority=np.array([own["priority"] for own in of_class]).astype(np.int64),
        input_tokens=lengths[:, 0],
        output_tokens=lengths[:, 1],
        ttft_ms=promised[:, 0],
        tpot_ms=promised[:, 1],
        source=one_label(SOURCE, len(servers)),
    )
    return table, (minutes * 60 * lengths.sum(axis=1) / 1e6)[:, None]


def _length(load: Entry, which: str) -> float:
    """Mean tokens of requests; both spellings are in use."""
    keys = (f"Avg{which}Tokens", f"avg{which}Tokens")
    return load.number(next((key for key in keys if key in load), keys[1]))


def _pinned(workloads: Workloads) -> Workloads:
    """Each server on one accelerator, as that program has it."""
    return dataclasses.replace(workloads, single_pool=np.ones(len(workloads.workload), np.bool_))


def _pools(accelerators: list[Entry]) -> Pools:
    names = tuple(entry.text("name") for entry in accelerators)
    units = np.array([entry.number("multiplicity", least=1.0) for entry in accelerators])
    cost = np.array([entry.number("cost") for entry in accelerators])
    return table_of(
        Pools,
        len(names),
        pool=names,
        provider=Labels.of([entry.text("type") for entry in accelerators]),
        chip=Labels.of(names),
        region=one_label("any", len(names)),
        purchase=one_label("on_demand", len(names)),
        usd_per_chip_hour=cost / units,
        watts_per_chip=np.full(len(names), 1e6),
        source=one_label(SOURCE, len(names)),
    )


def _power(accelerators: list[Entry], counts: dict[str, float]) -> Power:
    """Limits that let the accelerators of a type share its units."""
    types = [entry.text("type") for entry in accelerators]
    shared = sorted({name for name in types if types.count(name) > 1})
    return table_of(
        Power,
        len(shared),
        limit=tuple(f"units of {name}" for name in shared),
        attribute=one_label("provider", len(shared)),
        value=Labels.of(shared),
        max_mw=np.array([counts[name] for name in shared]),
    )


def _profiles(servers: list[Entry], models: list[Entry], accelerators: list[Entry]) -> Profiles:
    """Every accelerator of the server's model, for each server."""
    units = {entry.text("name"): entry.number("multiplicity") for entry in accelerators}
    rows: list[tuple[str, str, list[float]]] = []
    for server in servers:
        model = server.text("model")
        outputs = _length(server.at("currentAlloc").at("load").as_object(), "Out")
        own = [entry for entry in models if entry.text("name") == model]
        if not own:
            raise server.at("model").wrong("a model of model-data.json")
        rows += [
            (server.text("name"), entry.text("acc"), _facts(entry, units, outputs)) for entry in own
        ]
    numbers = np.array([facts for _, _, facts in rows]).T
    return table_of(
        Profiles,
        len(rows),
        model=Labels.of([server for server, _, _ in rows]),
        chip=Labels.of([accelerator for _, accelerator, _ in rows]),
        chips_per_replica=numbers[0],
        max_batch=numbers[1],
        max_batch_at_tokens=numbers[2],
        decode_base_ms=numbers[3],
        decode_per_seq_ms=numbers[4],
        prefill_base_ms=numbers[5],
        prefill_per_token_ms=numbers[6],
        batching=one_label("together", len(rows)),
        max_queue=numbers[7],
        source=one_label(SOURCE, len(rows)),
    )


def _facts(entry: Entry, units: dict[str, float], outputs: float) -> list[float]:
    """Numbers of a model on an accelerator, in the order in which profiles take them."""
    decode, prefill = entry.at("decodeParms").as_object(), entry.at("prefillParms").as_object()
    batch, at_tokens = entry.number("maxBatchSize", least=1.0), entry.number("atTokens", least=1.0)
    running = max(np.floor(batch * min(1.0, at_tokens / max(outputs, 1.0))), 1.0)
    return [
        entry.number("accCount", least=1.0) * known(entry, "acc", units),
        batch,
        at_tokens,
        decode.number("alpha"),
        decode.number("beta"),
        prefill.number("gamma"),
        prefill.number("delta"),
        WAITING_PER_BATCH * running,
    ]


def _replicas(profiles: Profiles) -> Replicas:
    """Whole replicas of each server on each accelerator."""
    return table_of(
        Replicas,
        len(profiles.model),
        model=profiles.model,
        chip=profiles.chip,
        chips_per_replica=profiles.chips_per_replica,
    )


def _with_penalty(instance: Instance) -> Instance:
    """Make it dearer to give up tokens than to serve them anywhere."""
    derived = derive(instance)[0]
    routes, usd = derived.routes, instance.pools.usd_per_chip_hour
    least = np.full(instance.num_workloads, np.inf)
    np.minimum.at(least, routes.workload, routes.chip_hours_per_mtok * usd[routes.pool])
    dearest = float(least[np.isfinite(least)].max(initial=1.0))
    penalty = np.full(instance.num_workloads, np.ceil(PENALTY * dearest))
    workloads = dataclasses.replace(instance.workloads, unserved_usd_per_mtok=penalty)
    return dataclasses.replace(instance, workloads=workloads)

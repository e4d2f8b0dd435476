"""The replicas behind routes: which profile a route runs in, and its times."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.serving.measured import grids_of
from optimizer.serving.profiles import ways
from optimizer.serving.queue import Stations, mixed

Float = NDArray[np.float64]
Int = NDArray[np.int64]

DECODING = ("decode_base_ms", "decode_per_seq_ms")
PREFILLING = ("prefill_base_ms", "prefill_per_token_ms")


@dataclass(frozen=True, eq=False)
class RouteStations:
    """What is known of the replicas behind each route. Axes R (routes), K (stations).

    Attributes
    ----------
    place : (R,) station of each route; -1 where the queue can say nothing: no profile, measured
        rates instead of times, or lengths of requests that are not given.
    chips_per_replica : (R,) chips of one replica; NaN where the place is -1.
    stations : (K,) one replica under the requests of a workload alone.
    """

    place: Int
    chips_per_replica: Float
    stations: Stations | None


def route_stations(instance: Instance) -> RouteStations:
    """Look the replicas behind every route up; routes that ask the same share a station."""
    profile = profile_of_routes(instance)
    workload = instance.routes.workload.astype(np.int64)
    people = instance.workloads
    told = ~np.isnan(people.input_tokens + people.output_tokens)
    told &= people.input_tokens + people.output_tokens > 0
    rows = np.flatnonzero((profile >= 0) & told[workload])
    width = max(instance.num_workloads, 1)
    pairs, place_of_row = np.unique(profile[rows] * width + workload[rows], return_inverse=True)
    found = ways(instance, pairs // width, pairs % width)
    times = np.logical_and.reduce([~np.isnan(values) for values in found.columns.values()])
    known = found.fits & np.asarray(times)
    place = np.full(instance.num_routes, -1, np.int64)
    place[rows] = np.where(known, np.cumsum(known) - 1, -1)[place_of_row]
    chips = np.full(instance.num_routes, np.nan)
    there = place >= 0
    chips[there] = instance.profiles.chips_per_replica[profile[there]]
    stations = found.stations(np.flatnonzero(known)) if bool(known.any()) else None
    return RouteStations(place, chips, stations)


def profile_of_routes(instance: Instance) -> Int:
    """(R,) row of profiles that a route runs in; -1 where none is said, or its rates are measured.

    A route that names no configuration runs in the only one that its model has on the chip.
    """
    routes, models, chips = instance.routes, instance.model_names, instance.pools.chip.names
    names = routes.configuration.names
    row_of = _rows_by_name(instance)
    key = instance.workloads.model.codes[routes.workload].astype(np.int64) * len(chips)
    key = (key + instance.pools.chip.codes[routes.pool]) * max(len(names), 1)
    asked, of_route = np.unique(key + routes.configuration.codes, return_inverse=True)
    found = np.full(len(asked), -1, np.int64)
    for position, code in enumerate(asked.tolist()):
        pair, name = divmod(code, len(names))
        way = models[pair // len(chips)], chips[pair % len(chips)], names[name]
        found[position] = row_of.get(way, -1)
    return found[of_route]


def _rows_by_name(instance: Instance) -> dict[tuple[str, str, str], int]:
    """Row of profiles by model, chip and configuration, the latter empty for an only one."""
    table, measured = instance.profiles, grids_of(instance)
    ways = zip(table.model.values(), table.chip.values(), table.configuration.values(), strict=True)
    found: dict[tuple[str, str, str], int] = {}
    several: set[tuple[str, str, str]] = set()
    for row, (model, chip, configuration) in enumerate(ways):
        usable = -1 if row in measured else row
        found[model, chip, configuration] = usable
        only = model, chip, ""
        if only in found:
            several.add(only)
        found[only] = usable
    return found | dict.fromkeys(several, -1)


def shared(stations: Stations, requests_per_second: Float, group: Int) -> Stations:
    """(G,) stations of groups whose workloads share replicas, each under all that comes to them.

    Estimated times depend on the lengths of requests. Those of a group are means over its work:
    of decoding by the tokens put out, of prefilling by the tokens put in.

    Parameters
    ----------
    stations : (K,) replicas under each workload alone.
    requests_per_second : (K,) of each workload at one replica of the group.
    group : (K,) group of each.
    """
    out = requests_per_second * stations.output_tokens
    put_in = requests_per_second * np.maximum(stations.input_tokens, 1.0)
    times = {}
    for names, work in ((DECODING, out), (PREFILLING, put_in)):
        total = np.bincount(group, work)
        for name in names:
            mean = np.bincount(group, work * getattr(stations, name)) / total
            times[name] = mean[group]
    return mixed(dataclasses.replace(stations, **times), requests_per_second, group)

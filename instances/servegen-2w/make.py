"""Write the tables of the instance servegen-2w.

Usage: ``python make.py SERVEGEN_HOURLY_CSV [FOLDER]`` (default: the folder of this file). The
file, plain or gzipped, has a row per model, client and hour: ``model, client, hour, requests,
mean_input_tokens, mean_output_tokens``; ``README.md`` says how it follows from what ServeGen
publishes. Pools, chips and network come from ``../frontier-2026-05/make.py``. The same bytes come
out on every run.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
HOURS = 336
Float = NDArray[np.float64]
Rows = Iterable[Sequence[object]]


def _frontier() -> ModuleType:
    """Load the script of the instance whose pools, chips and network these are."""
    path = HERE.parent / "frontier-2026-05" / "make.py"
    spec = importlib.util.spec_from_file_location("frontier", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FRONTIER = _frontier()

HEAD = """\
format = 1
name = "servegen-2w"
title = "Two weeks of 313 production clients of three language models"
start = "2026-05-04T00:00:00Z"
period_hours = 1
periods = 336
"""

# --- clients ------------------------------------------------------------------------

LONG_INPUT_TOKENS = 4096
"""Clients with longer inputs on average are long_context."""
STEADY_HOURS = 84
"""Clients seen in fewer hours, a quarter of all, are batch."""
BATCH_HOURS = 12
LONGEST_TRIP_MS = {"interactive": 130, "long_context": 130, "batch": 150}

# model: promised time to first token and per token of interactive, of long_context clients, ms
TARGETS = {
    "m-large": {"interactive": (2000, 80), "long_context": (6000, 120)},
    "m-mid": {"interactive": (1000, 50), "long_context": (4000, 80)},
    "m-small": {"interactive": (500, 30), "long_context": (2000, 60)},
}
PENALTY = {"m-large": 12, "m-mid": 8, "m-small": 5}
SPREAD = (0.96, 0.77)
"""Standard deviation over mean of the input and output tokens of a client's requests."""

# --- pools --------------------------------------------------------------------------

SCALE = 1 / 300
"""Chips here over chips there."""
UNIT_CHIPS = 8

# --- models -------------------------------------------------------------------------

# model: 1e9 parameters, of them active, of them held by every chip; bytes of the cache per
# token; attention FLOP per token and token of context, decoding and prefilling
MODELS = {
    "m-large": (310, 310, 0, 196_608, 6.3e6, 6.3e6),
    "m-mid": (72, 72, 0, 163_840, 2.6e6, 2.6e6),
    "m-small": (14, 14, 0, 98_304, 1.0e6, 1.0e6),
}

# model, chip: precision, then chips per replica of each configuration
REPLICAS = {
    "m-large": {
        "Trainium2": ("fp8", 16),
        "Trainium3": ("fp8", 16),
        "TPU v7": ("fp8", 8),
        "H200": ("fp8", 8),
        "B200": ("fp4", 8),
        "Maia 200": ("fp8", 8),
    },
    "m-mid": {
        "Trainium2": ("fp8", 8),
        "Trainium3": ("fp8", 4),
        "TPU v7": ("fp8", 4),
        "H200": ("fp8", 4),
        "B200": ("fp4", 2),
        "Maia 200": ("fp8", 4),
    },
    "m-small": {
        "Trainium2": ("fp8", 2),
        "Trainium3": ("fp8", 1),
        "TPU v7": ("fp8", 1),
        "H200": ("fp8", 1),
        "B200": ("fp4", 1),
        "Maia 200": ("fp8", 1),
    },
}

SOURCES = (
    (
        "client-sizes",
        "https://github.com/alibaba/ServeGen/tree/f891d1189eb32b3868dfc443800c4150548c282a/data",
        "The sizes of the three models are not published; those in models.csv are assumptions.",
    ),
)


@dataclass(frozen=True)
class Client:
    """One client of a model: what it sends in every hour, and how it is served."""

    model: str
    number: int
    requests: Float
    """In every hour."""
    mtok: Float
    """Input and output, in every hour."""
    input_tokens: float
    output_tokens: float
    """Mean over its requests."""
    measured: bool
    """Whether its own token counts are known; if not they are the model's mean."""

    @property
    def name(self) -> str:
        """Name of the workload."""
        return f"{self.model}-{self.number:03d}"

    @property
    def traffic_class(self) -> str:
        """Class by the hours in which it is seen and by its inputs."""
        if np.count_nonzero(self.requests) < STEADY_HOURS:
            return "batch"
        return "long_context" if self.input_tokens > LONG_INPUT_TOKENS else "interactive"


def read_hours(path: Path) -> dict[tuple[str, int], Float]:
    """Requests, and mean input and output tokens, of each client: [3, hour], tokens NaN if none."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    clients: dict[tuple[str, int], Float] = {}
    for row in csv.DictReader(io.StringIO(text.decode("utf-8"))):
        if row["model"] not in MODELS:
            continue
        key = row["model"], int(row["client"])
        hours = clients.setdefault(key, np.zeros((3, HOURS)))
        hours[:, int(row["hour"])] = [
            float(row[name] or "nan")
            for name in ("requests", "mean_input_tokens", "mean_output_tokens")
        ]
    return clients


def clients_of(path: Path) -> list[Client]:
    """Every client of the three models, by model and number."""
    hours = read_hours(path)
    means: dict[str, Float] = {}
    for model in dict.fromkeys(model for model, _ in hours):
        mine = np.array([value for key, value in hours.items() if key[0] == model])
        known = ~np.isnan(mine[:, 1:].sum(axis=(1, 2)))
        weight = mine[known, :1]
        means[model] = (mine[known, 1:] * weight).sum(axis=(0, 2)) / weight.sum()
    found = []
    for (model, number), (requests, *means_by_hour) in sorted(hours.items()):
        tokens = np.array(means_by_hour)
        measured = not np.isnan(tokens).any()
        if not measured:
            tokens = np.broadcast_to(means[model][:, np.newaxis], tokens.shape)
        sent = tokens * requests
        mean_in, mean_out = sent.sum(axis=1) / requests.sum()
        mtok = sent.sum(axis=0) / 1e6
        found.append(Client(model, number, requests, mtok, mean_in, mean_out, measured))
    return found


def origins_of(clients: Sequence[Client]) -> dict[str, str]:
    """Region of each client: dealt out, largest first, to the region farthest below its share."""
    total = sum(client.mtok.sum() for client in clients)
    missing = {origin: share * total for origin, share in FRONTIER.ORIGIN_SHARE.items()}
    found = {}
    for client in sorted(clients, key=lambda client: -client.mtok.sum()):
        origin = max(missing, key=lambda origin: missing[origin])
        missing[origin] -= client.mtok.sum()
        found[client.name] = origin
    return found


def workload_rows(clients: Sequence[Client], origins: dict[str, str]) -> Rows:
    """Rows of the table workloads."""
    for client in clients:
        kind = client.traffic_class
        first, each = TARGETS[client.model].get(kind, ("", ""))
        yield (
            client.name,
            client.model,
            kind,
            origins[client.name],
            PENALTY[client.model],
            BATCH_HOURS if kind == "batch" else 0,
            f"{client.input_tokens:.4g}",
            f"{client.output_tokens:.4g}",
            *SPREAD,
            first,
            each,
            FRONTIER.SLO_PERCENTILE if first else "",
            LONGEST_TRIP_MS[kind],
            "servegen",
            "measured" if client.measured else "estimate",
        )


def residency_rows(clients: Sequence[Client], origins: dict[str, str]) -> Rows:
    """European clients stay in Europe, but for batch."""
    for client in clients:
        if origins[client.name] == "europe" and client.traffic_class != "batch":
            for region in FRONTIER.EUROPE:
                yield client.name, region


def capacity_rows() -> Rows:
    """Chips of the pools there, two weeks of them, in whole units."""
    for pool in FRONTIER.POOLS:
        week = FRONTIER.capacity_of(pool)
        # A ramp ends with the first week.
        second = np.full_like(week, week[-1]) if "maia" in pool else week
        chips = np.concatenate([week, second]) * SCALE
        yield (pool, *(f"{value:.0f}" for value in np.round(chips / UNIT_CHIPS) * UNIT_CHIPS))


def write_instance(source: Path, folder: Path) -> None:
    """Write every table and instance.toml into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instance.toml").write_text(HEAD, encoding="utf-8", newline="\n")
    clients = clients_of(source)
    origins = origins_of(clients)
    write = FRONTIER.write_table
    write(
        folder,
        "workloads",
        (
            "workload",
            "model",
            "traffic_class",
            "region",
            "unserved_usd_per_mtok",
            "deadline_periods",
            "input_tokens",
            "output_tokens",
            "input_tokens_cv",
            "output_tokens_cv",
            "ttft_ms",
            "tpot_ms",
            "slo_percentile",
            "max_round_trip_ms",
            "source",
            "basis",
        ),
        workload_rows(clients, origins),
    )
    hours = range(HOURS)
    demand = ((client.name, *(f"{value:.4g}" for value in client.mtok)) for client in clients)
    write(folder, "demand", ("workload", *hours), demand)
    write(folder, "pools", FRONTIER.POOL_COLUMNS, FRONTIER.pool_rows())
    write(folder, "capacity", ("pool", *hours), capacity_rows())
    write(folder, "residency", ("workload", "region"), residency_rows(clients, origins))
    kinds = {client.traffic_class: None for client in clients}
    FRONTIER.write_serving(folder, MODELS, REPLICAS, FRONTIER.common_rules(kinds))
    write(
        folder,
        "sources",
        ("source", "address", "note"),
        (*FRONTIER.SOURCES, *FRONTIER.SERVING_SOURCES, *SOURCES),
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    write_instance(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else HERE)

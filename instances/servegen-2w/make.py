"""Write the tables of the instance servegen-2w.

Usage: ``python make.py SERVEGEN_HOURLY_CSV [FOLDER]`` (default: the folder of this file). The
first argument is ServeGen by the hour, as CSV or gzip, with the columns ``model, client, hour,
requests, mean_input_tokens, mean_output_tokens``; docs/traces.md says how it is made. Pools, chips
and network come from ``../frontier-2026-05/make.py``. The same file gives the same bytes, so the
committed tables can be compared with what this script writes. ``README.md`` explains the numbers.
Needs numpy only.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent


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

PERIODS = 336
MODELS = ("m-large", "m-mid", "m-small")
"""The three models with 14 days; the other two of the data set have one day."""

SCALE = 500
"""Factor on the demand, so that its peak hour (7,014 Mtok) comes to that of frontier-2026-05."""

CHIPS_PART = 0.6
"""Chips here over chips in frontier-2026-05; in units of 16, as there."""
RESIDENT = "m-large"
"""Its European conversations and long contexts stay in Europe."""

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of the golden ratio spread evenly over 0 to 1 (Weyl's sequence)."""

LONG_INPUT = 8192
AGENTIC_INPUT, AGENTIC_RATIO = 1024, 20
"""A client whose requests have this much input, and so many times more input than output."""

CACHED = {"interactive": 0.37, "long_context": 0.37, "agentic": 0.56}
"""Part of the input answered by a cache, as in frontier-2026-05 (Mooncake, DeepSeek)."""
TARGETS = {
    "m-large": {"interactive": (4500, 80), "long_context": (6000, 175), "agentic": (4500, 80)},
    "m-mid": {"interactive": (1500, 40), "long_context": (6000, 80), "agentic": (2000, 40)},
    "m-small": {"interactive": (500, 30), "long_context": (2000, 80), "agentic": (2000, 30)},
}
"""Time to first token and time per output token in ms, as in frontier-2026-05 (MLPerf)."""
PENALTY = {
    "m-large": {"interactive": 20, "long_context": 18, "agentic": 15},
    "m-mid": {"interactive": 12, "long_context": 11, "agentic": 10},
    "m-small": {"interactive": 8, "long_context": 8, "agentic": 7},
}
"""USD per Mtok not served, as in frontier-2026-05."""

# model: 1e9 parameters, of them active, of them held by every chip; bytes of the cache per
# token; attention FLOP per token and token of context, decoding and prefilling
SIZES = {
    "m-large": (310, 100, 4, 98_304, 3.1e6, 3.1e6),
    "m-mid": (72, 72, 0, 163_840, 2.6e6, 2.6e6),
    "m-small": (14, 14, 0, 98_304, 1.0e6, 1.0e6),
}

# model, chip: precision, then chips per replica
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
        "model-sizes",
        "https://github.com/alibaba/ServeGen/tree/f891d1189eb32b3868dfc443800c4150548c282a/data",
        "The data set does not say how large its models are. The sizes are assumptions.",
    ),
    (
        "servegen",
        "https://github.com/alibaba/ServeGen/tree/f891d1189eb32b3868dfc443800c4150548c282a/data",
        "Requests and token distributions of the clients of three production models, 14 days "
        "(Apache-2.0), summed by client and hour.",
    ),
    (
        "servegen-filled",
        "https://github.com/alibaba/ServeGen/tree/f891d1189eb32b3868dfc443800c4150548c282a/data",
        "Requests as published; the client has no token distribution, so that its lengths are the "
        "means of its model over the requests of the other clients: an assumption.",
    ),
)

Float = NDArray[np.float64]
Rows = Iterable[Sequence[object]]


@dataclass
class Client:
    """One client of a model over all hours; tokens are NaN where the data set has none."""

    model: str
    number: int
    requests: Float = field(default_factory=lambda: np.zeros(PERIODS))
    input_tokens: Float = field(default_factory=lambda: np.zeros(PERIODS))
    output_tokens: Float = field(default_factory=lambda: np.zeros(PERIODS))
    filled: bool = False

    @property
    def name(self) -> str:
        """Name of the workload."""
        return f"{self.model}-{self.number:03d}"

    @property
    def lengths(self) -> tuple[float, float]:
        """Mean input and output tokens of a request."""
        total = self.requests.sum()
        return float(self.input_tokens.sum() / total), float(self.output_tokens.sum() / total)

    @property
    def kind(self) -> str:
        """Traffic class, by the client's lengths."""
        tokens_in, tokens_out = self.lengths
        if tokens_in >= LONG_INPUT:
            return "long_context"
        if tokens_in >= AGENTIC_INPUT and tokens_in >= AGENTIC_RATIO * tokens_out:
            return "agentic"
        return "interactive"

    @property
    def origin(self) -> str:
        """Region, by the client's number."""
        place = (self.number * GOLDEN + MODELS.index(self.model) / len(MODELS)) % 1
        bounds = np.cumsum(list(FRONTIER.ORIGIN_SHARE.values()))
        return str(list(FRONTIER.ORIGIN_SHARE)[np.searchsorted(bounds[:-1], place, side="right")])


def clients_of(path: Path) -> list[Client]:
    """Clients with any requests, by model and number."""
    found: dict[tuple[str, int], Client] = {}
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for row in csv.DictReader(file):
            model, number, hour = row["model"], int(row["client"]), int(row["hour"])
            if model not in MODELS:
                continue
            client = found.setdefault((model, number), Client(model, number))
            requests = float(row["requests"])
            client.requests[hour] += requests
            for name in ("input_tokens", "output_tokens"):
                mean = float(row[f"mean_{name}"] or "nan")
                getattr(client, name)[hour] += requests * mean
    ordered = sorted(found.values(), key=lambda c: (MODELS.index(c.model), c.number))
    return [client for client in ordered if client.requests.sum() > 0]


def fill(clients: list[Client]) -> None:
    """Give clients without lengths the mean of their model over the requests of the others."""
    for model in MODELS:
        own = [client for client in clients if client.model == model]
        known = [client for client in own if not np.isnan(client.input_tokens).any()]
        total = sum(client.requests.sum() for client in known)
        for client in own:
            client.filled = bool(np.isnan(client.input_tokens).any())
        for name in ("input_tokens", "output_tokens"):
            mean = sum(getattr(client, name).sum() for client in known) / total
            for client in own:
                if client.filled:
                    setattr(client, name, client.requests * mean)


def workload_rows(clients: list[Client]) -> Iterator[Sequence[object]]:
    """Rows of the table workloads."""
    for client in clients:
        tokens_in, tokens_out = client.lengths
        kind = client.kind
        first, each = TARGETS[client.model][kind]
        yield (
            client.name,
            client.model,
            kind,
            client.origin,
            PENALTY[client.model][kind],
            f"{tokens_in:.6g}",
            f"{tokens_out:.6g}",
            CACHED[kind],
            first,
            each,
            FRONTIER.SLO_PERCENTILE,
            FRONTIER.LONGEST_TRIP_MS[kind],
            "servegen-filled" if client.filled else "servegen",
            "assumption" if client.filled else "estimate",
        )


def demand_rows(clients: list[Client]) -> Iterator[Sequence[object]]:
    """Mtok per hour, to four digits."""
    for client in clients:
        mtok = (client.input_tokens + client.output_tokens) / 1e6 * SCALE
        yield (client.name, *(f"{float(f'{value:.4g}'):.12g}" for value in mtok.tolist()))


def capacity_rows() -> Iterator[Sequence[object]]:
    """The week of frontier-2026-05 twice; what is being built there is there in the second."""
    for pool in FRONTIER.POOLS:
        week = FRONTIER.capacity_of(pool)
        second = np.full_like(week, week[-1]) if "maia" in pool else week
        chips = np.round(np.concatenate([week, second]) * CHIPS_PART / 16) * 16
        yield (pool, *(f"{value:.0f}" for value in chips))


def residency_rows(clients: list[Client]) -> Iterator[Sequence[object]]:
    """Conversations and long contexts of one model that stay in Europe."""
    for client in clients:
        bound = client.model == RESIDENT and client.kind != "agentic"
        if bound and client.origin == "europe":
            for region in FRONTIER.EUROPE:
                yield client.name, region


def write_instance(source: Path, folder: Path) -> None:
    """Write every table and instance.toml into a folder."""
    clients = clients_of(source)
    fill(clients)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instance.toml").write_text(HEAD, encoding="utf-8", newline="\n")
    write_demand(clients, folder)
    write_table = FRONTIER.write_table
    write_table(folder, "pools", FRONTIER.POOL_COLUMNS, FRONTIER.pool_rows())
    write_table(folder, "capacity", ("pool", *range(PERIODS)), capacity_rows())
    write_table(folder, "residency", ("workload", "region"), residency_rows(clients))
    kinds = dict.fromkeys(client.kind for client in clients)
    FRONTIER.write_serving(folder, SIZES, REPLICAS, FRONTIER.common_rules(kinds))
    # Of two notes with one key the later holds.
    notes = (*FRONTIER.SOURCES, *FRONTIER.SERVING_SOURCES, *SOURCES)
    sources = {note[0]: note for note in notes}.values()
    write_table(folder, "sources", ("source", "address", "note"), sources)


def write_demand(clients: list[Client], folder: Path) -> None:
    """Write the tables that the data set gives."""
    write_table = FRONTIER.write_table
    write_table(
        folder,
        "workloads",
        (
            "workload",
            "model",
            "traffic_class",
            "region",
            "unserved_usd_per_mtok",
            "input_tokens",
            "output_tokens",
            "cached_input_fraction",
            "ttft_ms",
            "tpot_ms",
            "slo_percentile",
            "max_round_trip_ms",
            "source",
            "basis",
        ),
        workload_rows(clients),
    )
    write_table(folder, "demand", ("workload", *range(PERIODS)), demand_rows(clients))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: python {Path(sys.argv[0]).name} SERVEGEN_HOURLY_CSV [FOLDER]")
    write_instance(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else HERE)

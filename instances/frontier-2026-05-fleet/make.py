"""Write the tables of the instance frontier-2026-05-fleet.

Usage: ``python make.py [FOLDER]`` (default: the folder of this file). Everything that
``../frontier-2026-05/make.py`` writes, and the tables that say how the fleet is run. The same
bytes come out on every run. ``README.md`` explains the numbers.
"""

from __future__ import annotations

import csv
import importlib.util
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent


def _frontier() -> ModuleType:
    """Load the script of the instance that this one adds to."""
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
name = "frontier-2026-05-fleet"
title = "The same week with whole replicas, outages, power, contracts and a budget"
start = "2026-05-04T00:00:00Z"
period_hours = 1
periods = 168

[limits]
budget_usd = 235000000
"""

# --- routes ---------------------------------------------------------------------------

CHIP_HOURS = {
    # chip, model: chip-hours per Mtok for interactive, long_context, agentic, batch.
    # 0 = no route. Opus-class and long contexts need the 64-chip UltraServer and are
    # slow on Trainium2; see README.md for what these rates are and are not.
    ("Trainium2", "opus"): (0.290, 0, 0.286, 0.283),
    ("Trainium2", "sonnet"): (0.204, 0.288, 0.200, 0.190),
    ("Trainium2", "haiku"): (0.194, 0.280, 0.190, 0.184),
    ("Trainium3", "opus"): (0.180, 0.186, 0.178, 0.176),
    ("Trainium3", "sonnet"): (0.124, 0.178, 0.121, 0.115),
    ("Trainium3", "haiku"): (0.118, 0.174, 0.115, 0.111),
    ("TPU v7", "opus"): (0.0830, 0.0850, 0.0820, 0.0815),
    ("TPU v7", "sonnet"): (0.0960, 0.0830, 0.0970, 0.0990),
    ("TPU v7", "haiku"): (0.0940, 0.0810, 0.0950, 0.0980),
    ("H200", "opus"): (0.138, 0.140, 0.136, 0.134),
    ("H200", "sonnet"): (0.122, 0.128, 0.120, 0.116),
    ("H200", "haiku"): (0.116, 0.122, 0.114, 0.110),
    ("B200", "opus"): (0.098, 0.100, 0.096, 0.095),
    ("B200", "sonnet"): (0.090, 0.093, 0.089, 0.087),
    ("B200", "haiku"): (0.087, 0.089, 0.086, 0.085),
    ("Maia 200", "opus"): (0.120, 0.128, 0.118, 0.115),
    ("Maia 200", "sonnet"): (0.128, 0.130, 0.125, 0.120),
    ("Maia 200", "haiku"): (0.124, 0.126, 0.122, 0.118),
}
SLOWER = {"hyperstack-b200-europe": 1.18}
"""Expert groups larger than one 8-GPU node cross a slower network there."""

# --- columns of tables that are there ------------------------------------------------

PROTECTED = ("interactive",)
PRIORITY = {"interactive": 1, "long_context": 1, "agentic": 2, "batch": 3}

WATTS = {
    "Trainium2": 1_000,
    "Trainium3": 2_000,
    "TPU v7": 1_085,
    "H200": 1_730,
    "B200": 2_170,
    "Maia 200": 1_500,
}
"""All that a chip in use needs in the building; `power-*` in sources.csv says from what."""

ACTIVATION_USD = {"hyperstack-b200-europe": 50_000, "google-h200-us-east4-spot": 20_000}

# --- replicas -------------------------------------------------------------------------

CHIPS_PER_REPLICA = {
    # Opus-class fills an UltraServer of 64 chips, Sonnet-class one instance of 16; of GPUs
    # two nodes of 8, one, and half of one.
    "opus": {
        "Trainium2": 64,
        "Trainium3": 64,
        "TPU v7": 64,
        "H200": 16,
        "B200": 16,
        "Maia 200": 32,
    },
    "sonnet": {
        "Trainium2": 16,
        "Trainium3": 16,
        "TPU v7": 16,
        "H200": 8,
        "B200": 8,
        "Maia 200": 16,
    },
    "haiku": {"Trainium2": 8, "Trainium3": 8, "TPU v7": 8, "H200": 4, "B200": 4, "Maia 200": 8},
}
TARGET_UTILISATION = 0.95
STARTUP = {"opus": (30, 0.25), "sonnet": (10, 0.15), "haiku": (4, 0.1)}
"""USD per start, and hours in which the weights load."""
MAX_CHANGES = {("opus", "Trainium2"): 120, ("opus", "TPU v7"): 60, ("sonnet", "TPU v7"): 300}
MIN_REPLICAS = {"opus": 1_000, "sonnet": 8_000, "haiku": 8_000}

TRAINING_ONLY = ("haiku", "H200")
LATER = {("opus", "Trainium3"): "2026-05-06T00:00:00Z"}

# --- rules ----------------------------------------------------------------------------

OUTAGES = (
    # outage, attribute, value, served
    ("london-lost", "region", "europe-west2", "0.7"),
)
POWER = (
    # limit, attribute, value, max_mw
    ("us-east-2-site", "region", "us-east-2", "150"),
    ("us-central1-site", "region", "us-central1", "80"),
)
CONTRACTS = (
    # contract, pool, block_chips, usd_per_chip_hour, first_period, last_period, max_blocks,
    # activation_usd, source, basis
    (
        "trn2-block-to-saturday",
        "aws-trn2-us-east-2",
        1024,
        "2.235",
        36,
        131,
        4,
        0,
        "capacity-block-terms",
        "published",
    ),
    (
        "h200-week",
        "coreweave-h200-us-east",
        512,
        "5.36",
        0,
        167,
        32,
        5_000,
        "coreweave-reserved",
        "assumption",
    ),
    (
        "b200-europe-weekdays",
        "coreweave-b200-europe",
        256,
        "7.31",
        0,
        119,
        40,
        5_000,
        "coreweave-reserved",
        "assumption",
    ),
)
SHARES = (("google-each-hour", "provider", "Google", "tokens", "", "0.48", "period"),)

SOURCES = (
    (
        "planning-rates",
        "https://github.com/mlcommons/inference_results_v6.1/blob/"
        "10ecdffda3bb94d71f0203a6ca8e20c17943f27c/summary.json",
        "Measured rates of the GPUs; the others are planned from data sheets. The chip-hours are "
        "estimates that keep the cost ranges in README.md. Round trips: see round-trips.",
    ),
    (
        "power-trainium",
        "https://www.semafor.com/article/10/29/2025/"
        "aws-massive-multi-state-ai-data-center-is-powering-anthropics-claude",
        "About 1 GW for about 1 million Trainium2: 1,000 W each, all in.",
    ),
    (
        "power-trainium3",
        "https://www.datacenterdynamics.com/en/news/"
        "aws-trainium3-chips-likely-to-consume-1kw-of-power-company-to-adopt-cold-plate-cooling/",
        "About 1,000 W for the chip. 2,000 all in is an assumption: twice the chip, as Trainium2.",
    ),
    (
        "power-tpu7",
        "https://threadreaderapp.com/scrolly/1960580060982694211",
        "10 MW for a pod of 9,216 chips: 1,085 W each, all in.",
    ),
    (
        "power-b200",
        "https://inferencex.semianalysis.com/zh/compare/deepseek-r1-b200-vs-gb200",
        "Tokens per second and chip over tokens per second and MW: 2,170 W each, all in.",
    ),
    (
        "power-h200",
        "https://inferencex.semianalysis.com/zh/compare/deepseek-r1-b200-vs-h100",
        "1,730 W for an H100, all in, found in the same way. That of H200 is an assumption: "
        "both chips are built for 700 W.",
    ),
    (
        "power-maia",
        "https://chatforest.com/reviews/"
        "anthropic-microsoft-maia-200-azure-claude-inference-chip-talks-2026/",
        "750 W for the chip. 1,500 all in is an assumption: twice the chip.",
    ),
    (
        "capacity-block-terms",
        "https://docs.aws.amazon.com/de_de/AWSEC2/latest/UserGuide/capacity-blocks-how.html",
        "At most 64 instances (of 16 Trainium2) in a block and 256 in all, whole days, ending at "
        "11:30 UTC. Price: see aws-capacity-blocks.",
    ),
    (
        "scale-up-domains",
        "https://github.com/aws-neuron/aws-neuron-sdk/blob/"
        "81ce03ae261e12925e53437a0f690478e6366155/about-neuron/arch/neuron-hardware/trn2-arch.rst",
        "Chips that are wired to each other without a network: 16 Trainium2 in an instance, 64 in "
        "an UltraServer. That a replica fills one of them is an assumption, and so are all other "
        "numbers of chips per replica, times and costs of a start.",
    ),
)

Rows = Iterable[Sequence[object]]


def model_names() -> dict[str, str]:
    """Name in the tables of each model."""
    return {model: f"{model}-class" for model in FRONTIER.MODEL_SHARE}


def chip_hours(model: str, kind: str, pool: str) -> float:
    """Chip-hours per Mtok, 0 when the pool cannot serve the workload."""
    if pool in FRONTIER.BLOCKS and (model == "opus" or kind == "long_context"):
        return 0.0
    rate = CHIP_HOURS[FRONTIER.POOLS[pool][1], model][FRONTIER.CLASSES.index(kind)]
    return rate * SLOWER.get(pool, 1.0)


def unwanted(kind: str, origin: str, pool: str) -> bool:
    """Whether a pair is left out by policy, though it would be fast and near enough."""
    _, chip, region, *_ = FRONTIER.POOLS[pool]
    if kind == "batch":
        # Batch waits for cheaper hours instead of taking the chips kept for peaks.
        return chip in ("H200", "B200")
    return region in FRONTIER.EUROPE and origin != "europe"  # Europe is short of chips


def route_rows() -> Rows:
    """Rows of the table routes: pairs that are fast enough and near enough."""
    origins = list(FRONTIER.ORIGIN_SHARE)
    for name, model, kind, origin in FRONTIER.workloads():
        for pool, (provider, _, region, *_) in FRONTIER.POOLS.items():
            trip = FRONTIER.ROUND_TRIP_MS[region][origins.index(origin)]
            hours = chip_hours(model, kind, pool)
            if hours == 0 or trip > FRONTIER.LONGEST_TRIP_MS[kind] or unwanted(kind, origin, pool):
                continue
            yield (
                name,
                pool,
                f"{hours:.5g}",
                f"{FRONTIER.transfer_usd(provider, trip):.5g}",
                trip,
                "planning-rates",
                "estimate",
            )


def replica_rows() -> Rows:
    """Rows of the table replicas: every model on every chip."""
    return [
        (
            name,
            chip,
            chips,
            TARGET_UTILISATION,
            *STARTUP[model],
            MAX_CHANGES.get((model, chip), ""),
            "scale-up-domains",
            "assumption",
        )
        for model, name in model_names().items()
        for chip, chips in CHIPS_PER_REPLICA[model].items()
    ]


def open_routes() -> dict[str, list[tuple[str, float]]]:
    """Pool and chip-hours per Mtok of the routes that may be used in the first hour."""
    bound: dict[str, list[str]] = {}
    for name, region in FRONTIER.residency_rows():
        bound.setdefault(name, []).append(region)
    models = {name: model for name, model, *_ in FRONTIER.workloads()}
    found: dict[str, list[tuple[str, float]]] = {}
    for name, pool, hours, *_ in route_rows():
        _, chip, region, _, price, *_ = FRONTIER.POOLS[pool]
        pair = (models[name], chip)
        qualified = pair not in LATER and pair != TRAINING_ONLY
        if qualified and price != "" and region in bound.get(name, [region]):
            found.setdefault(name, []).append((pool, float(hours)))
    return found


def in_force_rows() -> Rows:
    """Rows of the table in_force: what a simple split of the first hour needs.

    The traffic of hour 0 that may not wait is spread over the pools that may serve it, in
    proportion to their chips in that hour; as many replicas run as that takes.
    """
    chips = {pool: float(FRONTIER.capacity_of(pool)[0]) for pool in FRONTIER.POOLS}
    arriving = {name: float(first) for name, first, *_ in FRONTIER.demand_rows()}
    routes = open_routes()
    load: dict[tuple[str, str], float] = {}
    for name, model, kind, _ in FRONTIER.workloads():
        if kind == "batch":
            continue
        total = sum(chips[pool] for pool, _ in routes[name])
        for pool, hours in routes[name]:
            part = arriving[name] * chips[pool] / total
            load[model, pool] = load.get((model, pool), 0.0) + part * hours
    for (model, pool), chip_hours in sorted(load.items()):
        occupied = CHIPS_PER_REPLICA[model][FRONTIER.POOLS[pool][1]]
        replicas = math.ceil(round(chip_hours / (TARGET_UTILISATION * occupied), 9))
        yield model_names()[model], pool, replicas


def qualification_rows() -> Rows:
    """Rows of the table qualification: what each model has been tried on, and from when."""
    return [
        (
            name,
            chip,
            "training" if (model, chip) == TRAINING_ONLY else "inference",
            LATER.get((model, chip), ""),
        )
        for model, name in model_names().items()
        for chip in CHIPS_PER_REPLICA[model]
    ]


def add_columns(folder: Path, table: str, columns: Mapping[str, Mapping[str, object]]) -> None:
    """Append columns to a table: values by the id of the row, nothing where there is none."""
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    more = [[*row, *(values.get(row[0], "") for values in columns.values())] for row in rows]
    FRONTIER.write_table(folder, table, (*header, *columns), more)


def add_rows(folder: Path, table: str, rows: Rows) -> None:
    """Append rows to a table."""
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        header, *before = csv.reader(file)
    FRONTIER.write_table(folder, table, header, (*before, *rows))


def write_instance(folder: Path) -> None:
    """Write every table and instance.toml into a folder."""
    FRONTIER.write_week(folder)
    (folder / "instance.toml").write_text(HEAD, encoding="utf-8", newline="\n")
    kinds = {name: kind for name, _, kind, _ in FRONTIER.workloads()}
    add_columns(
        folder,
        "workloads",
        {
            "protected": {n: str(kind in PROTECTED).lower() for n, kind in kinds.items()},
            "priority": {n: PRIORITY[kind] for n, kind in kinds.items()},
        },
    )
    add_columns(
        folder,
        "pools",
        {
            "activation_usd": ACTIVATION_USD,
            "watts_per_chip": {pool: WATTS[row[1]] for pool, row in FRONTIER.POOLS.items()},
        },
    )
    add_columns(folder, "shares", {"per": {}})
    add_rows(folder, "shares", SHARES)
    sources = (*FRONTIER.SOURCES, *SOURCES)
    FRONTIER.write_table(folder, "sources", ("source", "address", "note"), sources)
    FRONTIER.write_table(
        folder,
        "routes",
        (
            "workload",
            "pool",
            "chip_hours_per_mtok",
            "usd_per_mtok",
            "latency_ms",
            "source",
            "basis",
        ),
        route_rows(),
    )
    models = [(name, MIN_REPLICAS[model]) for model, name in model_names().items()]
    FRONTIER.write_table(folder, "models", ("model", "min_replicas"), models)
    FRONTIER.write_table(
        folder,
        "replicas",
        (
            "model",
            "chip",
            "chips_per_replica",
            "target_utilisation",
            "startup_usd",
            "startup_hours",
            "max_changes_per_period",
            "source",
            "basis",
        ),
        replica_rows(),
    )
    FRONTIER.write_table(folder, "in_force", ("model", "pool", "replicas"), in_force_rows())
    FRONTIER.write_table(
        folder,
        "contracts",
        (
            "contract",
            "pool",
            "block_chips",
            "usd_per_chip_hour",
            "first_period",
            "last_period",
            "max_blocks",
            "activation_usd",
            "source",
            "basis",
        ),
        CONTRACTS,
    )
    FRONTIER.write_table(folder, "outages", ("outage", "attribute", "value", "served"), OUTAGES)
    FRONTIER.write_table(folder, "power", ("limit", "attribute", "value", "max_mw"), POWER)
    FRONTIER.write_table(
        folder, "qualification", ("model", "chip", "use", "qualified_from"), qualification_rows()
    )


if __name__ == "__main__":
    write_instance(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

"""An instance in which every declared column holds something other than its default."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from optimizer.instance.declare import Column, columns_of
from optimizer.instance.instance import Instance
from optimizer.instance.labels import Labels
from optimizer.instance.serving_rules import EXCLUDING, ORDERED
from optimizer.instance.tables import TABLES

# Texts that readers and writers like to turn into something else.
ODD = (
    "007",
    "1e5",
    "true",
    "NaN",
    "null",
    " blank",
    "a,b",
    'say "x"',
    "naïve \U0001f680",
    "-",
    "#1",
)
ROWS = {"workloads": 9, "pools": 6, "shares": 3, "sources": 4, "models": 5, "power": 2}
PERIODS = 5


def full_instance(seed: int = 0) -> Instance:
    """Every column filled, at random but within what it may hold."""
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(ROWS["workloads"] * ROWS["pools"])[:30]
    pairs = np.unique(np.concatenate([pairs, np.arange(ROWS["workloads"]) * ROWS["pools"]]))
    columns: dict[str, dict[str, Any]] = {}
    for spec in TABLES:
        rows = ROWS.get(spec.name, len(pairs) if spec.name == "routes" else 8)
        columns[spec.name] = {
            name: _values(rng, name, declared, rows) for name, declared in columns_of(spec.record)
        }
    pools, shares, residency = columns["pools"], columns["shares"], columns["residency"]
    low, high = pools["usd_per_chip_hour_low"], pools["usd_per_chip_hour_high"]
    pools["usd_per_chip_hour_low"] = np.minimum(low, high)
    pools["usd_per_chip_hour_high"] = np.maximum(low, high)
    columns["routes"]["workload"] = (pairs // ROWS["pools"]).astype(np.int32)
    columns["routes"]["pool"] = (pairs % ROWS["pools"]).astype(np.int32)
    shares["attribute"] = Labels.of(["provider", "pool", "region"])
    shares["value"] = Labels.of([pools["provider"][0], pools["pool"][1], pools["region"][2]])
    shares["min"], shares["max"] = np.sort([shares["min"], shares["max"]], axis=0)
    residency["workload"] = np.array([1, 1, 2, 3, 3, 3, 5, 8], np.int32)
    regions = pools["region"].values()
    residency["region"] = Labels.of([regions[0], regions[1], *regions[2:6], regions[3], regions[0]])
    _run_the_fleet(rng, columns)
    _describe_chips(columns)
    price = np.repeat(pools["usd_per_chip_hour"][:, None], PERIODS, axis=1)
    price[1] = rng.random(PERIODS) * 3
    price[3, 2] = 0.1 + 0.2
    return Instance(
        name='full "one"',
        title="Every column filled, \\ and a back slash",
        start=datetime(2026, 3, 28, 22, 30, tzinfo=timezone(timedelta(hours=2))),
        period_hours=0.75,
        budget_usd=12345.678,
        demand_mtok=rng.lognormal(1.0, 4.0, (ROWS["workloads"], PERIODS)),
        capacity_chips=rng.integers(0, 999, (ROWS["pools"], PERIODS)).astype(np.float64),
        price_usd_per_chip_hour=price,
        **{spec.name: spec.record(**columns[spec.name]) for spec in TABLES},
    )


def _run_the_fleet(rng: np.random.Generator, columns: dict[str, dict[str, Any]]) -> None:
    """Make the tables of the fleet speak of models, chips and groups that are there."""
    pools, models = columns["pools"], columns["workloads"]["model"].names
    chips, rows = pools["chip"].names, np.arange(8)
    columns["models"]["model"] = models
    for table in ("replicas", "qualification"):
        # Five of each: the ninth pair would be the first one shifted, so no pair comes twice.
        columns[table]["model"] = Labels.of([models[row % 5] for row in rows])
        columns[table]["chip"] = Labels.of([chips[(row + row // 5) % 5] for row in rows])
    replicas, in_force = columns["replicas"], columns["in_force"]
    replicas["startup_hours"] /= 1000
    pairs = [
        (row, pool)
        for row in rows
        for pool in np.flatnonzero(pools["chip"].equal(replicas["chip"][row]))
    ][:8]
    in_force["model"] = Labels.of([replicas["model"][row] for row, _ in pairs])
    in_force["pool"] = np.array([pool for _, pool in pairs], np.int32)
    in_force["replicas"] = in_force["replicas"][: len(pairs)]
    contracts = columns["contracts"]
    contracts["pool"] = (rows % ROWS["pools"]).astype(np.int32)
    contracts["first_period"] = rng.integers(1, 4, 8)
    contracts["last_period"] = contracts["first_period"] + rng.integers(0, 9, 8)
    for table in ("outages", "power"):
        attribute = columns[table]["attribute"].values()
        columns[table]["value"] = Labels.of(
            [pools[name][row % ROWS["pools"]] for row, name in enumerate(attribute)]
        )


def _describe_chips(columns: dict[str, dict[str, Any]]) -> None:
    """Make the tables of chips and profiles agree with each other and with what is there."""
    workloads, pools, rules = columns["workloads"], columns["pools"], columns["exclusions"]
    profiles, throughputs = columns["profiles"], columns["throughputs"]
    for table, pairs in ORDERED.items():
        for low, high in pairs * 2:
            ends = [columns[table][low], columns[table][high]]
            columns[table][low], columns[table][high] = np.sort(ends, axis=0)
    # Five of each: the ninth pair would be the first one shifted, so no pair comes twice.
    names = [f"name {text}" for text in ODD[4:9]]
    first = Labels.of([names[row % 5] for row in range(8)])
    second = Labels.of([names[(row + row // 5) % 5] for row in range(8)])
    columns["network"]["region"], columns["network"]["pool_region"] = first, second
    profiles["model"], profiles["chip"] = first, second
    for column in ("model", "chip", "configuration"):
        throughputs[column] = profiles[column]
    for column, (table, source) in EXCLUDING.items():
        known = (workloads if table == "workloads" else pools)[source]
        rules[column] = Labels.of([known[row % 6] for row in range(len(rules["exclusion"]))])
    # Only pairs that are no routes are excluded.
    routes = columns["routes"]
    taken = set(zip(routes["workload"].tolist(), routes["pool"].tolist(), strict=True))
    free = [(w, p) for w in range(ROWS["workloads"]) for p in range(ROWS["pools"])]
    free = [pair for pair in free if pair not in taken][: len(rules["exclusion"])]
    rules["workload"] = Labels.of([workloads["workload"][w] for w, _ in free])
    rules["pool"] = Labels.of([pools["pool"][p] for _, p in free])
    rules["exclusion"] = rules["exclusion"][: len(free)]


def _values(rng: np.random.Generator, name: str, declared: Column, rows: int) -> Any:
    if declared.kind == "id":
        return tuple(
            ODD[row % len(ODD)] + ("" if name == "pool" else f" {row}") for row in range(rows)
        )
    if declared.kind == "label":
        known = declared.choices or tuple(f"{name} {text}" for text in ODD[4:9])
        known = ("first\nsecond, third",) if name == "note" else known
        return Labels.of([known[row % len(known)] for row in range(rows)])
    if declared.kind == "reference":
        return np.zeros(rows, np.int32)
    if declared.kind == "boolean":
        return np.arange(rows) % 2 == 0
    if declared.kind == "time":
        return 1.7e9 + rng.integers(1, 10**8, rows).astype(np.float64)
    low, high = max(declared.minimum, declared.above or 0.0), min(declared.maximum, 500.0)
    if declared.kind == "integer":
        return rng.integers(int(low) + 1, int(high), rows)
    if declared.whole:
        return rng.integers(int(low) + 1, int(high), rows).astype(np.float64)
    return low + (high - low) * rng.random(rows)

"""Rules between the tables that say what a chip delivers and those they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.declare import columns_of
from optimizer.instance.exclusions import OF_POOLS, OF_WORKLOADS, exclusion_of
from optimizer.instance.groups import unknown_name
from optimizer.instance.places import nearest, number_text, place, quoted
from optimizer.instance.serving_tables import Profiles
from optimizer.instance.table_rules import MAX_PER_COLUMN

Tables = Mapping[str, Any]
Origin = Mapping[str, str]

TIMES = ("decode_base_ms", "decode_per_seq_ms", "prefill_base_ms", "prefill_per_token_ms")
"""Columns of profiles that are estimated where they are not given."""

ORDERED: dict[str, tuple[tuple[str, str], ...]] = {
    "models": (
        ("active_parameters_billion", "parameters_billion"),
        ("replicated_parameters_billion", "parameters_billion"),
    ),
    "profiles": (
        ("decode_efficiency_low", "decode_efficiency"),
        ("decode_efficiency", "decode_efficiency_high"),
        ("decode_efficiency_low", "decode_efficiency_high"),
        ("prefill_efficiency_low", "prefill_efficiency"),
        ("prefill_efficiency", "prefill_efficiency_high"),
        ("prefill_efficiency_low", "prefill_efficiency_high"),
        ("input_tokens_low", "input_tokens_high"),
        ("output_tokens_low", "output_tokens_high"),
    ),
}
"""Pairs of columns of which the first may not be above the second."""

EXCLUDING: dict[str, tuple[str, str]] = {
    **{column: ("workloads", source) for column, source in OF_WORKLOADS.items()},
    **{column: ("pools", source) for column, source in OF_POOLS.items()},
}
"""Table and column that a column of exclusions names values of."""


def serving_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Every problem that shows when tables are held against each other.

    Parameters
    ----------
    tables : records by name of the table, as far as they could be read.
    """
    yield from _order_problems(tables, origin)
    yield from _throughput_problems(tables, origin)
    yield from _estimate_problems(tables, origin)
    yield from _exclusion_problems(tables, origin)
    yield from _excluded_routes(tables, origin)


def _order_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Lower ends above upper ones."""
    for table, pairs in ORDERED.items():
        if table not in tables:
            continue
        record = tables[table]
        units = {name: declared.unit for name, declared in columns_of(type(record))}
        for low, high in pairs:
            least, most = getattr(record, low), getattr(record, high)
            for row in np.flatnonzero(least > most)[:MAX_PER_COLUMN].tolist():
                yield Problem(
                    place(origin, table, row, "", low),
                    f"at most {high} = {number_text(most[row])}",
                    number_text(least[row]),
                    units[low],
                )


def _throughput_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Measured rates of replicas of which no profile says how many chips they occupy."""
    if not {"throughputs", "profiles"} <= tables.keys():
        return
    measured, known = _ways(tables["throughputs"]), _ways(tables["profiles"])
    there = set(known)
    told: set[tuple[str, str, str]] = set()
    for row, way in enumerate(measured):
        if way in there or way in told or len(told) == MAX_PER_COLUMN:
            continue
        told.add(way)
        model, chip, configuration = way
        beside = [name for m, c, name in known if (m, c) == (model, chip)]
        yield Problem(
            place(origin, "throughputs", row),
            f"a row of profiles for model {quoted(model)}, chip {quoted(chip)} and "
            f"configuration {quoted(configuration)}",
            "none",
            fix=nearest(configuration, beside) or "add it: it says how many chips a replica has",
        )


def _estimate_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Profiles of which times are to be estimated, and facts that the estimate lacks.

    Only those of models and chips that the instance has: a catalog may be larger.
    """
    if not {"workloads", "pools", "profiles", "models", "chips", "throughputs"} <= tables.keys():
        return
    profiles: Profiles = tables["profiles"]
    model_row = {name: row for row, name in enumerate(tables["models"].model)}
    chip_row = {name: row for row, name in enumerate(tables["chips"].chip)}
    models, chips = set(tables["workloads"].model.names), set(tables["pools"].chip.names)
    measured = set(_ways(tables["throughputs"]))
    left = MAX_PER_COLUMN
    for row, way in enumerate(_ways(profiles)):
        model, chip, _ = way
        wanted = _first_not_given(profiles, row)
        if not wanted or way in measured or model not in models or chip not in chips:
            continue
        of_chip = _facts_of_chip(profiles.precision[row], tables["models"], model_row, model)
        for table, name, key, columns in (
            ("models", model, model_row, ("parameters_billion", "kv_bytes_per_token")),
            ("chips", chip, chip_row, of_chip),
        ):
            at = key.get(name)
            lacking = [c for c in columns if at is None or np.isnan(getattr(tables[table], c)[at])]
            if not lacking or left == 0:
                continue
            left -= 1
            yield Problem(
                place(origin, "profiles", row, "", wanted),
                f"a number, or for an estimate {' and '.join(lacking)} of "
                f"{table.rstrip('s')} {quoted(name)} in {origin.get(table, table)}",
                "nothing" if at is not None else f"nothing, and no row of {table} for it",
            )


def _first_not_given(profiles: Profiles, row: int) -> str:
    """Column that has to be estimated, empty when none has to."""
    return next((c for c in (*TIMES, "max_batch") if np.isnan(getattr(profiles, c)[row])), "")


def _facts_of_chip(
    precision: str, models: Any, model_row: Mapping[str, int], model: str
) -> tuple[str, ...]:
    """Columns of chips that an estimate rests on; attention runs at the rate of BF16."""
    facts = ("memory_gb", "memory_tb_per_second", f"{precision}_tflops")
    row = model_row.get(model)
    if precision == "bf16" or row is None:
        return facts
    attention = models.attention_flops_decode[row] + models.attention_flops_prefill[row]
    return (*facts, "bf16_tflops") if attention > 0 else facts


def _exclusion_problems(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Exclusions that name what is not there, or nothing at all."""
    if not {"workloads", "pools", "exclusions"} <= tables.keys():
        return
    rules = tables["exclusions"]
    blank = np.ones(len(rules.exclusion), np.bool_)
    for column, (table, source) in EXCLUDING.items():
        whole = source == table.rstrip("s")
        what = source if whole else f"{source.replace('_', ' ')} of a {table.rstrip('s')}"
        known = getattr(tables[table], source)
        names = known if isinstance(known, tuple) else known.names
        there, given = set(names), getattr(rules, column)
        blank &= given.equal("")
        bad = ((row, name) for row, name in enumerate(given.values()) if name and name not in there)
        for row, name in islice(bad, MAX_PER_COLUMN):
            where = place(origin, "exclusions", row, rules.exclusion[row], column)
            yield unknown_name(where, what, name, names)
    for row in np.flatnonzero(blank)[:MAX_PER_COLUMN].tolist():
        yield Problem(
            place(origin, "exclusions", row, rules.exclusion[row]),
            "at least one of " + ", ".join(EXCLUDING),
            "none",
            fix="a rule for all would leave no route",
        )


def _excluded_routes(tables: Tables, origin: Origin) -> Iterator[Problem]:
    """Routes that are given and excluded at once."""
    if not {"workloads", "pools", "routes", "exclusions"} <= tables.keys():
        return
    rules, routes = tables["exclusions"], tables["routes"]
    workloads, pools = tables["workloads"], tables["pools"]
    sizes = ((routes.workload, len(workloads.workload)), (routes.pool, len(pools.pool)))
    if len(rules.exclusion) == 0 or any(
        int(rows.min(initial=0)) < 0 or int(rows.max(initial=0)) >= size for rows, size in sizes
    ):
        return  # nothing to hold them against; references to nothing are reported as such
    found = exclusion_of(rules, workloads, pools, routes.workload, routes.pool)
    for row in np.flatnonzero(found >= 0)[:MAX_PER_COLUMN].tolist():
        yield Problem(
            place(origin, "routes", row),
            f"a pair that exclusion {quoted(rules.exclusion[int(found[row])])} does not forbid",
            f"{quoted(workloads.workload[int(routes.workload[row])])} on "
            f"{quoted(pools.pool[int(routes.pool[row])])}",
            fix="remove the route or the exclusion",
        )


def _ways(record: Any) -> list[tuple[str, str, str]]:
    """Model, chip and configuration of each row."""
    columns = (record.model, record.chip, record.configuration)
    return list(zip(*(column.values() for column in columns), strict=True))


def catalog_only(models: Any) -> NDArray[np.bool_]:
    """(rows of models,) rows that describe a model and ask for nothing."""
    return np.asarray((models.min_replicas == 0) & ~np.isnan(models.parameters_billion))

"""What an instance or a plan folder holds, for ``optimizer show``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from optimizer.errors import InputError, Problem
from optimizer.instance import fleet_tables, serving_tables
from optimizer.instance.doubts import doubts
from optimizer.instance.instance import Instance
from optimizer.instance.tables import TABLES
from optimizer.reports.figures import columns, mtok, percent, usd, usd_short


def instance_facts(instance: Instance) -> dict[str, Any]:
    """Sizes and totals, as plain values."""
    return {
        "instance": instance.name,
        "title": instance.title,
        "digest": instance.digest,
        "start": instance.start.isoformat(),
        "period_hours": instance.period_hours,
        "workloads": instance.num_workloads,
        "pools": instance.num_pools,
        "periods": instance.num_periods,
        "routes": instance.num_routes,
        "shares": len(instance.shares.share),
        "residency_rows": len(instance.residency.workload),
        "fleet_rows": _rows(instance, fleet_tables),
        "serving_rows": _rows(instance, serving_tables),
        "protected_workloads": int(instance.workloads.protected.sum()),
        "budget_usd": instance.budget_usd,
        "demand_mtok": float(instance.demand_mtok.sum()),
        "deferrable_workloads": int((instance.workloads.deadline_periods > 0).sum()),
        "pools_left_out": [instance.pools.pool[p] for p in np.flatnonzero(instance.left_out)],
    }


def instance_text(instance: Instance) -> str:
    """Overview of an instance."""
    demand = instance.demand_mtok.sum(axis=0)
    later = int((instance.workloads.deadline_periods > 0).sum())
    mean = float(demand.mean())
    peak = f", peak {demand.max() / mean:.2f} x mean" if mean > 0 else ""
    lines = [
        f"{instance.name}: {instance.title}" if instance.title else instance.name,
        f"{instance.num_workloads:,} workloads ({later:,} may wait), {instance.num_pools:,} pools, "
        f"{instance.num_periods:,} periods of {instance.period_hours:g} h from "
        f"{instance.start.isoformat()}, {instance.num_routes:,} routes",
        f"demand {mtok(float(demand.sum()))}{peak}",
        *_rules(instance),
        "",
        _pools(instance),
        "",
        _demand(instance),
    ]
    lines += ["", _shares(instance)] if len(instance.shares.share) else []
    odd = doubts(instance)
    lines += ["", *(f"doubtful: {text}" for text in odd)] if odd else []
    return "\n".join(lines)


def _rows(instance: Instance, module: ModuleType) -> dict[str, int]:
    """Rows of each table that a module declares; those without rows are left out.

    A model counts when a rule holds for it; sizes, from which estimates are made, are none.
    """
    tables = (spec for spec in TABLES if spec.record.__module__ == module.__name__)
    sizes = {spec.name: len(getattr(getattr(instance, spec.name), spec.key[0])) for spec in tables}
    if "models" in sizes:
        sizes["models"] = int(np.count_nonzero(instance.models.min_replicas))
    return {name: size for name, size in sizes.items() if size}


def _rules(instance: Instance) -> list[str]:
    """A line with what the fleet has to keep, one with what describes chips, if there are any."""
    fleet = _rows(instance, fleet_tables)
    told = [f"{name.replace('_', ' ')} {size:,}" for name, size in fleet.items()]
    protected = int(instance.workloads.protected.sum())
    told += [f"protected workloads {protected:,}"] if protected else []
    told += [] if instance.budget_usd is None else [f"budget {usd_short(instance.budget_usd)}"]
    lines = ["rules: " + ", ".join(told)] if told else []
    chips = [f"{name} {size:,}" for name, size in _rows(instance, serving_tables).items()]
    return lines + (["what chips deliver: " + ", ".join(chips)] if chips else [])


def read_head(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Content of a plan folder's ``plan.json``."""
    try:
        head: dict[str, Any] = json.loads((Path(folder) / "plan.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(Problem(f"{folder}/plan.json", "a plan's summary", str(error))) from None
    return head


def plan_text(head: dict[str, Any]) -> str:
    """Summary of a plan folder."""
    rows = [("pool", "cost", "used", "served")] + [
        (
            row["pool"],
            usd_short(row["usd"]),
            "-" if row["utilisation"] is None else percent(row["utilisation"]),
            mtok(row["placed_mtok"]),
        )
        for row in sorted(head["pools"], key=lambda row: -row["usd"])
    ]
    shares = ", ".join(
        f"{name} {percent(part)}"
        for name, part in sorted(head["share_of_compute"].items(), key=lambda item: -item[1])
    )
    left_out = [f"left out: {pool}: {why}" for pool, why in head["left_out"].items()]
    return "\n".join(
        [
            f"plan for {head['instance']}, written {head['written']}",
            f"{head['status'].upper()}  {head['reason']}",
            f"cost {usd(head['objective_usd'])}, bound {usd(head['bound_usd'])}, "
            f"gap {head['relative_gap']:.1e}, unserved {mtok(head['unserved_mtok'])}",
            f"share of compute: {shares}",
            "",
            columns(rows, 1),
            *left_out,
        ]
    )


def _pools(instance: Instance) -> str:
    pools = instance.pools
    rows: list[tuple[str, ...]] = [
        ("pool", "provider", "chip", "region", "purchase", "status", "chips", "USD/chip-hour")
    ]
    for p, name in enumerate(pools.pool):
        price = instance.price_usd_per_chip_hour[p]
        told = "unknown" if instance.left_out[p] else f"{price.mean():.3f}"
        rows.append(
            (
                name,
                pools.provider[p],
                pools.chip[p],
                pools.region[p],
                pools.purchase[p],
                pools.status[p],
                f"{instance.capacity_chips[p].max():,.0f}",
                told,
            )
        )
    return columns(_cut(rows), 6)


def _demand(instance: Instance) -> str:
    models, classes = instance.workloads.model, instance.workloads.traffic_class
    per = np.zeros((len(models.names), len(classes.names)))
    np.add.at(per, (models.codes, classes.codes), instance.demand_mtok.sum(axis=1))
    rows = [("demand", *classes.names, "all")]
    rows += [
        (name, *(mtok(value) for value in per[m].tolist()), mtok(float(per[m].sum())))
        for m, name in enumerate(models.names)
    ]
    return columns(_cut(rows), 1)


def _shares(instance: Instance) -> str:
    shares = instance.shares
    rows: list[tuple[str, ...]] = [("share", "of", "measure", "per", "min", "max")]
    for s, name in enumerate(shares.share):
        rows.append(
            (
                name,
                f"{shares.attribute[s]} {shares.value[s]}",
                shares.measure[s],
                shares.per[s],
                percent(float(shares.min[s])),
                percent(float(shares.max[s])),
            )
        )
    return columns(_cut(rows), 4)


def _cut(rows: list[tuple[str, ...]], most: int = 60) -> list[tuple[str, ...]]:
    """The first rows of a long table, and a row that says how many more there are."""
    if len(rows) <= most:
        return rows
    more = (f"... {len(rows) - most} more", *("" for _ in rows[0][1:]))
    return [*rows[:most], more]

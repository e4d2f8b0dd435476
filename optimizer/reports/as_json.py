"""A result as one JSON object: the contract of ``optimizer solve --json``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from optimizer.reports.breakdown import breakdown
from optimizer.reports.latency_rows import latency_summary
from optimizer.result import Result

SCHEMA = 1
"""Version of the object's layout; keys may be added within a version, never changed."""


def summary(result: Result) -> dict[str, Any]:
    """The object, as plain values; a number that is not known is null."""
    parts = breakdown(result)
    fleet, evaluation = parts.fleet, result.evaluation
    costs = None
    if evaluation is not None and evaluation.verified:
        costs = vars(evaluation.cost_usd)
    instance, latency = result.instance, latency_summary(result)
    found = {
        "schema": SCHEMA,
        "instance": instance.name,
        "instance_digest": instance.digest,
        "status": result.status,
        "reason": result.reason,
        "limit": result.limit or None,
        "objective_usd": result.objective_usd,
        "bound_usd": result.bound_usd,
        "bound_source": None if evaluation is None else evaluation.bound.source,
        "relative_gap": result.relative_gap,
        "unserved_mtok": result.unserved_mtok,
        "method": result.method,
        "solver": result.solver or None,
        "nodes": result.nodes,
        "why": result.why,
        "verified": result.verified,
        "violations": {} if evaluation is None else dict(evaluation.violation_counts),
        "seconds": vars(result.seconds),
        "peak_rss_mib": result.peak_rss_mib,
        "cost_usd": costs,
        "cost_usd_by_basis": parts.cost_usd_by_basis,
        "share_of_compute": parts.share_of_compute,
        "usd_per_mtok_by_model": parts.usd_per_mtok_by_model,
        "pools": [vars(row) for row in parts.pools],
        "replicas": [vars(row) for row in fleet.replicas],
        "blocks": [vars(row) for row in fleet.contracts],
        "outages": [vars(row) for row in fleet.outages],
        "power": [vars(row) for row in fleet.power],
        "budget": None if fleet.budget is None else vars(fleet.budget),
        "latency": None
        if latency is None
        else {**vars(latency), "workloads": [vars(row) for row in latency.workloads]},
        "left_out": dict(result.left_out),
        "top_shadow_prices": [vars(row) for row in parts.top_prices],
        "notes": list(result.notes),
        "size": {
            "workloads": instance.num_workloads,
            "pools": instance.num_pools,
            "periods": instance.num_periods,
            "routes": instance.num_routes,
            "variables": result.size.variables,
            "rows": result.size.rows,
            "entries": result.size.entries,
            "parts": result.size.parts,
        },
    }
    return {key: _plain(value) for key, value in found.items()}


def render(result: Result) -> str:
    """The object as text, on one line."""
    return dumps(summary(result))


def dumps(found: Mapping[str, Any]) -> str:
    """JSON without NaN or infinity, which the standard does not know."""
    return json.dumps(_plain(found), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value

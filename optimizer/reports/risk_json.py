"""The risk of a plan as one JSON object: the contract of ``optimizer risk --json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optimizer.evaluation.comparison import Against
from optimizer.evaluation.distribution import Distribution
from optimizer.evaluation.risk import Risk
from optimizer.evaluation.uncertainty import Spread
from optimizer.reports.as_json import SCHEMA, dumps


def render(found: Risk) -> str:
    """The object as text, on one line; a number that is not known is null."""
    instance, settings = found.instance, found.uncertainty
    return dumps(
        {
            "schema": SCHEMA,
            "instance": instance.name,
            "instance_digest": instance.digest,
            "status": "sampled",
            "limit": found.limit or None,
            "draws": found.draws,
            "draws_asked": found.asked,
            "seed": found.seed,
            "level": found.level,
            "distribution": settings.distribution,
            "common_demand": settings.common_demand,
            "drawn": {
                "demand": _spread(found.ranges.demand),
                "throughput": _spread(found.ranges.throughput),
                "price": _spread(found.ranges.price),
            },
            "seconds": found.seconds,
            "planned_usd": found.planned.total,
            "planned_cost_usd": vars(found.planned),
            "mean_cost_usd": vars(found.mean_cost),
            "cost": _distribution(found.cost),
            "spent": _distribution(found.spent),
            "unserved_mtok": _distribution(found.unserved_mtok),
            "unserved_part": _distribution(found.unserved_part),
            "overloaded_part": _distribution(found.overloaded_part),
            "attainment": None if found.attainment is None else _distribution(found.attainment),
            "chance_unserved": found.chance_unserved,
            "budget_usd": instance.budget_usd,
            "chance_over_budget": found.chance_over_budget,
            "pools": [vars(row) for row in found.pools],
            "sources": [vars(row) for row in found.sources],
            "against": None if found.against is None else _against(found.against),
            "notes": list(found.notes),
        }
    )


def refused(folder: Path, lines: Sequence[str]) -> str:
    """The object for a plan that the judge refuses."""
    return dumps(
        {
            "schema": SCHEMA,
            "status": "refused",
            "plan": str(folder),
            "violations": list(lines[1:]),
        }
    )


def _spread(found: Spread) -> dict[str, Any]:
    """How many rows have a range, of how many, and the widest."""
    return {
        "rows": len(found.low),
        "with_range": found.drawn,
        "low": float(found.low.min(initial=1.0)),
        "high": float(found.high.max(initial=1.0)),
    }


def _distribution(found: Distribution) -> dict[str, Any]:
    return {**vars(found), "quantiles": {str(key): at for key, at in found.quantiles.items()}}


def _against(found: Against) -> dict[str, Any]:
    return {
        "cost": _distribution(found.cost),
        "unserved_mtok": _distribution(found.unserved_mtok),
        "difference": _distribution(found.difference),
        "unserved_difference": _distribution(found.unserved_difference),
        "attainment": found.attainment and _distribution(found.attainment),
        "attainment_difference": found.attainment_difference
        and _distribution(found.attainment_difference),
        "chance_cheaper": found.chance_cheaper,
        "independent_standard_error": found.independent_standard_error,
    }

"""An explanation as one JSON object: the contract of ``optimizer explain --json``."""

from __future__ import annotations

from typing import Any

from optimizer.explanation.candidates import Candidates
from optimizer.explanation.change import Change
from optimizer.explanation.choice_words import choice_words
from optimizer.explanation.explain import Explanation
from optimizer.explanation.infeasible import Alternative, Infeasible
from optimizer.explanation.least import Relaxed
from optimizer.explanation.rule_words import change_words, rule_name, rule_words
from optimizer.explanation.rules import Rule, limit_of
from optimizer.explanation.unserved import Unserved
from optimizer.instance.instance import Instance
from optimizer.reports.as_json import SCHEMA, dumps


def render(found: Explanation) -> str:
    """The object as text, on one line; a number that is not known is null."""
    instance, verdict = found.instance, found.evaluation
    return dumps(
        {
            "schema": SCHEMA,
            "instance": instance.name,
            "instance_digest": instance.digest,
            "status": _status(found),
            "objective_usd": verdict.objective_usd if verdict and verdict.verified else None,
            "infeasible": found.infeasible and _infeasible(instance, found.infeasible),
            "unserved": None if found.unserved is None else _unserved(instance, found.unserved),
            "candidates": found.candidates and _candidates(instance, found.candidates),
            "notes": list(found.notes),
        }
    )


def _status(found: Explanation) -> str:
    if found.infeasible is not None:
        return "infeasible"
    if found.evaluation is not None:
        return "explained" if found.evaluation.verified else "refused"
    return "no_plan" if found.result is None else found.result.status


def _infeasible(instance: Instance, found: Infeasible) -> dict[str, Any]:
    conflict = found.conflict
    return {
        "conflict": [_rule(instance, rule) for rule in conflict.rules],
        "only_whole_numbers": conflict.whole,
        "irreducible": conflict.irreducible,
        "source": conflict.source,
        "alternatives": [_alternative(instance, way) for way in found.alternatives],
        "not_by_itself": [_rule(instance, rule) for rule in found.hopeless],
        "not_found_out": [_rule(instance, rule) for rule in found.unknown],
        "together": found.together and _alternative(instance, found.together),
    }


def _rule(instance: Instance, rule: Rule) -> dict[str, Any]:
    return {
        "family": rule.family,
        "name": rule_name(instance, rule),
        "limit": limit_of(instance, rule),
        "words": rule_words(instance, rule),
    }


def _change(instance: Instance, change: Change) -> dict[str, Any]:
    chips = change.chips
    return {
        "family": change.rule.family,
        "name": rule_name(instance, change.rule),
        "before": change.before,
        "after": change.after,
        "amount": change.amount,
        "chips": None if chips is None else chips.tolist(),
        "words": change_words(instance, change),
    }


def _relaxed(instance: Instance, found: Relaxed) -> dict[str, Any]:
    return {
        "changes": [_change(instance, change) for change in found.changes],
        "verified": found.verdict.verified,
        "least": found.least,
        "whole_numbers": found.whole,
        "source": found.source,
    }


def _alternative(instance: Instance, way: Alternative) -> dict[str, Any]:
    return {
        **_relaxed(instance, way.relaxed),
        "sufficient": way.sufficient,
        "cost_usd": way.cost_usd,
        "cost_is_optimal": way.optimal,
    }


def _unserved(instance: Instance, found: Unserved) -> dict[str, Any]:
    return {
        "rows": [
            {
                "workload": instance.workloads.workload[row.workload],
                "periods": [list(span) for span in row.spans],
                "mtok": row.mtok,
                "penalty_usd": row.penalty_usd,
                "cause": row.cause,
                "least_usd_per_mtok": row.least_usd_per_mtok,
                "closed": dict(row.closed),
            }
            for row in found.rows
        ],
        "needed": None if found.needed is None else _relaxed(instance, found.needed),
    }


def _candidates(instance: Instance, found: Candidates) -> dict[str, Any]:
    pools = instance.pools
    rows = []
    for row in found.rows:
        named = {"pool": pools.pool[row.pool], "chip": pools.chip[row.pool]}
        named["region"] = pools.region[row.pool]
        rows.append({**vars(row), **named})
    return {
        **vars(found),
        "workload": instance.workloads.workload[found.workload],
        "rows": rows,
        "ways": [{**vars(way), "pool": pools.pool[way.pool]} for way in found.ways],
        "words": choice_words(instance, found),
    }

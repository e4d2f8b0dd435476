"""Limits on shares of the dense program with every rule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.pipeline.named_program import Terms

if TYPE_CHECKING:
    from tests.pipeline.fleet_oracle import FleetOracle


def limits_spend(oracle: FleetOracle) -> bool:
    """Whether some limit counts what is paid."""
    on_spend = any(share.measure == "spend" for share in oracle.facts.shares)
    return on_spend and "shares" not in oracle.without


def add_shares(oracle: FleetOracle) -> None:
    """``min * sum_p M[p] <= sum_{p in group} M[p] <= max * sum_p M[p]`` in every span."""
    for share in oracle.facts.shares:
        for span in share.spans:
            for sign, limit in ((1.0, share.max), (-1.0, share.min)):
                if math.isnan(limit):
                    continue
                terms: Terms = {}
                side = 0.0
                for p in oracle.facts.P:
                    weight = sign * ((1.0 if p in share.group else 0.0) - limit)
                    for t in span:
                        for key, number in _measure(oracle, share.measure, p, t).items():
                            terms[key] = terms.get(key, 0.0) + weight * number
                        if share.measure == "spend":
                            side -= weight * oracle.reserved_usd(p, t)
                oracle.program.at_most("shares", terms, side)


def _measure(oracle: FleetOracle, measure: str, p: str, t: int) -> Terms:
    """M[p] in t, less what a reserved pool costs anyway."""
    facts = oracle.facts
    if measure == "compute":
        return oracle.held(p, t)
    if measure == "tokens":
        return {("x", w, p, t): 1.0 for w in facts.W if oracle.usable(w, p, t)}
    usd = oracle.pool_usd(p, t)
    for k, contract in facts.C.items():
        if contract.pool == p and t in contract.periods:
            usd["b", k] = contract.usd * contract.chips * facts.H
    return usd

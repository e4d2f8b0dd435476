"""The visible list of peers: a new one is a file in ``entrants`` and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.named import named
from benchmarks.peers.environments import OWN
from benchmarks.peers.peer import Peer

__all__ = ["PEERS", "Peer", "peer_named"]


def _ours(method: str, gap: float = 1e-6, name: str = "") -> Peer:
    return Peer(
        name=name or method,
        title=f"this package, method {method}",
        entrant="ours",
        environment=OWN,
        package="token-placement-optimizer",
        options={"method": method, "gap": gap},
    )


def _ortools(name: str, title: str, *, by_period: bool = False, **options: str | float) -> Peer:
    return Peer(
        name=name,
        title=f"OR-Tools, {title}",
        entrant="ortools_lp",
        environment="ortools",
        package="ortools",
        options=options,
        by_period=by_period,
    )


def _highspy(
    name: str, title: str, options: Mapping[str, str | float], *, by_period: bool = False
) -> Peer:
    return Peer(
        name=name,
        title=f"HiGHS, {title}",
        entrant="highspy_lp",
        environment="highspy",
        package="highspy",
        options=options,
        by_period=by_period,
    )


def _pop(name: str, k: int, extra: float = 0.0) -> Peer:
    split = f", largest workloads halved until there are {extra:.0%} more" if extra else ""
    return Peer(
        name=name,
        title=f"POP, {k} parts{split}, each by HiGHS simplex",
        entrant="pop",
        environment="highspy",
        package="highspy",
        options={"k": k, "seed": 0, "extra": extra},
    )


def _dede(name: str, title: str, **options: str | float) -> Peer:
    return Peer(
        name=name,
        title=f"DeDe, {title}",
        entrant="dede_admm",
        environment="dede",
        package="dede",
        options={"rho": 1.0, **options},
        remote=True,
        warm=False,  # it starts Ray anew for each problem
    )


def _ascent(iterations: int, gamma_last: float, levels: int) -> Peer:
    return Peer(
        name=f"ascent-{iterations}",
        title=f"dual ascent as DuaLip's, {iterations} iterations, gamma to {gamma_last:g}",
        entrant="ascent",
        environment="ascent",
        package="numba",
        options={
            "iterations": iterations,
            "gamma_first": 1.0,
            "gamma_last": gamma_last,
            "levels": levels,
        },
    )


_FINEST = "termination_criteria { simple_optimality_criteria { %s } }"
_FINEST %= "eps_optimal_absolute: 1e-8 eps_optimal_relative: 1e-8"

PEERS: tuple[Peer, ...] = (
    _ours("price"),
    _ours("direct"),
    _ortools("ortools-glop", "GLOP", solver="glop"),
    _ortools("ortools-pdlp", "PDLP at its defaults", solver="pdlp"),
    _ortools("ortools-pdlp-1e-8", "PDLP to 1e-8", solver="pdlp", parameters=_FINEST),
    _ortools("ortools-highs", "HiGHS through MathOpt", solver="highs"),
    _highspy("highspy-simplex", "dual simplex", {"solver": "simplex"}),
    _highspy("highspy-ipx", "interior point (IPX), crossover", {"solver": "ipx"}),
    _highspy(
        "highspy-ipx-interior",
        "interior point (IPX), no crossover",
        {"solver": "ipx", "run_crossover": "off"},
    ),
    _ortools("ortools-glop-periods", "GLOP by period", solver="glop", by_period=True),
    _highspy(
        "highspy-simplex-periods", "dual simplex by period", {"solver": "simplex"}, by_period=True
    ),
    Peer(
        name="pulp-cbc",
        title="PuLP with its CBC",
        entrant="pulp_cbc",
        environment="pulp",
        package="PuLP",
    ),
    _pop("pop-4", 4),
    _pop("pop-16", 16),
    _pop("pop-16-split", 16, extra=0.75),
    _ascent(500, 1e-4, 8),
    _ascent(5000, 1e-6, 15),
    _dede("dede", "stopped by its own rule"),
    _dede("dede-300", "300 iterations", iterations=300),
)
"""Every peer; ours first, then exact ones, then approximate ones."""

REFERENCE = _ours("price", gap=1e-9, name="reference")
"""Whose prices prove the bound that gaps are measured from."""


def peer_named(name: str) -> Peer:
    """Find a peer.

    Raises
    ------
    LookupError
        When there is none of that name, with the list of those there are.
    """
    return named("peer", name, PEERS)

"""POP: split the workloads at random into k problems that get 1/k of each pool.

D. Narayanan, F. Kazhamiaka, F. Abuzaid, P. Kraft, A. Agrawal, S. Kandula, S. Boyd and
M. Zaharia, "Solving large-scale granular resource allocation problems efficiently with POP",
SOSP 2021: partitioning of clients (section 3), and splitting of the largest ones first so that
no part of the problem holds more than it can spread (section 4.3). Written from the paper.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.statement import Statement
from benchmarks.peers.transport import Float, Int, Transport, sums

Values = Callable[[Statement], Float]
"""Solves a program; gives column values."""


def run(
    given: Transport, options: dict[str, Any], clock: Clock, solve: Values | None = None
) -> Answer:
    """Split, solve the parts side by side, put them together.

    Parameters
    ----------
    options : k, the number of parts; seed of the split; threads; extra, how many clients are
        made by splitting the largest, as a part of their number.
    solve : solves a part; HiGHS when it is not given.
    """
    if solve is None:
        from benchmarks.peers.entrants.highspy_lp import values_of

        solve = values_of
    with clock.phase("build"):
        rng = np.random.default_rng(int(options.get("seed", 0)))
        owner, demand = clients(given, float(options.get("extra", 0.0)))
        parts = min(int(options["k"]), len(owner))
        share = [np.sort(part) for part in np.array_split(rng.permutation(len(owner)), parts)]
        problems = [_part(given, owner[mine], demand[mine], parts) for mine in share]
        stated = [Statement.of(problem) for problem in problems]
    with clock.phase("solve"), ThreadPoolExecutor(int(options.get("threads", 1))) as pool:
        values = list(pool.map(solve, stated))
    with clock.phase("extract"):
        placed = np.zeros((given.num_routes, given.num_periods))
        given_up = np.zeros_like(given.demand)
        for mine, program, found in zip(share, stated, values, strict=True):
            part_placed, part_given_up = program.amounts(found)
            np.add.at(placed, given.routes_of(owner[mine]), part_placed)
            np.add.at(given_up, owner[mine], part_given_up)
    return Answer("optimal in each part", placed, given_up, notes={"clients": len(owner)})


def clients(given: Transport, extra: float) -> tuple[Int, Float]:
    """Clients made of the workloads: (C,) whose they are, (C, T) their Mtok.

    The one with the largest need is halved, again and again, until there are ``extra`` more
    for each workload. What a workload needs is its tokens times the mean of its chip-hours.
    """
    counts = np.maximum(np.diff(given.first), 1)
    hours = sums(given.workload, given.hours, given.num_workloads) / counts
    need = given.demand.sum(axis=1) * hours
    heap = [(-amount, w, 1.0) for w, amount in enumerate(need.tolist())]
    heapq.heapify(heap)
    for _ in range(round(extra * given.num_workloads)):
        amount, w, part = heapq.heappop(heap)
        for _ in range(2):
            heapq.heappush(heap, (amount / 2, w, part / 2))
    owner = np.array([w for _, w, _ in heap], np.int64)
    parts = np.array([part for _, _, part in heap])
    return owner, given.demand[owner] * parts[:, None]


def _part(given: Transport, owner: Int, demand: Float, parts: int) -> Transport:
    return replace(given.part(owner, given.capacity / parts), demand=demand)

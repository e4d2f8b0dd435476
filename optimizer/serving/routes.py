"""Routes from profiles: for each pair of workload and pool the way that takes the fewest chips.

A pair asks for a model with requests of some lengths, on a chip, within a promise less the round
trip. Many pairs ask the same: each question is answered once. Each profile of the model on the
chip is a trial; its rate is the largest that keeps the promise (:mod:`optimizer.serving.queue`),
or the measured one. With C chips per replica and I + O tokens per request::

    chip_hours_per_mtok = C * 1e6 / (I + O) / (3600 * requests_per_second)
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.fleet_tables import BASES
from optimizer.instance.in_memory import labels_of
from optimizer.instance.instance import Instance
from optimizer.instance.tables import Routes
from optimizer.serving.answers import Answers, answers, nearest
from optimizer.serving.asks import Trials, asks, trials
from optimizer.serving.delivery import delivery
from optimizer.serving.derivation import Derivation, Reason, Refusals
from optimizer.serving.pairs import Pairs, pairs
from optimizer.serving.profiles import basis_codes

Int = NDArray[np.int64]


def derive(instance: Instance) -> tuple[Instance, Derivation]:
    """Derive the routes of an instance from its profiles.

    Parameters
    ----------
    instance : routes that it has are left aside.

    Returns
    -------
    instance : with the derived routes.
    derivation : what each route rests on, and why the other pairs are none.

    Raises
    ------
    InputError
        When a row of replicas has another number of chips than every profile of its pair.
    """
    all_pairs = pairs(instance)
    questions = asks(instance, all_pairs)
    tried = trials(instance, questions)
    answered = answers(instance, tried)
    decided = nearest(len(questions.workload), tried, answered)
    trial = np.full(len(all_pairs.workload), -1, np.int64)
    trial[questions.pair] = decided[questions.ask]
    reason = all_pairs.reason.copy()
    answer = np.full(len(decided), Reason.NO_PROFILE, np.int8)
    answer[decided >= 0] = answered.reason[decided[decided >= 0]]
    reason[questions.pair] = answer[questions.ask]
    made = np.flatnonzero(reason == Reason.ROUTE)
    routes = _routes(instance, all_pairs, made, trial[made], tried, answered)
    derivation = Derivation(
        delivery=delivery(instance, all_pairs.round_trip_ms[made], trial[made], tried, answered),
        refusals=_refusals(all_pairs, reason, trial, tried, answered),
    )
    return dataclasses.replace(instance, routes=routes), derivation


def _routes(
    instance: Instance, found: Pairs, made: Int, trial: Int, tried: Trials, answered: Answers
) -> Routes:
    """Table of routes, by workload, then pool, as the pairs are."""
    profiles, network = instance.profiles, instance.network
    profile = tried.profile[trial]
    weakest = answered.basis[trial]
    row = found.network[made]
    linked = row >= 0
    weakest[linked] = np.maximum(weakest[linked], basis_codes(network.basis)[row[linked]])
    source = profiles.source
    return Routes(
        workload=found.workload[made],
        pool=found.pool[made],
        chip_hours_per_mtok=answered.chip_hours_per_mtok[trial],
        usd_per_mtok=found.usd_per_mtok[made],
        latency_ms=found.round_trip_ms[made],
        configuration=labels_of(
            profiles.configuration.names, profiles.configuration.codes[profile]
        ),
        source=labels_of(source.names, source.codes[profile]),
        basis=labels_of(BASES, weakest),
    )


def _refusals(
    found: Pairs, reason: NDArray[np.int8], trial: Int, tried: Trials, answered: Answers
) -> Refusals:
    """Pairs that are no routes."""
    stopped = np.flatnonzero(reason != Reason.ROUTE)
    at = trial[stopped]
    near = at >= 0
    row = found.rule[stopped].copy()
    row[near] = tried.profile[at[near]]
    best, limit = np.full(len(stopped), np.nan), np.full(len(stopped), np.nan)
    best[near], limit[near] = answered.best[at[near]], answered.limit[at[near]]
    far = reason[stopped] == Reason.ROUND_TRIP
    best[far] = found.round_trip_ms[stopped[far]]
    limit[far] = found.most_round_trip_ms[stopped[far]]
    return Refusals(
        workload=found.workload[stopped],
        pool=found.pool[stopped],
        reason=reason[stopped],
        row=row,
        best=best,
        limit=limit,
    )

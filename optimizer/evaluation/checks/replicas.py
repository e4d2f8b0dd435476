"""Twin of the family "replicas": whole replicas, enough of them for their work and by rule.

Written from docs/problem.md: A <= target q (H n - startup_hours s), and at least
min_replicas of a model in every period.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.lanes import lane_names
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import MOST, RELATIVE, SPECK, Violation, no_amount
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Replicas that are no whole numbers, stand where none may be, or are too few."""
    yield from _not_whole(instance, plan)
    yield from _nowhere(instance, plan, sums)
    yield from _overworked(instance, sums)
    yield from _too_few(instance, sums)


def _not_whole(instance: Instance, plan: Plan) -> Iterator[Violation]:
    model, pool, period = plan.replicas.axes
    count = plan.replicas.value
    whole = ~no_amount(count) & (count == np.round(count))
    for k in np.flatnonzero(~whole).tolist():
        amount = float(count[k])
        yield Violation(
            "replicas",
            f"{instance.model_names[model[k]]} on {instance.pools.pool[pool[k]]}, period "
            f"{period[k]}: no whole number",
            amount,
            float(np.floor(amount)) if 0 <= amount <= MOST else 0.0,
            "replicas",
        )


def _nowhere(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    model, pool, period = plan.replicas.axes
    stray = (sums.lanes.of[model, pool] < 0) & (plan.replicas.value != 0)
    for k in np.flatnonzero(stray).tolist():
        chip = instance.pools.chip[int(pool[k])]
        yield Violation(
            "replicas",
            f"{instance.model_names[model[k]]} on {instance.pools.pool[pool[k]]}, period "
            f"{period[k]}: no row of replicas for {chip}",
            float(plan.replicas.value[k]),
            0.0,
            "replicas",
        )


def _overworked(instance: Instance, sums: Tally) -> Iterator[Violation]:
    lanes, load = sums.lanes, sums.lane_load_chip_hours
    limit = lanes.target[:, None] * sums.ready_hours(instance.period_hours)
    names = lane_names(instance, lanes)
    for lane, period in np.argwhere(load > limit + RELATIVE * np.abs(limit) + SPECK).tolist():
        yield Violation(
            "replicas",
            f"{names[lane]}, period {period}: work of {sums.replicas[lane, period]:g} replicas",
            float(load[lane, period]),
            float(limit[lane, period]),
            "chip-hours",
        )


def _too_few(instance: Instance, sums: Tally) -> Iterator[Violation]:
    table = instance.models
    for row in np.flatnonzero(table.min_replicas > 0).tolist():
        model = instance.model_names.index(table.model[row])
        least = float(table.min_replicas[row])
        running = sums.replicas[sums.lanes.model == model].sum(axis=0)
        for period in np.flatnonzero(running < least).tolist():
            yield Violation(
                "replicas",
                f"{table.model[row]}, period {period}: fewer than min_replicas",
                float(running[period]),
                least,
                "replicas",
            )

"""Twin of the family "startup": replicas come and go no faster than they may."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.lanes import lane_names
from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import HARD, SPECK, Violation
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Changes from one period to the next that are over the limit.

    A pool that is left out takes no part: replicas in force there are gone at once.
    """
    lanes = sums.lanes
    limit = np.where(instance.left_out[lanes.pool], np.inf, lanes.max_changes)[:, None]
    names = lane_names(instance, lanes)
    for what, change in (("added", sums.starts), ("taken away", sums.stops)):
        for lane, period in np.argwhere(change > limit * (1 + HARD) + SPECK).tolist():
            yield Violation(
                "startup",
                f"{names[lane]}, period {period}: {what}",
                float(change[lane, period]),
                float(limit[lane, 0]),
                "replicas",
            )

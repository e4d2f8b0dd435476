"""The sample: plans put to many draws, block by block, until there are enough or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.draws import Draws, Factors
from optimizer.evaluation.recourse import Outcomes, Recourse
from optimizer.evaluation.uncertainty import Ranges
from optimizer.kernels.blocks import over_blocks
from optimizer.progress import Progress

Float = NDArray[np.float64]

DEMAND, THROUGHPUT, PRICE = "demand", "throughput", "price"
SOURCES = (DEMAND, THROUGHPUT, PRICE)

BLOCK_FACTORS = 1 << 23
"""Factors of a block: 64 MiB."""
BLOCK_CELLS = 1 << 28
"""Placements times draws of a block: a fraction of a second, after which one can stop."""
FEWEST, MOST = 64, 512
"""Draws in a block; its length depends on the problem alone."""

__all__ = ["SOURCES", "Sample", "sampled"]


@dataclass(frozen=True, eq=False)
class Sample:
    """A plan in every draw.

    Attributes
    ----------
    cost_usd, spent_usd : (D,) cost; cost without the penalty.
    arriving_mtok, unserved_mtok : (D,) over the horizon.
    sent_mtok, crowded_mtok : (D,) what the plan places; of it, sent where room is short.
    promised_mtok, kept_mtok : (D,) sent to groups of the attainment table; of it, served within
        the promise; of no length without a table.
    overloads : (P,) draws in which a pool was short of room in some period.
    cut_mtok : (P,) what did not fit there, over all draws.
    parts_usd : (4,) reserved, usage, routes and penalty, over all draws.
    alone_usd : (D,) cost when one source alone is drawn, by source; those that are certain and
        those not asked for are missing.
    """

    cost_usd: Float
    spent_usd: Float
    arriving_mtok: Float
    unserved_mtok: Float
    sent_mtok: Float
    crowded_mtok: Float
    promised_mtok: Float
    kept_mtok: Float
    overloads: Float
    cut_mtok: Float
    parts_usd: Float
    alone_usd: dict[str, Float]

    def __len__(self) -> int:
        return len(self.cost_usd)

    @property
    def attainment(self) -> Float:
        """(D,) part of the tokens sent to groups that is served within its promise.

        Where nothing is promised nothing is missed.
        """
        missed = self.promised_mtok - self.kept_mtok
        some = self.promised_mtok > 0
        part = np.divide(missed, self.promised_mtok, out=np.zeros_like(missed), where=some)
        return np.asarray(1.0 - part)


def sampled(
    plans: Sequence[Recourse],
    draws: Draws,
    count: int,
    seconds: float | None,
    progress: Progress,
) -> tuple[list[Sample], str]:
    """Put plans to the same draws; the first of them to each source alone as well.

    Returns
    -------
    samples : one for each plan.
    limit : ``time`` or ``interrupt`` when that ended it early, else empty.

    Raises
    ------
    KeyboardInterrupt
        When it comes before the first block is done.
    """
    begun, limit = time.monotonic(), ""
    blocks = _blocks(plans, draws.ranges, count)
    made: list[list[Sample]] = []
    progress.stage("draws", total=count)
    try:
        with closing(over_blocks(_work(plans, draws), blocks)) as parts:  # type: ignore[type-var]
            for (begin, end), part in zip(blocks, parts, strict=True):
                made.append(part)
                progress.step(end - begin)
                if seconds is not None and time.monotonic() - begun >= seconds and end < count:
                    limit = "time"
                    break
    except KeyboardInterrupt:
        if not made:
            raise
        limit = "interrupt"
    return [_joined([part[plan] for part in made]) for plan in range(len(plans))], limit


def _blocks(plans: Sequence[Recourse], ranges: Ranges, count: int) -> list[tuple[int, int]]:
    """Begin and end of each block; begins are multiples of :data:`FEWEST`."""
    rows = len(ranges.demand.low) + len(ranges.throughput.low) + len(ranges.price.low)
    rows += sum(len(plan.room) for plan in plans if plan.table is not None)
    cells = sum(len(plan.mtok) for plan in plans)
    step = min(BLOCK_FACTORS // max(rows, 1), BLOCK_CELLS // max(cells, 1), MOST)
    step = max(step // FEWEST, 1) * FEWEST
    return [(begin, min(begin + step, count)) for begin in range(0, count, step)]


def _work(plans: Sequence[Recourse], draws: Draws) -> Callable[[int, int], list[Sample]]:
    """What is done with a block of draws; threads run it side by side."""
    first, ranges = plans[0], draws.ranges

    def work(begin: int, end: int) -> list[Sample]:
        factors = draws.block(begin, end)
        as_stated = Factors(
            *(np.ones_like(part) for part in (factors.demand, factors.slowness, factors.price))
        )
        alone: dict[str, Float] = {}
        if not ranges.demand.certain:
            only = Factors(factors.demand, as_stated.slowness, as_stated.price)
            alone[DEMAND] = first.outcomes(only).cost_usd
        if not ranges.throughput.certain:
            only = Factors(as_stated.demand, factors.slowness, as_stated.price)
            alone[THROUGHPUT] = first.outcomes(only).cost_usd
        if not ranges.price.certain:
            alone[PRICE] = first.price_alone_usd(factors.price)
        return [_reduced(plan.outcomes(factors), alone if plan is first else {}) for plan in plans]

    return work


def _reduced(found: Outcomes, alone: dict[str, Float]) -> Sample:
    """The outcomes of a block without what is as long as pools times draws."""
    nothing = np.empty(0)
    parts = (found.reserved_usd, found.usage_usd, found.route_usd, found.penalty_usd)
    return Sample(
        cost_usd=found.cost_usd,
        spent_usd=found.spent_usd,
        arriving_mtok=found.arriving_mtok,
        unserved_mtok=found.unserved_mtok,
        sent_mtok=found.sent_mtok,
        crowded_mtok=found.crowded_mtok,
        promised_mtok=nothing if found.promised_mtok is None else found.promised_mtok,
        kept_mtok=nothing if found.kept_mtok is None else found.kept_mtok,
        overloads=found.overloaded.sum(axis=1).astype(np.float64),
        cut_mtok=found.cut_mtok.sum(axis=1),
        parts_usd=np.array([part.sum() for part in parts]),
        alone_usd=alone,
    )


def _joined(parts: list[Sample]) -> Sample:
    """Blocks as one sample, in their order."""

    def line(name: str) -> Float:
        return np.concatenate([getattr(part, name) for part in parts])

    def total(name: str) -> Float:
        return np.asarray(np.sum([getattr(part, name) for part in parts], axis=0))

    return Sample(
        cost_usd=line("cost_usd"),
        spent_usd=line("spent_usd"),
        arriving_mtok=line("arriving_mtok"),
        unserved_mtok=line("unserved_mtok"),
        sent_mtok=line("sent_mtok"),
        crowded_mtok=line("crowded_mtok"),
        promised_mtok=line("promised_mtok"),
        kept_mtok=line("kept_mtok"),
        overloads=total("overloads"),
        cut_mtok=total("cut_mtok"),
        parts_usd=total("parts_usd"),
        alone_usd={
            name: np.concatenate([part.alone_usd[name] for part in parts])
            for name in parts[0].alone_usd
        },
    )

"""A short trace over a longer horizon: its periods again and again, and what that cannot show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import UsageError
from optimizer.serving.traces.grid import MAX_CELLS
from optimizer.serving.traces.settings import NANOSECONDS, TraceSettings
from optimizer.serving.traces.tally import Sums

Float = NDArray[np.float64]

PASSED_OVER = 0.01
"""Part of a period by which a trace may be longer than whole ones: a last request that is late."""
FULL = 0.95
"""Part of a copy that the trace should cover; below it the note says by what to scale."""
DAY, WEEK = 24.0, 168.0


@dataclass(frozen=True)
class Repetition:
    """How a trace fills a horizon.

    Attributes
    ----------
    cycle : periods of a copy: as many whole ones as the trace is long. A trace that begins within
        a period ends within the one after the last of these; that one is added to the first.
    periods : of the horizon.
    period_hours : length of each.
    start_ns, first_ns : beginning of the first period; of the trace in it.
    covered_hours : from the first request to the last.
    """

    cycle: int
    periods: int
    period_hours: float
    start_ns: int
    first_ns: int
    covered_hours: float

    @property
    def copies(self) -> float:
        """How often the trace is there; the last copy may be a part of one."""
        return self.periods / self.cycle

    @property
    def cycle_hours(self) -> float:
        """Hours from a copy to the next."""
        return self.cycle * self.period_hours

    def filled(self, table: Float) -> Float:
        """(W, periods) a table (W, T) of the trace over the horizon."""
        cycle = np.zeros((len(table), self.cycle))
        for first in range(0, table.shape[1], self.cycle):
            part = table[:, first : first + self.cycle]
            cycle[:, : part.shape[1]] += part
        return cycle[:, np.arange(self.periods) % self.cycle]

    def notes(self, *, dated: bool) -> list[str]:
        """What it rests on: how full a copy is, and which times it makes alike.

        Parameters
        ----------
        dated : whether the trace says on which days it was recorded.
        """
        hours, part = self.cycle_hours, self.covered_hours / self.cycle_hours
        told = f"{self.covered_hours:.4g} h of traffic were repeated every {hours:g} h"
        notes = [f"{told} to fill {self.periods * self.period_hours:g} h: {self.copies:.4g} copies"]
        if part < FULL:
            scale = f"; --scale {1 / part:.3g} would make up for it" if part > 0 else ""
            notes.append(
                f"the trace covers {part:.1%} of each copy, the rest is without demand{scale}"
            )
        if self.copies > 1:
            notes += self._alike(dated)
        return notes

    def _alike(self, dated: bool) -> list[str]:
        """Which differences between hours and days the copies cannot show."""
        hours = self.cycle_hours
        begin = _moment(self.first_ns)
        when = f" from {begin:%A %Y-%m-%d %H:%M} UTC on" if dated else ""
        if hours < DAY:
            return [
                f"each copy is {hours:g} h of traffic{when}: no day and night is in it, no weekend"
            ]
        notes = []
        if not _whole(hours / DAY):
            notes.append(
                f"{hours:g} h are no whole days: with each copy the traffic of an hour comes "
                f"{hours % DAY:g} h later in the day"
            )
        if _whole(hours / WEEK):
            return notes
        if not dated:
            notes.append(
                "the trace does not say on which weekdays it was recorded, or how weeks go"
            )
        elif hours == DAY:
            notes.append(f"every day has the traffic of the one{when}, weekends and weekdays alike")
        else:
            later = _moment(self.start_ns) + timedelta(hours=hours)
            notes.append(
                f"{hours:g} h are no whole weeks: {later:%A %Y-%m-%d} has the traffic of "
                f"{_moment(self.start_ns):%A %Y-%m-%d}, and so on"
            )
        return notes


def repetition(settings: TraceSettings, sums: Sums, *, single: bool) -> Repetition | None:
    """How a trace is to be repeated; None when nobody asks.

    Parameters
    ----------
    single : rows are single requests; else counts of an hour, which ends after its time.

    Raises
    ------
    UsageError
        When the horizon is shorter than the trace, or has too many periods.
    """
    asked = settings.repeat_hours
    if asked is None:
        return None
    last_ns = sums.last_ns + (0 if single else NANOSECONDS["h"])
    covered = (last_ns - sums.first_ns) / NANOSECONDS["h"]
    cycle = max(1, math.ceil(covered / settings.period_hours - PASSED_OVER))
    periods = round(asked / settings.period_hours)
    if periods < cycle:
        raise UsageError(
            f"repeat: expected at least the {cycle * settings.period_hours:g} hours that the trace "
            f"takes, got {asked:g}"
        )
    if periods * len(sums.group) > MAX_CELLS:
        raise UsageError(
            f"repeat: expected at most {MAX_CELLS:,} cells of workload and time, got "
            f"{len(sums.group):,} workloads and {periods:,} periods"
        )
    return Repetition(cycle, periods, settings.period_hours, sums.start_ns, sums.first_ns, covered)


def _whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-9


def _moment(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)

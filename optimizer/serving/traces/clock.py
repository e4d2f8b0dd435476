"""Times of a trace as nanoseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from optimizer.instance.tables import LAST_YEAR
from optimizer.serving.traces.settings import NANOSECONDS

STAND_IN_START = datetime(2026, 1, 1, tzinfo=UTC)
"""Time 0 of traces that count from their own beginning, when nobody says when that was."""

EPOCH_FROM_NS = 100_000_000 * NANOSECONDS["s"]
"""Numbers from here on (March 1973) are taken as counted from 1970 when no start is given."""

_END_NS = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()) * NANOSECONDS["s"]
_HALF_HOUR_NS = NANOSECONDS["h"] // 2
_PLAIN, _ZONED = "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%:z"

Times = tuple[NDArray[np.int64], NDArray[np.bool_]]


class Clock:
    """Reads the times of one file; remembers what the first of them looked like.

    Parameters
    ----------
    unit : ``iso``, a key of NANOSECONDS, or empty: numbers are seconds, anything else is ISO.
    zone : zone of ISO times that carry none.
    start : moment that numbers count from; None: 1970 or :data:`STAND_IN_START`, by their size.

    Attributes
    ----------
    basis : how the times were understood, in words; empty before the first one.
    """

    def __init__(self, unit: str, zone: str, start: datetime | None) -> None:
        self._unit, self._zone, self._start = unit, zone, start
        self._origin_ns: int | None = None
        self._latest = -(2**62)
        self._second_pass: set[int] = set()
        self.basis = ""

    @property
    def relative(self) -> bool:
        """Whether times count from a beginning that the trace does not date."""
        return self._origin_ns is not None and self._origin_ns != 0

    def expected(self) -> str:
        """What a cell should hold, in words."""
        if self._unit == "iso":
            return "a date and time such as 2026-05-04 00:00:00"
        return f"a finite number >= 0 and a year before {LAST_YEAR + 1}"

    def times(self, texts: pl.Series) -> Times:
        """Times of a block of cells, and which of them could be read.

        Parameters
        ----------
        texts : (n,) text, null where a cell is empty.
        """
        if not self._unit:
            given = texts.drop_nulls()
            numbers = int(given.cast(pl.Float64, strict=False).is_not_null().sum())
            self._unit = "s" if 2 * numbers >= len(given) else "iso"
        if self._unit == "iso":
            self.basis = f"dates in the trace, {self._zone} where they carry no zone"
            return self._dated(texts)
        values = texts.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        return self.counted(values)

    def counted(self, numbers: NDArray[np.float64]) -> Times:
        """Times that are numbers in the unit of the clock, seconds when it has none."""
        unit = NANOSECONDS[self._unit or "s"]
        good = np.isfinite(numbers) & (numbers >= 0) & (numbers < _END_NS / unit)
        # Whole units and their fractions apart: a float holds no nanoseconds since 1970.
        whole = np.floor(np.where(good, numbers, 0.0))
        fraction = np.where(good, numbers, 0.0) - whole
        ns = whole.astype(np.int64) * unit + np.round(fraction * unit).astype(np.int64)
        if self._origin_ns is None and good.any():
            self._origin_ns = self._origin(int(ns[good][0]))
        moved = ns + (self._origin_ns or 0)
        return moved, good & (moved < _END_NS)

    def _origin(self, first_ns: int) -> int:
        if self._start is not None:
            self.basis = "counted from the start that was given"
            moment = self._start
        elif first_ns >= EPOCH_FROM_NS:
            self.basis = "counted from 1970"
            return 0
        else:
            moment = STAND_IN_START
            self.basis = f"counted from a beginning that is taken as {moment:%Y-%m-%dT%H:%MZ}"
        return round(moment.timestamp() * 1e6) * NANOSECONDS["us"]

    def _dated(self, texts: pl.Series) -> Times:
        """ISO 8601 dates and times, with a zone of their own or in that of the clock."""
        clean = texts.str.replace(" ", "T", literal=True).str.replace("Z$", "+00:00")
        local = clean.str.to_datetime(_PLAIN, time_unit="ns", strict=False)
        ns = self._zoned(local)
        missing = np.isnan(ns) if ns.dtype == np.float64 else ns == _NONE
        if missing.any():
            rest = clean.filter(pl.Series(missing))
            utc = rest.str.to_datetime(_ZONED, time_unit="ns", strict=False)
            ns[missing] = utc.dt.epoch("ns").fill_null(_NONE).to_numpy()
        good = (ns >= 0) & (ns < _END_NS)
        if good.any():
            self._latest = max(self._latest, int(ns[good].max()))
        return ns, good

    def _zoned(self, local: pl.Series) -> NDArray[np.int64]:
        """Local times as UTC; :data:`_NONE` where there is no such time."""
        if self._zone == "UTC":
            return local.dt.epoch("ns").fill_null(_NONE).to_numpy().copy()
        early, late = (self._replaced(local, which) for which in ("earliest", "latest"))
        for row_day in np.unique(early[early != late] // (24 * NANOSECONDS["h"])).tolist():
            self._fold(early, late, row_day)
        return early

    def _replaced(self, local: pl.Series, which: str) -> NDArray[np.int64]:
        moved = local.dt.replace_time_zone(
            self._zone,
            ambiguous=which,  # type: ignore[arg-type]
            non_existent="null",
        )
        return moved.dt.epoch("ns").fill_null(_NONE).to_numpy().copy()

    def _fold(self, early: NDArray[np.int64], late: NDArray[np.int64], day: int) -> None:
        """Tell the first from the second pass of the hour that comes twice in autumn.

        A trace in order of time jumps back where the second pass begins: the first row of the
        hour that lies half an hour before the latest time so far opens it.
        """
        rows = np.flatnonzero((early != late) & (early // (24 * NANOSECONDS["h"]) == day))
        if day not in self._second_pass:
            before = np.maximum.accumulate(np.maximum(early[: rows[-1] + 1], self._latest))
            back = before[rows] - early[rows] > _HALF_HOUR_NS
            if not back.any():
                return
            rows = rows[int(np.argmax(back)) :]
            self._second_pass.add(day)
        early[rows] = late[rows]


_NONE = -1

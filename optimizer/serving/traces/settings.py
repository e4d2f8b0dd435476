"""How a trace is to be read and what its workloads promise."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.errors import UsageError
from optimizer.instance.places import quoted

INPUT_EDGES = (1024, 4096, 16384)
OUTPUT_EDGES = (256,)
"""Powers of four: 4 x 2 buckets tell short questions from long documents, and keep few rows."""

UNSERVED_USD_PER_MTOK = 10.0
"""Penalty where nobody gives one: about the list price of a Mtok from a large model."""

NANOSECONDS = {
    "h": 3_600_000_000_000,
    "min": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
"""Nanoseconds in each unit that times may be counted in."""

LONGEST_HOURS = 87_840
"""Most hours that a trace may be repeated over."""

COLUMNS = ("time", "input", "output", "cached", "workload", "model", "traffic_class", "region")
NEEDED_COLUMNS = ("time", "input", "output")


@dataclass(frozen=True, kw_only=True)
class TraceSettings:
    """Everything that a trace does not say itself.

    Attributes
    ----------
    format : name of the format, empty to recognise it by the first line.
    columns : for the format csv: the header's name of each of :data:`COLUMNS`.
    time_unit : ``iso`` or a key of :data:`NANOSECONDS`; empty: the unit of the format.
    time_zone : zone of times that carry none, by its name in the IANA database.
    start : time 0 of traces that count from their own beginning, with a zone.
    period_hours : length of a period.
    input_edges, output_edges : tokens at which a new length bucket begins; None: the
        format's own, no edges: one bucket.
    names : of the workloads, one for all files or one for each; empty: names of the files.
    models, traffic_classes, regions : likewise; empty: what the trace says, else the words below.
    ttft_ms, tpot_ms : promise of every workload, None for none.
    unserved_usd_per_mtok : penalty of every workload; None: :data:`UNSERVED_USD_PER_MTOK`.
    scale : factor on the demand.
    repeat_hours : hours to fill with the trace, again and again; None: as long as it is.
    input_tokens, output_tokens : lengths, for traces that hold counts only.
    span_seconds : spans in which requests are counted for the burstiness.
    late_seconds : how far a time may lie before the latest one before it in its file.
    cached_blocks : most blocks of prompts that the prefix cache holds at a time.
    without_lengths : ``fill`` gives clients without lengths the mean of their model,
        ``leave_out`` drops them.
    max_bad_share : part of the lines that may be bad; these are left out.
    """

    format: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    time_unit: str = ""
    time_zone: str = "UTC"
    start: datetime | None = None
    period_hours: float = 1.0
    input_edges: tuple[int, ...] | None = None
    output_edges: tuple[int, ...] | None = None
    names: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    traffic_classes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    unserved_usd_per_mtok: float | None = None
    scale: float = 1.0
    repeat_hours: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    span_seconds: float = 60.0
    late_seconds: float = 3600.0
    cached_blocks: int = 1_000_000
    without_lengths: str = "fill"
    max_bad_share: float = 0.01

    def __post_init__(self) -> None:
        self._check_numbers()
        if self.time_unit not in ("", "iso", *NANOSECONDS):
            units = ", ".join(("iso", *NANOSECONDS))
            raise UsageError(f"time unit: expected one of {units}, got {quoted(self.time_unit)}")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            zone = quoted(self.time_zone)
            raise UsageError(
                f"time zone: expected a name such as Europe/Berlin, got {zone}"
            ) from None
        if self.start is not None and self.start.tzinfo is None:
            raise UsageError("start: expected a date and time with a zone, got one without")
        for what, edges in (("input", self.input_edges), ("output", self.output_edges)):
            rising = all(a < b for a, b in zip(edges or (), (edges or ())[1:], strict=False))
            if edges and not (rising and edges[0] > 0):
                raise UsageError(f"{what} buckets: expected rising numbers > 0, got {edges}")
        if self.without_lengths not in ("fill", "leave_out"):
            got = quoted(self.without_lengths)
            raise UsageError(f"without lengths: expected fill or leave_out, got {got}")
        self._check_columns()

    @property
    def period_ns(self) -> int:
        """Length of a period in whole nanoseconds."""
        return round(self.period_hours * NANOSECONDS["h"])

    @property
    def spans(self) -> int:
        """Spans in a period: as many as come nearest to the length asked for."""
        return max(1, round(self.period_hours * 3600 / self.span_seconds))

    def _check_numbers(self) -> None:
        positive: dict[str, Any] = {
            "period_hours": self.period_hours,
            "scale": self.scale,
            "span_seconds": self.span_seconds,
            "cached_blocks": self.cached_blocks,
        }
        given = {"ttft_ms": self.ttft_ms, "tpot_ms": self.tpot_ms}
        positive |= {name: value for name, value in given.items() if value is not None}
        for name, value in positive.items():
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name}: expected a finite number > 0, got {value}")
        if not 1 / 3600 <= self.period_hours <= 24 * 366:
            raise UsageError(
                f"period_hours: expected a second to a year, got {self.period_hours:g} hours"
            )
        if self.repeat_hours is not None:
            self._check_repeat(self.repeat_hours)
        least = {
            "unserved_usd_per_mtok": self.unserved_usd_per_mtok,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
        for name, number in least.items():
            if number is not None and not (math.isfinite(number) and number >= 0):
                raise UsageError(f"{name}: expected a finite number >= 0, got {number}")
        if not self.late_seconds >= 0:
            raise UsageError(f"late_seconds: expected a number >= 0, got {self.late_seconds}")
        if not 0 <= self.max_bad_share <= 1:
            raise UsageError(
                f"max_bad_share: expected a number from 0 to 1, got {self.max_bad_share}"
            )

    def _check_repeat(self, hours: float) -> None:
        if not 0 < hours <= LONGEST_HOURS:
            raise UsageError(
                f"repeat: expected hours > 0, at most {LONGEST_HOURS:,} (ten years), got {hours:g}"
            )
        periods = hours / self.period_hours
        if abs(periods - round(periods)) > 1e-9 * periods or round(periods) == 0:
            raise UsageError(
                f"repeat: expected whole periods of {self.period_hours:g} hours, got {hours:g} h"
            )

    def _check_columns(self) -> None:
        unknown = [name for name in self.columns if name not in COLUMNS]
        if unknown:
            known = ", ".join(COLUMNS)
            raise UsageError(f"columns: expected some of {known}, got {quoted(unknown[0])}")
        missing = [name for name in NEEDED_COLUMNS if name not in self.columns]
        if missing and (self.columns or self.format == "csv"):
            raise UsageError(
                f"columns: the format csv needs {', '.join(NEEDED_COLUMNS)}, "
                f"and {missing[0]} is not given (such as --columns time=when,input=in,output=out)"
            )

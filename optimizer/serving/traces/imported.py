"""What an import gives: workloads, their demand, and what was counted on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Problem
from optimizer.instance.tables import Workloads

Float = NDArray[np.float64]
TOKENS_PER_MTOK = 1e6


@dataclass(frozen=True, eq=False, kw_only=True)
class Imported:
    """Workloads and demand made of traces. Axes W (workloads), T (periods).

    Attributes
    ----------
    formats : of the files, in their order.
    start, period_hours : beginning and length of the periods.
    first, last : times of the first and the last row that was used.
    clock : how times were understood, in words.
    workloads : the table.
    demand_mtok : (W, T) input and output tokens, times the scale.
    requests : (W, T) requests, before the scale.
    input_tokens, output_tokens, cached_tokens : of all requests, before the scale.
    scale : factor on the demand.
    copies : how often the trace is there; 1 unless it was repeated. Requests and tokens are those
        of all copies.
    lines, bad_lines : lines of the files, and those that were left out.
    problems : the first of the bad lines.
    notes : what a reader of the numbers should know.
    """

    formats: tuple[str, ...]
    start: datetime
    period_hours: float
    first: datetime
    last: datetime
    clock: str
    workloads: Workloads
    demand_mtok: Float
    requests: Float
    input_tokens: float
    output_tokens: float
    cached_tokens: float
    scale: float
    copies: float
    lines: int
    bad_lines: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def total_mtok(self) -> float:
        """Sum of the demand."""
        return math.fsum(self.demand_mtok.ravel().tolist())

    def summary(self) -> dict[str, Any]:
        """Everything but the tables, as plain values; a number that is not known is null."""
        table = self.workloads
        each = [
            {
                "workload": name,
                "model": table.model[row],
                "traffic_class": table.traffic_class[row],
                "region": table.region[row],
                "requests": float(self.requests[row].sum()),
                "mtok": math.fsum(self.demand_mtok[row].tolist()),
                "peak_mtok": float(self.demand_mtok[row].max()),
                "input_tokens": float(table.input_tokens[row]),
                "output_tokens": float(table.output_tokens[row]),
                "input_tokens_cv": float(table.input_tokens_cv[row]),
                "output_tokens_cv": float(table.output_tokens_cv[row]),
                "cached_input_fraction": float(table.cached_input_fraction[row]),
                "burstiness": float(table.burstiness[row]),
            }
            for row, name in enumerate(table.workload)
        ]
        return {
            "formats": list(self.formats),
            "start": _text(self.start),
            "period_hours": self.period_hours,
            "periods": int(self.demand_mtok.shape[1]),
            "first_request": _text(self.first),
            "last_request": _text(self.last),
            "clock": self.clock,
            "lines": self.lines,
            "bad_lines": self.bad_lines,
            "bad_share": self.bad_lines / self.lines if self.lines else 0.0,
            "problems": [vars(problem) for problem in self.problems],
            "requests": float(self.requests.sum()),
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_input_tokens": self.cached_tokens,
            "scale": self.scale,
            "copies": self.copies,
            "demand_mtok": self.total_mtok,
            "requests_by_period": self.requests.sum(axis=0).tolist(),
            "mtok_by_period": self.demand_mtok.sum(axis=0).tolist(),
            "workloads": each,
            "notes": list(self.notes),
        }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

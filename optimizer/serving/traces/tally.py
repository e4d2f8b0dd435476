"""Requests added up by workload and period, in memory that does not grow with their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.serving.traces.buckets import Buckets
from optimizer.serving.traces.burstiness import burstiness
from optimizer.serving.traces.grid import Grid
from optimizer.serving.traces.moments import Moments
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.settings import NANOSECONDS

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sums:
    """What a trace adds up to. Axes W (groups of requests), T (periods).

    Attributes
    ----------
    group : (W,) position of the group among all of kind x input bucket x output bucket.
    start_ns : beginning of period 0.
    requests, input_tokens, output_tokens : (W, T), of requests whose lengths are known.
    unsized : (W, T) requests whose lengths are not known.
    cached_tokens : (W,) input tokens that a prompt cache answers.
    input_cv, output_cv, burstiness : (W,), NaN where the trace cannot tell.
    first_ns, last_ns : time of the first and of the last request.
    """

    group: NDArray[np.int64]
    start_ns: int
    requests: Float
    input_tokens: Float
    output_tokens: Float
    unsized: Float
    cached_tokens: Float
    input_cv: Float
    output_cv: Float
    burstiness: Float
    first_ns: int
    last_ns: int


class Tally:
    """Adds up rows of requests.

    Parameters
    ----------
    inputs, outputs : length buckets.
    period_ns : length of a period.
    spans : spans in a period in which requests are counted; 0 when rows are not single requests.
    """

    def __init__(self, inputs: Buckets, outputs: Buckets, period_ns: int, spans: int) -> None:
        self._inputs, self._outputs = inputs, outputs
        self._period_ns, self._spans = period_ns, spans
        self._sums = {name: Grid(np.float64) for name in ("n", "in", "out", "unsized")}
        self._counts = Grid(np.int32)
        self._cached = Grid(np.float64)
        self._in, self._out = Moments(), Moments()
        self._origin: int | None = None
        self._first, self._last = 2**63 - 1, -(2**63)
        self.groups = 0

    def add(self, rows: Requests, origin_ns: int | None) -> None:
        """Add some rows.

        Parameters
        ----------
        origin_ns : a moment at which a period begins; None: midnight in UTC before the first row.
            Only the first call decides.
        """
        if self._origin is None:
            day = 24 * NANOSECONDS["h"]
            midnight = int(rows.time_ns.min()) // day * day
            self._origin = midnight if origin_ns is None else origin_ns
        since = rows.time_ns - self._origin
        period = since // self._period_ns
        place_in, place_out = (
            self._inputs.place(rows.input_tokens),
            self._outputs.place(rows.output_tokens),
        )
        group = (rows.kind * self._inputs.count + place_in) * self._outputs.count + place_out
        unsized = np.isnan(rows.input_tokens)
        self._sums["n"].add(group, period, np.where(unsized, 0.0, rows.count))
        self._sums["unsized"].add(group, period, np.where(unsized, rows.count, 0.0))
        tokens_in = np.where(unsized, 0.0, rows.input_tokens)
        self._sums["in"].add(group, period, rows.count * tokens_in)
        tokens_out = np.where(unsized, 0.0, rows.output_tokens)
        self._sums["out"].add(group, period, rows.count * tokens_out)
        self._cached.add(group, np.zeros(len(group), np.int64), rows.count * rows.cached_tokens)
        self._first = min(self._first, int(rows.time_ns.min()))
        self._last = max(self._last, int(rows.time_ns.max()))
        self.groups = max(self.groups, int(group.max()) + 1)
        if self._spans:
            self._in.add(group, tokens_in)
            self._out.add(group, tokens_out)
        if self._spans >= 2:
            # In two steps: nanoseconds times spans may not fit into 64 bits.
            within = (since - period * self._period_ns) / self._period_ns * self._spans
            span = np.minimum(within.astype(np.int64), self._spans - 1)
            self._counts.add(group, period * self._spans + span, 1)

    def sums(self) -> Sums | None:
        """Everything added up, groups without requests left out; None without any row."""
        if self._origin is None:
            return None
        first = (self._first - self._origin) // self._period_ns
        stop = (self._last - self._origin) // self._period_ns + 1
        found = {name: grid.columns(first, stop, self.groups) for name, grid in self._sums.items()}
        kept = np.flatnonzero((found["n"] + found["unsized"]).sum(axis=1) > 0)
        return Sums(
            group=kept,
            start_ns=self._origin + first * self._period_ns,
            requests=found["n"][kept],
            input_tokens=found["in"][kept],
            output_tokens=found["out"][kept],
            unsized=found["unsized"][kept],
            cached_tokens=self._cached.columns(0, 1, self.groups)[kept, 0],
            input_cv=self._in.variation(self.groups)[kept],
            output_cv=self._out.variation(self.groups)[kept],
            burstiness=self._dispersion(first, stop, kept),
            first_ns=self._first,
            last_ns=self._last,
        )

    def _dispersion(self, first: int, stop: int, kept: NDArray[np.int64]) -> Float:
        if self._spans < 2:
            return np.full(len(kept), np.nan)
        k = self._spans
        steps = np.arange(first * k, stop * k + 1)
        edges = self._origin_ns + (steps // k) * self._period_ns
        edges = edges + np.round((steps % k) * (self._period_ns / k)).astype(np.int64)
        seen = (edges[:-1] >= self._first) & (edges[1:] <= self._last)
        counts = self._counts.columns(first * k, stop * k, self.groups)[kept]
        return burstiness(counts.reshape(len(kept), -1, k), seen.reshape(-1, k))

    @property
    def _origin_ns(self) -> int:
        assert self._origin is not None
        return self._origin

"""The table of workloads of an import: names, lengths, promises."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.identity import MAX_ID, folded
from optimizer.instance.in_memory import table_of
from optimizer.instance.labels import Labels
from optimizer.instance.tables import Workloads
from optimizer.serving.traces.requests import Kind
from optimizer.serving.traces.settings import UNSERVED_USD_PER_MTOK, TraceSettings

Float = NDArray[np.float64]

MODEL, TRAFFIC_CLASS, REGION = "llm", "interactive", "global"
"""What a workload is called to have where neither the trace nor its user says."""


def workload_table(
    settings: TraceSettings,
    kinds: Sequence[Kind],
    buckets: Sequence[str],
    *,
    input_tokens: Float,
    output_tokens: Float,
    input_cv: Float,
    output_cv: Float,
    cached_fraction: Float,
    burstiness: Float,
    source: str,
) -> Workloads:
    """Make the table; every sequence and array has an entry per workload.

    Parameters
    ----------
    buckets : names of the length buckets, empty where there is only one.
    input_cv, output_cv, burstiness : NaN becomes the default of the format, 1.
    source : where the numbers come from.
    """
    rows = len(kinds)
    penalty = settings.unserved_usd_per_mtok
    given = {
        name: np.full(rows, value)
        for name, value in (("ttft_ms", settings.ttft_ms), ("tpot_ms", settings.tpot_ms))
        if value is not None
    }
    named = [
        "-".join(part for part in (kind.name, bucket) if part)
        for kind, bucket in zip(kinds, buckets, strict=True)
    ]
    return table_of(
        Workloads,
        rows,
        workload=distinct(named),
        model=Labels.of([kind.model or MODEL for kind in kinds]),
        traffic_class=Labels.of([kind.traffic_class or TRAFFIC_CLASS for kind in kinds]),
        region=Labels.of([kind.region or REGION for kind in kinds]),
        unserved_usd_per_mtok=np.full(rows, UNSERVED_USD_PER_MTOK if penalty is None else penalty),
        input_tokens=_rounded(input_tokens),
        output_tokens=_rounded(output_tokens),
        input_tokens_cv=_known(input_cv, 0.0, 100.0),
        output_tokens_cv=_known(output_cv, 0.0, 100.0),
        cached_input_fraction=_rounded(cached_fraction),
        burstiness=_known(burstiness, 1e-3, 1e6),
        source=Labels.of([source] * rows),
        basis=Labels.of(["measured"] * rows),
        **given,
    )


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names that nobody confuses: a number behind those that are alike but for their case."""
    seen: set[str] = set()
    found = []
    for name in names:
        base = name[: MAX_ID - 8]
        text, number = base, 1
        while folded(text) in seen:
            number += 1
            text = f"{base}-{number}"
        seen.add(folded(text))
        found.append(text)
    return tuple(found)


def _known(values: Float, low: float, high: float) -> Float:
    """Within the range of the format; 1, its default, where nothing is known."""
    return _rounded(np.clip(np.where(np.isnan(values), 1.0, values), low, high))


def _rounded(values: Float) -> Float:
    """To six digits, which is more than a trace can tell and less than float64 would show."""
    return np.array([float(f"{value:.6g}") for value in values.tolist()], np.float64)

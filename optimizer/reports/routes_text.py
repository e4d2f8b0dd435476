"""Routes and refused pairs for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.reports.figures import columns, percent
from optimizer.serving.derivation import WORDS, Refusals

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 200
"""Rows printed; a file holds all of them."""


def routes_text(instance: Instance, frame: pl.DataFrame, *, derived: bool) -> str:
    """Routes as columns: what they take and what is predicted."""
    how = "derived from profiles" if derived else "given"
    told = [f"{instance.name}: {frame.height:,} routes, {how}"]
    if frame.height == 0:
        return told[0]
    head = ["workload", "pool", "configuration"]
    numbers = ["chip-hours/Mtok", "USD/Mtok", "trip ms"]
    more = ["req/s", "TTFT ms", "TPOT ms", "busy", "bound by"] if derived else []
    more += ["low", "high"] if "throughput_low" in frame.columns else []
    rows: list[tuple[str, ...]] = [
        (*head, *numbers, *more, "basis", *(["flags"] if derived else []))
    ]
    for row in frame.head(MOST_ROWS).iter_rows(named=True):
        cells = [row["workload"], row["pool"], row["configuration"] or "-"]
        cells += [f"{row['chip_hours_per_mtok']:.4g}", f"{row['usd_per_mtok']:.4g}"]
        cells += [f"{row['latency_ms']:.4g}"]
        rows.append((*cells, *(_predicted(row) if derived else ()), *_last(row, derived=derived)))
    told += ["", columns(rows, 3), *_cut(frame.height)]
    if derived and "ttft_percentile_ms" in frame.columns:
        told += [
            "",
            "TTFT with the round trip; times of promises at a percentile are that percentile's",
        ]
    return "\n".join(told)


def _predicted(row: dict[str, Any]) -> tuple[str, ...]:
    """Rate, times and utilisation of a derived route."""
    busy = row["utilisation"]
    return (
        f"{row['requests_per_second']:.4g}",
        _time(row, "ttft"),
        _time(row, "tpot"),
        "-" if busy is None else percent(busy),
        row["binding"],
        *(f"{row[end]:.3g}" for end in ("throughput_low", "throughput_high") if end in row),
    )


def _time(row: dict[str, Any], which: str) -> str:
    """Show the time that is promised: that of the percentile where there is one."""
    tail = row[f"{which}_percentile_ms"]
    value = row[f"{which}_ms"] if tail is None else tail
    return "-" if value is None else f"{value:.4g}"


def _last(row: dict[str, Any], *, derived: bool) -> tuple[str, ...]:
    return (row["basis"], row["flags"] or "-") if derived else (row["basis"],)


def refusals_text(refusals: Refusals, rows: NDArray[np.int64], frame: pl.DataFrame | None) -> str:
    """How many pairs each reason stops; then the pairs, when they are asked for."""
    codes, counts = np.unique(refusals.reason[rows], return_counts=True)
    order = sorted(zip(counts.tolist(), codes.tolist(), strict=True), key=lambda x: (-x[0], x[1]))
    told = [f"{len(rows):,} pairs are no routes"]
    words = {int(reason): text for reason, text in WORDS.items()}
    table = [("reason", "pairs"), *((words[code], f"{count:,}") for count, code in order)]
    told += [columns(table, 1)] if order else []
    if frame is not None and frame.height:
        listed = frame.select("workload", "pool", "why").head(MOST_ROWS).rows()
        told += ["", columns([("workload", "pool", "why"), *listed], 3), *_cut(frame.height)]
    return "\n".join(told)


def _cut(height: int) -> list[str]:
    more = height - MOST_ROWS
    return [f"... {more:,} more (--out FILE writes all of them)"] if more > 0 else []

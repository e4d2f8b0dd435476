"""Predictions for many classes of which many are the same: each is asked once.

A plan that holds chips by the part has the same requests per replica in every period.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.serving.queue import Predicted, Stations, chosen, predict_classes

Float = NDArray[np.float64]
Int = NDArray[np.int64]

DIGITS = 2.0**36
"""Numbers that differ by less than this part are the same: sums in another order."""


def predict_distinct(
    groups: Stations,
    group_requests_per_second: Float,
    group_of_class: Int,
    own: Stations,
    percentile: ArrayLike,
    ttft_ms: Float,
    tpot_ms: Float,
) -> Predicted:
    """What :func:`~optimizer.serving.queue.predict_classes` gives, with less work where many agree.

    Parameters
    ----------
    own : (K,) lengths of each class, as stations of their own; the other parameters are the same.
    """
    group, count = group_of_class, len(group_of_class)
    told = np.broadcast_to(np.asarray(percentile, np.float64), (count,))
    lengths = (own.input_tokens, own.input_cv, own.output_tokens, own.output_cv)
    table = [getattr(groups, field.name)[group] for field in fields(groups)]
    asked = [*table, group_requests_per_second[group], *lengths, told, ttft_ms, tpot_ms]
    _, first, place = np.unique(_names(asked), return_index=True, return_inverse=True)
    # In the order of the classes: those of one station follow each other, and it is settled once.
    order = np.argsort(first)
    first, place = first[order], np.argsort(order)[place]
    station, group_of_first = np.unique(group[first], return_inverse=True)
    found = predict_classes(
        chosen(groups, station),
        group_requests_per_second[station],
        group_of_first,
        *(values[first] for values in (*lengths, told, ttft_ms, tpot_ms)),
    )
    columns = {field.name: getattr(found, field.name)[place] for field in fields(Predicted)}
    return Predicted(**columns)


def _names(columns: list[Float]) -> NDArray[np.uint64]:
    """(n,) a number for each row, the same where rows are the same but for rounding."""
    rng = np.random.default_rng(2026)
    found = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        known = np.nan_to_num(column, nan=-1.0, posinf=-2.0)
        mantissa, exponent = np.frexp(known)
        digits = np.rint(mantissa * DIGITS).astype(np.int64).view(np.uint64)
        first, second = rng.integers(1, 2**63, 2, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        found += digits * first + exponent.astype(np.int64).view(np.uint64) * second
        found ^= found >> np.uint64(29)
    return found

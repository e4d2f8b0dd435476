"""Which part of the roofline is reached in practice: what a profile says, or records of its class.

The defaults are the ranges of measured over estimated throughput in ``calibration.py``, which
``docs/serving.md`` lists record by record. They are wide because the records are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]
Rows = NDArray[np.integer]
Level = Literal["low", "centre", "high"]

# Least, planned, most.
DECODE_DENSE = (0.35, 0.45, 0.60)
DECODE_MOE = (0.10, 0.25, 0.50)
DECODE_UNRECORDED = (0.20, 0.35, 0.50)
PREFILL_DENSE = (0.30, 0.40, 0.55)
PREFILL_MOE = (0.15, 0.20, 0.35)
PREFILL_UNRECORDED = (0.20, 0.35, 0.50)


@dataclass(frozen=True, eq=False)
class Efficiency:
    """(n,) part of the roofline that decoding and prefilling reach."""

    decode: Float
    prefill: Float


def efficiency(
    instance: Instance, profile: Rows, model: Rows, chip: Rows, level: Level = "centre"
) -> Efficiency:
    """Efficiencies of some profiles.

    Parameters
    ----------
    profile, model, chip : (n,) rows of profiles, models and chips; -1 where there is none.
    level : least thought possible, planned for, or most thought possible.
    """
    models, chips = instance.models, instance.chips
    total = at(models.parameters_billion, model)
    active = at(models.active_parameters_billion, model)
    moe = active < total  # not given: NaN, which is not below
    recorded = at(chips.throughput_recorded.astype(np.float64), chip) == 1.0
    return Efficiency(
        _level(instance, profile, "decode", level, _class(moe, recorded, "decode")),
        _level(instance, profile, "prefill", level, _class(moe, recorded, "prefill")),
    )


def _class(moe: NDArray[np.bool_], recorded: NDArray[np.bool_], phase: str) -> Float:
    """(3, n) defaults; the lower of two classes where both hold."""
    dense, sparse, unrecorded = (
        (DECODE_DENSE, DECODE_MOE, DECODE_UNRECORDED)
        if phase == "decode"
        else (PREFILL_DENSE, PREFILL_MOE, PREFILL_UNRECORDED)
    )
    of_model = np.where(moe, np.array(sparse)[:, None], np.array(dense)[:, None])
    lower = np.minimum(of_model, np.array(unrecorded)[:, None])
    return np.asarray(np.where(recorded, of_model, lower))


def _level(instance: Instance, profile: Rows, phase: str, level: Level, default: Float) -> Float:
    """(n,) one of the three; what a profile gives goes before the class."""
    table = instance.profiles
    given = at(getattr(table, f"{phase}_efficiency"), profile)
    low = at(getattr(table, f"{phase}_efficiency_low"), profile)
    high = at(getattr(table, f"{phase}_efficiency_high"), profile)
    # A planned value between given ends; ends that are not given are those of the class, or,
    # beside a planned value that is, that value: nothing is known of its range.
    centre = np.fmin(np.fmax(np.where(np.isnan(given), default[1], given), low), high)
    if level == "centre":
        return np.asarray(centre)
    end, spare = (low, default[0]) if level == "low" else (high, default[2])
    open_end = np.where(np.isnan(given), spare, given)
    found = np.where(np.isnan(end), open_end, end)
    return np.asarray(np.minimum(found, centre) if level == "low" else np.maximum(found, centre))


def at(values: Float, rows: Rows) -> Float:
    """(n,) entries of a column; NaN where there is no row."""
    if len(values) == 0:
        return np.full(len(rows), np.nan)
    return np.asarray(np.where(rows >= 0, values[rows], np.nan))

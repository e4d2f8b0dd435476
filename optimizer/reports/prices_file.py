"""``prices.npz`` of a plan folder: the multipliers that its bound is recomputed from."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from optimizer.instance.instance import Instance
from optimizer.prices import Prices, shapes_of

FILE = "prices.npz"


def write_prices(prices: Prices, folder: Path) -> None:
    """Write every array that has an entry other than 0, by its name in :class:`Prices`."""
    arrays = {name: array for name, array in vars(prices).items() if array.any()}
    np.savez_compressed(folder / FILE, **arrays)


def read_prices(instance: Instance, folder: str | os.PathLike[str]) -> Prices | None:
    """Prices that a plan folder proves its bound with; None when none can be had.

    A bound is valid for any prices, so that a damaged file costs no truth, only the bound.
    """
    shapes = shapes_of(instance)
    try:
        with np.load(Path(folder) / FILE, allow_pickle=False) as file:
            known = {name: np.asarray(file[name], np.float64) for name in file.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if any(name not in shapes or known[name].shape != shapes[name] for name in known):
        return None
    try:
        return Prices.of(instance, **known)
    except ValueError:
        return None

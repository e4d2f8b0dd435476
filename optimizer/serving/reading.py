"""Read an instance folder; routes that are not given are derived."""

from __future__ import annotations

import os

from optimizer.instance.instance import Instance
from optimizer.instance.read import read as read_tables
from optimizer.serving.derivation import Derivation
from optimizer.serving.routes import derive


def read(folder: str | os.PathLike[str]) -> Instance:
    """Read an instance of format 1; without a table of routes they are derived from its profiles.

    Parameters
    ----------
    folder : where ``instance.toml`` and the tables are.

    Returns
    -------
    Instance
        Validated; arrays read from ``.npy`` files stay mapped to them.

    Raises
    ------
    InputError
        With every problem of the input: file, row, column, expected, got, unit, way out.
    OutputError
        When a file cannot be read for a reason of the file system.
    """
    return read_derived(folder)[0]


def read_derived(folder: str | os.PathLike[str]) -> tuple[Instance, Derivation | None]:
    """Read as :func:`read` does, and say what came of every pair.

    Returns
    -------
    instance : as :func:`read` gives it.
    derivation : of its routes; None when they were given.
    """
    instance = read_tables(folder)
    if "routes" in instance.origin:
        return instance, None
    return derive(instance)

"""Matrices in ``.npy`` files, mapped into memory after their header has been checked."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, OutputError, Problem
from optimizer.instance.places import MAX_REASON, shown
from optimizer.instance.regular_file import MAX_BINARY_BYTES, check_regular

SLICE_CELLS = 4_000_000


def read_npy(path: Path, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Read a matrix as float64: mapped when the file holds float64, else converted.

    Parameters
    ----------
    shape : rows and periods that the instance has.

    Raises
    ------
    InputError
        When the header is damaged, asks for objects, has another shape than ``shape``, or
        announces more bytes than the file has. Nothing is allocated before that.
    """
    size = check_regular(path, MAX_BINARY_BYTES)
    try:
        with path.open("rb") as stream:
            found, fortran, dtype, offset = _header(path.name, stream)
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error}") from error
    problems = []
    if found != shape:
        problems.append(Problem(path.name, f"shape {shape} (rows, periods)", shown(found)))
    if dtype not in (np.dtype("<f8"), np.dtype("<f4")):
        problems.append(Problem(path.name, "numbers of type <f8 or <f4", shown(dtype)))
    if fortran and len(found) > 1:
        problems.append(
            Problem(
                path.name,
                "rows stored one after the other (C order)",
                "columns",
                fix="save numpy.ascontiguousarray(matrix)",
            )
        )
    need = offset + shape[0] * shape[1] * dtype.itemsize
    if not problems and size != need:
        problems.append(Problem(path.name, f"{need} bytes for shape {shape}", str(size), "bytes"))
    if problems:
        raise InputError(problems)
    if 0 in shape:
        return np.zeros(shape)
    mapped = np.memmap(path, dtype, "r", offset, shape)
    if dtype == np.dtype("<f8") and not _has_minus_zero(mapped):
        return np.asarray(mapped)
    # -0.0 is 0 everywhere from here on.
    return mapped.astype(np.float64) + 0.0


def _header(name: str, stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic], int]:
    """Shape, whether columns come first, type, and where the numbers begin."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(stream)
        if version not in readers:
            raise ValueError("version {}.{}".format(*version))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers of Python 2 are read, with a warning
            shape, fortran, dtype = readers[version](stream)
    except OSError:
        raise
    except Exception as error:
        # A damaged header is text that numpy parses as Python: anything can come of it.
        reason = shown(str(error).split("\n", 1)[0] or type(error).__name__, MAX_REASON)
        raise InputError(Problem(name, "a .npy file of version 1 or 2", reason)) from None
    return tuple(shape), bool(fortran), dtype, stream.tell()


def _has_minus_zero(values: NDArray[np.float64]) -> bool:
    """Whether any cell is -0.0, looked at in slices."""
    step = max(1, SLICE_CELLS // max(values.shape[1], 1))
    for begin in range(0, values.shape[0], step):
        if values.dtype == np.dtype("<f8"):
            # -0.0 is the one number whose bits are the sign alone.
            found = values[begin : begin + step].view("<i8") == np.iinfo(np.int64).min
        else:
            block = values[begin : begin + step]
            found = np.signbit(block) & (block == 0)
        if bool(found.any()):
            return True
    return False

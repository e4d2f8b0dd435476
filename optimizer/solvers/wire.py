"""Messages between a process and its workers: a JSON head and raw arrays, no pickle."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct("<Q")
MAX_HEAD_BYTES = 2**24


def send(stream: IO[bytes], head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write one message; the arrays are written from their own memory."""
    packed = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    shapes = [[name, array.dtype.str, list(array.shape)] for name, array in packed.items()]
    text = json.dumps({"head": dict(head), "arrays": shapes}).encode()
    stream.write(_HEAD.pack(len(text)) + text)
    for array in packed.values():
        if array.size:
            stream.write(array.data.cast("B"))
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read one message.

    Raises
    ------
    EOFError
        When the other side is gone.
    """
    (size,) = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if size > MAX_HEAD_BYTES:
        raise EOFError("not a message")
    message = json.loads(_exactly(stream, size))
    arrays = {}
    for name, dtype, shape in message["arrays"]:
        array = np.empty(shape, np.dtype(dtype))
        if array.size:
            _fill(stream, array.data.cast("B"))
        arrays[name] = array
    return message["head"], arrays


def _exactly(stream: IO[bytes], size: int) -> bytes:
    buffer = bytearray(size)
    _fill(stream, memoryview(buffer))
    return bytes(buffer)


def _fill(stream: IO[bytes], view: memoryview) -> None:
    done = 0
    while done < len(view):
        count = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError("the other side is gone")
        done += count

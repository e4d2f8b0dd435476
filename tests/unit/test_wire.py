"""Messages come out as they went in, or not at all."""

from __future__ import annotations

import io
import os
import struct
import threading
from typing import Any

import numpy as np
import pytest

from optimizer.solvers.wire import MAX_HEAD_BYTES, receive, send


def sent(head: dict[str, Any], arrays: dict[str, np.ndarray]) -> io.BytesIO:
    stream = io.BytesIO()
    send(stream, head, arrays)
    stream.seek(0)
    return stream


ARRAYS = {
    "float": np.array([0.1, -0.0, np.inf, -np.inf, 5e-324, np.nan]),
    "int32": np.arange(6, dtype=np.int32).reshape(2, 3),
    "int8": np.array([-1, 2], np.int8),
    "empty": np.empty(0),
    "no rows": np.empty((0, 4)),
    "strided": np.arange(12.0).reshape(3, 4)[:, ::2],
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}


def test_arrays_keep_bits_shape_and_type() -> None:
    head, arrays = receive(sent({}, ARRAYS))
    assert head == {}
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == np.ascontiguousarray(array).tobytes()
        assert arrays[name].flags.writeable


def test_head_keeps_text_and_numbers() -> None:
    head = {"detail": 'a "quoted"\nline, Köln, \x00', "seconds": 0.1, "none": None, "n": 2**53}
    assert receive(sent(head, {}))[0] == head


def test_messages_follow_each_other() -> None:
    stream = io.BytesIO()
    for number in range(3):
        send(stream, {"number": number}, {"values": np.full(number, float(number))})
    stream.seek(0)
    for number in range(3):
        head, arrays = receive(stream)
        assert head["number"] == number
        assert arrays["values"].tolist() == [number] * number
    with pytest.raises(EOFError, match="the other side is gone"):
        receive(stream)


def test_message_cut_short_anywhere_is_an_end() -> None:
    whole = sent({"reason": "optimal"}, {"values": np.arange(4.0)}).getvalue()
    for size in range(len(whole)):
        with pytest.raises(EOFError, match="the other side is gone"):
            receive(io.BytesIO(whole[:size]))


@pytest.mark.parametrize("size", [MAX_HEAD_BYTES + 1, 2**63])
def test_absurd_size_is_no_message(size: int) -> None:
    """Text printed by a library, read as a size, must not be taken for an order of memory."""
    with pytest.raises(EOFError, match="not a message"):
        receive(io.BytesIO(struct.pack("<Q", size) + b"x" * 100))


def test_head_that_is_not_json_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        receive(io.BytesIO(struct.pack("<Q", 5) + b"hello"))


def test_large_array_goes_through_a_pipe_in_pieces() -> None:
    """A pipe holds 64 KiB; ten times that has to be written and read in turns."""
    source, sink = os.pipe()
    values = np.random.default_rng(1).random(80_000)

    def write() -> None:
        with os.fdopen(sink, "wb") as stream:
            send(stream, {"n": 1}, {"values": values})

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(source, "rb") as stream:
        head, arrays = receive(stream)
    thread.join()
    assert head == {"n": 1}
    assert arrays["values"].tobytes() == values.tobytes()

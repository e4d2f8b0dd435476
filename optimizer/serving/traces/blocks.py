"""A trace file in blocks of whole lines, whatever its length, compressed or not."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, cast

from optimizer.errors import InputError, OutputError, Problem
from optimizer.progress import Progress

BLOCK_BYTES = 4 * 2**20
"""Bytes read at a time; with all that is made of a block, memory stays near 20 times this."""
MAX_LINE_BYTES = 16 * 2**20
"""Longest line; a file without line ends must not be taken into memory whole."""
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Block:
    """Some whole lines of a file.

    Attributes
    ----------
    first_line : number of its first line in the file, from 1.
    data : the lines; each ends with a line feed, save perhaps the last one of the file.
    """

    first_line: int
    data: bytes


class TraceFile:
    """Open a file, through gzip when its first bytes say so; closed at the end of a ``with``.

    Attributes
    ----------
    path : where it is.
    stream : its content.
    raw : the file as it lies on the disk.

    Raises
    ------
    InputError
        When it is no regular file.
    OutputError
        When the file system refuses to open it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise InputError(Problem(path.name, "a regular file", "something else"))
            self.raw: IO[bytes] = path.open("rb")
            packed = self.raw.read(2) == _GZIP
            self.raw.seek(0)
        except OSError as error:
            raise OutputError(f"{path}: cannot be read: {error.strerror or error}") from error
        self.stream = cast(IO[bytes], gzip.GzipFile(fileobj=self.raw)) if packed else self.raw

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.stream.close()
        self.raw.close()


def blocks(file: TraceFile, progress: Progress) -> Iterator[Block]:
    """Give a file in blocks of whole lines.

    The progress advances by one step per mebibyte of the file as it lies on the disk. The file
    is closed by who opened it: a generator with something to clean up would do that at
    a moment of its own when an interrupt ends it.

    Raises
    ------
    InputError
        When the file is UTF-16, broken gzip, or has a line beyond :data:`MAX_LINE_BYTES`.
    OutputError
        When the file system refuses to read it.
    """
    path, line, rest, told, begun = file.path, 1, b"", 0, False
    while data := _read(path, file.stream, BLOCK_BYTES):
        if not begun:
            data, begun = _unmarked(path, data), True
        done = file.raw.tell() >> 20
        progress.step(done - told)
        told = done
        end = data.rfind(b"\n") + 1
        if end == 0:
            rest += data
            if len(rest) > MAX_LINE_BYTES:
                raise InputError(
                    Problem(
                        f"{path.name}, line {line}",
                        f"a line of at most {MAX_LINE_BYTES} bytes",
                        "a longer one",
                        fix="is it a text file?",
                    )
                )
            continue
        whole = rest + data[:end]
        rest = data[end:]
        yield Block(line, whole)
        line += whole.count(b"\n")
    if rest:
        yield Block(line, rest)


def first_line(path: Path) -> str:
    """First line of a file, without its end; text that is not UTF-8 is replaced.

    Raises
    ------
    InputError, OutputError
        As :class:`TraceFile` and :func:`blocks` do; also when the file is empty.
    """
    with TraceFile(path) as file:
        head = _read(path, file.stream, 2**16)
    if not head.strip():
        raise InputError(Problem(path.name, "a trace", "an empty file"))
    return _unmarked(path, head).split(b"\n", 1)[0].rstrip(b"\r").decode(errors="replace")


def _read(path: Path, stream: IO[bytes], most: int) -> bytes:
    try:
        return stream.read(most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            Problem(path.name, "a whole gzip file", str(error) or "a broken one")
        ) from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _unmarked(path: Path, data: bytes) -> bytes:
    """Beginning of a file without its byte order mark."""
    if data[:2] in _UTF16:
        raise InputError(
            Problem(f"{path.name}, byte 0", "UTF-8 text", "UTF-16", fix="save as UTF-8")
        )
    return data.removeprefix(_BOM)

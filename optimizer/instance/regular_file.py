"""Opening input files: regular files inside the folder, of a size that can be meant."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

from optimizer.errors import InputError, OutputError, Problem
from optimizer.instance.places import shown

MAX_TEXT_BYTES = 8 * 2**30
MAX_BINARY_BYTES = 64 * 2**30


def check_regular(path: Path, max_bytes: int) -> int:
    """Size of a regular file in bytes.

    Raises
    ------
    InputError
        When it is a folder, device, pipe, a link that leads out of its folder or nowhere,
        or larger than ``max_bytes``.
    OutputError
        When the file system refuses to look.
    """
    name = shown(path.name)
    try:
        found = path.stat()
        inside = path.resolve().is_relative_to(path.parent.resolve())
    except FileNotFoundError:
        raise InputError(Problem(name, "a regular file", "a link to nothing")) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(
                Problem(name, "a regular file", "a link that leads to itself")
            ) from None
        raise OutputError(f"{path}: cannot be looked at: {error}") from error
    if not stat.S_ISREG(found.st_mode):
        raise InputError(Problem(name, "a regular file", _kind(found.st_mode)))
    if not inside:
        raise InputError(
            Problem(
                name,
                "a file inside the instance folder",
                "a link that leads out of it",
                fix="copy the file there",
            )
        )
    if found.st_size > max_bytes:
        raise InputError(
            Problem(name, f"a file of at most {max_bytes}", f"{found.st_size}", "bytes")
        )
    return found.st_size


def read_bytes(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """Content of a regular file; raises as :func:`check_regular` does."""
    check_regular(path, max_bytes)
    try:
        return path.read_bytes()
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error}") from error


def decode_utf8(name: str, data: bytes) -> str:
    """Text of a file, without a byte order mark.

    Raises
    ------
    InputError
        When the bytes are not UTF-8, with the offset and the line of the first bad one.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(Problem(f"{name}, byte 0", "UTF-8 text", "UTF-16", fix="save as UTF-8"))
    try:
        # Decoded with its mark, so that offsets are those of the file.
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            Problem(
                f"{name}, line {line}, byte {error.start}",
                "UTF-8 text",
                f"byte 0x{data[error.start]:02x}",
                fix="save as UTF-8",
            )
        ) from None
    offset = data.find(b"\0")
    if offset >= 0:
        line = data.count(b"\n", 0, offset) + 1
        raise InputError(Problem(f"{name}, line {line}, byte {offset}", "text", "a NUL byte"))
    return text.removeprefix("\ufeff")


def _kind(mode: int) -> str:
    for test, word in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return word
    return "something else"

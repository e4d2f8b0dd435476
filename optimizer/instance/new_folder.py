"""A folder that appears whole or not at all, however its writer ends."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optimizer.errors import OutputError

_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP)


@contextmanager
def new_folder(folder: str | os.PathLike[str], replaces: str = "") -> Iterator[Path]:
    """Give a temporary folder beside the target, which takes its place when the block ends.

    The files are on the disk before the name is, so that a machine that stops at any
    moment leaves either nothing or everything under the name. When the block raises, the
    temporary folder is removed.

    Parameters
    ----------
    folder : the target; folders above it are made as needed.
    replaces : an earlier folder that holds a file of this name may be replaced.

    Yields
    ------
    partial : the folder to fill.

    Raises
    ------
    OutputError
        When the target is a file or a folder with content, or the file system refuses.
    """
    # A link to an empty folder is followed: a folder cannot be renamed onto a link.
    target = Path(os.path.realpath(folder))
    try:
        _refuse_used(target, replaces)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Made by hand: the folders of the module tempfile can be entered by their owner only.
        partial = target.parent / f".{secrets.token_hex(8)}.partial"
        partial.mkdir()
    except OSError as error:
        raise _refusal(target, error) from error
    try:
        yield partial
        _put_in_place(partial, target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise _refusal(target, error) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def check_free(folder: str | os.PathLike[str], replaces: str = "") -> None:
    """Refuse a target early that :func:`new_folder` would refuse later.

    Raises
    ------
    OutputError
        When the target is a file, or a folder with content that may not be replaced.
    """
    target = Path(os.path.realpath(folder))
    try:
        _refuse_used(target, replaces)
    except OSError as error:
        raise _refusal(target, error) from error


def _refuse_used(target: Path, replaces: str) -> None:
    """Refuse a target that would be written over."""
    if target.is_dir():
        if replaces and (target / replaces).is_file():
            return
        with os.scandir(target) as entries:
            if next(entries, None) is not None:
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
    elif target.exists():
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def _put_in_place(partial: Path, target: Path) -> None:
    """Bring everything to the disk, then rename."""
    for entry in sorted(partial.iterdir()):
        _sync(entry)
    _sync(partial)
    earlier = _moved_aside(target)
    try:
        partial.rename(target)
    except OSError:
        if earlier is not None:
            earlier.rename(target)
        raise
    _sync(target.parent)
    if earlier is not None:
        shutil.rmtree(earlier, ignore_errors=True)


def _moved_aside(target: Path) -> Path | None:
    """Move a folder that is replaced to another name; None when there is nothing to move."""
    if not target.is_dir() or not any(target.iterdir()):
        return None
    aside = target.parent / f".{secrets.token_hex(8)}.earlier"
    target.rename(aside)
    return aside


def _sync(path: Path) -> None:
    """Bring a file, or the list of names of a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems bring no folder to the disk on its own.
        if not (path.is_dir() and error.errno in _NO_FOLDER_SYNC):
            raise
    finally:
        os.close(handle)


def _refusal(target: Path, error: OSError) -> OutputError:
    """Say in our words why nothing was written."""
    if isinstance(error, OutputError):
        return error
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and target.is_dir():
        return OutputError(f"{target}: exists and is not empty: give a new folder, or empty it")
    if error.errno == errno.ENOTDIR and target.exists():
        return OutputError(f"{target}: exists and is not a folder: give another name")
    return OutputError(f"{target}: cannot be written: {error.strerror or error}")

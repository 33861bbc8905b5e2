"""A department's file as it lies there: whole or not, which list it makes, and its end."""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from edge.contract.hotlist_columns import UnusableFileError
from edge.hotfile.errors import HotfileError
from edge.hotfile.settings import HotlistSource

_VERSION = "2"
"""Another than before where the same line makes another entry: lists are then built anew."""
_PIECE_BYTES = 1 << 20


def recipe_of(source: HotlistSource, status: os.stat_result) -> str:
    """What a list built from the file with that status by these settings is known by."""
    read_by = f"{source.columns.model_dump_json(exclude_unset=True)} {source.dated_by}"
    text = f"{_VERSION} {read_by} {status.st_size} {status.st_mtime_ns}"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def recipe_now(source: HotlistSource) -> str | None:
    """What a list built from the file as it lies there is known by; None if there is no file."""
    try:
        return recipe_of(source, source.csv_path.stat())
    except OSError:
        return None


def remove_once_built(source: HotlistSource, recipe: str) -> None:
    """Remove the file, if that is set and the list of this recipe was built from it.

    Raises:
        HotfileError: if it cannot be removed.
    """
    if not source.remove_once_built or recipe_now(source) != recipe:
        return
    try:
        source.csv_path.unlink()
    except OSError as error:
        raise HotfileError(
            f"hot list {source.name}: {source.path} is built and cannot be removed:"
            f" {error.strerror}; it holds plates in the clear: let the daemon's user write in its"
            " folder, or remove it by hand"
        ) from error


def opened(path: Path) -> BinaryIO:
    """The file, open.

    Raises:
        UnusableFileError: if it is no regular file.
        OSError: if the system does not open it.
    """
    # To open a named pipe without O_NONBLOCK is to wait for somebody who writes into it.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UnusableFileError(
            "is no regular file, but a folder, a pipe or a device; put the list's file there"
        )
    return os.fdopen(handle, "rb")


def digest_of_whole(file: BinaryIO, size_bytes: int, max_bytes: int) -> str:
    """SHA-256 of the file.

    Raises:
        UnusableFileError: if it is empty, in UTF-16, ends within a line, or is too long.
    """
    digest, blank, last, passed_bytes = hashlib.sha256(), True, b"", 0
    while size_bytes <= max_bytes and (piece := file.read(_PIECE_BYTES)):
        if not passed_bytes and piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise UnusableFileError("is UTF-16; save it as CSV in UTF-8")
        passed_bytes += len(piece)
        size_bytes = max(size_bytes, passed_bytes)
        digest.update(piece)
        blank = blank and piece.isspace()
        last = piece[-1:]
    if size_bytes > max_bytes:
        raise UnusableFileError(
            f"is longer than hotlists.max_bytes allows, which is {max_bytes} bytes; see whether it"
            " is the right file, and raise the setting if it is"
        )
    if blank:
        raise UnusableFileError("is empty")
    if last not in (b"\n", b"\r"):
        raise UnusableFileError("its last line has no end, so it may be cut off; write it whole")
    return digest.hexdigest()


def changed(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether the file was written between the two."""
    return (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size)

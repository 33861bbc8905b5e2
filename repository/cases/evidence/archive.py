"""The one form of zip that an evidence package has, so that no byte of it can differ unseen.

Invariants:

- Files lie one after another in the order of their names, stored and not compressed, without
  directories, comments, extra fields, or times: every date is that of the format's beginning.
- The central directory and the end follow directly, and nothing stands before, between or behind.
- So the files decide every byte, and reading writes the zip again and compares: what is not the
  same is named with its place. Nothing is ever unpacked to disk, and nothing grows by unpacking.

By PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16; ordinary tools open it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

MAX_BYTES = 192 * 1024 * 1024
MAX_FILES = 1_000
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,5}")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION = 20
_FIRST_DATE = 0x21  # 1 January 1980
_UNIX = 3 << 8
_READ_ONLY = 0o100444 << 16


@dataclass(frozen=True, slots=True)
class Piece:
    """A file in the zip: its bytes, and where in the zip they begin."""

    content: bytes
    start: int


class ArchiveError(Exception):
    """These bytes of the zip, from ``start`` until before ``end``, are not as they must be."""

    def __init__(self, start: int, end: int, problem: str) -> None:
        super().__init__(problem)
        self.start = start
        self.end = end


def write(files: Mapping[str, bytes]) -> bytes:
    """The zip of these files.

    Raises:
        ArchiveError: if they are too many or too large, or one has a name that it must not have.
    """
    if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_BYTES:
        raise ArchiveError(0, 0, "too many files, or too large ones")
    local, central = bytearray(), bytearray()
    for name, content in sorted(files.items()):
        encoded = name.encode()
        if not _NAME.fullmatch(encoded):
            raise ArchiveError(0, 0, f"the name {name!r} is none that a file of a package has")
        common = (
            _VERSION, 0, 0, 0, _FIRST_DATE, zlib.crc32(content), len(content), len(content),
            len(encoded), 0,
        )  # fmt: skip
        central += (
            _CENTRAL.pack(_CENTRAL_MARK, _UNIX | _VERSION, *common, 0, 0, 0, _READ_ONLY, len(local))
            + encoded
        )
        local += _LOCAL.pack(_LOCAL_MARK, *common) + encoded + content
    end = _END.pack(_END_MARK, 0, 0, len(files), len(files), len(central), len(local), 0)
    return bytes(local + central + end)


def read(data: bytes) -> dict[str, Piece]:
    """The files of a zip that `write` wrote, by name.

    Raises:
        ArchiveError: naming the first bytes that are not what `write` would have written.
    """
    if len(data) > MAX_BYTES:
        raise ArchiveError(0, len(data), f"larger than {MAX_BYTES} bytes")
    found: dict[str, Piece] = {}
    at = 0
    while data[at : at + 4] == _LOCAL_MARK:
        name, piece = _file(data, at)
        if name in found:
            raise ArchiveError(at, piece.start, f"{name} is there twice")
        found[name] = piece
        if len(found) > MAX_FILES:
            raise ArchiveError(at, piece.start, f"more than {MAX_FILES} files")
        at = piece.start + len(piece.content)
    if not found:
        raise ArchiveError(0, min(4, len(data)), "does not begin as a zip does")
    _compare(data, write({name: piece.content for name, piece in found.items()}), found, at)
    return found


def _file(data: bytes, at: int) -> tuple[str, Piece]:
    if len(data) < at + _LOCAL.size:
        raise ArchiveError(at, len(data), "is cut off within the head of a file")
    parts = _LOCAL.unpack_from(data, at)
    size, name_bytes = parts[8], parts[9]
    start = at + _LOCAL.size + name_bytes
    encoded = data[at + _LOCAL.size : start]
    if not _NAME.fullmatch(encoded):
        raise ArchiveError(at, start, "a file has a name that no file of a package has")
    name = encoded.decode()
    if start + size > len(data):
        raise ArchiveError(at, len(data), f"is cut off within {name}, or its size is wrong there")
    content = data[start : start + size]
    if zlib.crc32(content) != parts[6]:
        raise ArchiveError(at, start + size, f"{name} is not what its checksum says")
    return name, Piece(content, start)


def _compare(data: bytes, expected: bytes, found: Mapping[str, Piece], directory: int) -> None:
    if data == expected:
        return
    at, step = 0, 4096
    while at < len(data) and data[at : at + step] == expected[at : at + step]:
        at += step
    end = min(len(data), len(expected))
    while at < end and data[at] == expected[at]:
        at += 1
    if at >= len(expected):
        raise ArchiveError(at, len(data), "something was added behind the end of the zip")
    if at >= directory:
        raise ArchiveError(at, at + 1, "the zip's directory does not fit its files")
    place = min(
        (piece for piece in found.values() if piece.start + len(piece.content) > at),
        key=lambda piece: piece.start,
    )
    name = next(name for name, piece in found.items() if piece is place)
    raise ArchiveError(at, at + 1, f"the head of {name} is not what its contents give")

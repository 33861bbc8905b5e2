"""Which bytes of a file a request asks for (RFC 9110 section 14); pure.

Known is one range that begins at a byte, which is what resuming needs. A range in any other form
is ignored, as the standard allows, and the whole file answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FROM = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")


class UnsatisfiableRangeError(Exception):
    """The range begins past the file's end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bytes ``start`` to before ``end``; ``partial`` if they were asked for by range."""

    start: int
    end: int
    partial: bool


def wanted(size: int, etag: str, asked: str | None, unless: str | None) -> Wanted:
    """What to answer of a file of ``size`` bytes with that quoted entity tag.

    Args:
        size: size of the file.
        etag: its entity tag, strong and in quotes.
        asked: the header ``Range``.
        unless: the header ``If-Range``: with another tag than the file's, the whole is answered.

    Raises:
        UnsatisfiableRangeError: if the range begins past the end.
    """
    whole = Wanted(0, size, partial=False)
    match = _FROM.fullmatch(asked.strip()) if asked is not None else None
    if match is None or (unless is not None and unless.strip() != etag):
        return whole
    start = int(match[1])
    end = min(size, int(match[2]) + 1) if match[2] else size
    if match[2] and int(match[2]) < start:
        return whole
    if start >= size:
        raise UnsatisfiableRangeError
    return Wanted(start, end, partial=True)

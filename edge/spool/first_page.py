"""A copy of the database's first page, which says where every table begins.

With that page destroyed nothing else in the file can be found. It changes with the layout alone,
but for the counts of pages in it (SQLite's file format, section 1.3): these are set right, or to
"none free", which does no harm where the file is only read.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

COPY_FILE = "spool.first-page"
_MAGIC = b"SQLite format 3\x00"
_CHANGES, _PAGES, _FREE, _VALID_FOR = 24, 28, 32, 92


def keep_copy(database: Path) -> None:
    """Keep a copy of the database's first page beside it, if that is not the copy already."""
    with database.open("rb") as file:
        start = file.read(100)
        if not start.startswith(_MAGIC):
            return
        page = start + file.read(_page_bytes(start) - len(start))
    copy = database.with_name(COPY_FILE)
    fresh = copy.with_name(f"{COPY_FILE}.new")
    if copy.exists() and copy.read_bytes()[100:] == page[100:]:
        return
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(page)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(copy)


def restore(database: Path) -> bool:
    """Write the copy over the first page of a database to be read for what is left in it."""
    try:
        page = bytearray(database.with_name(COPY_FILE).read_bytes())
    except OSError:
        return False
    size = _page_bytes(page)
    if not page.startswith(_MAGIC) or len(page) != size:
        return False
    struct.pack_into(">I", page, _PAGES, database.stat().st_size // size)
    struct.pack_into(">II", page, _FREE, 0, 0)
    page[_VALID_FOR : _VALID_FOR + 4] = page[_CHANGES : _CHANGES + 4]
    with database.open("r+b") as file:
        file.write(page)
        file.flush()
        os.fsync(file.fileno())
    return True


def _page_bytes(start: bytes | bytearray) -> int:
    (size,) = struct.unpack_from(">H", start, 16)
    return 65536 if size == 1 else int(size)

"""Who gives way when room runs out: pictures by their standing, the oldest first; records never.

Before them all go the pictures of reads that must not leave the unit (`edge.spool.withheld`):
nobody will ever see them.

Two limits hold. The spool's own: the bytes of its pages in use, which free pages in the file do
not count towards. The disk's: what is free on it together with the file's free pages, which new
records fill first, stays above a reserve, so that there is room to take the receipts that free the
spool.

A picture that gives way leaves its record as it is: the record still names the picture by its
SHA-256, and goes up. The repository keeps the read and lists the picture as missing; it asks for
it in its receipts and waits for nothing, since a receipt moves on whether pictures came or not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from edge.spool import withheld
from edge.spool.database import mebibytes

_PICTURES_AT_ONCE = 8
_STAYING_AT_ONCE = 64
"""Of reads that must not leave the unit: the oldest are found by looking through all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the spool may take: bytes of its own, and what it leaves free of the disk."""

    max_bytes: int | None
    reserve_bytes: int
    free_bytes: Callable[[], int]


def make_room(connection: sqlite3.Connection, limits: Limits, needed_bytes: int) -> int | None:
    """Have pictures give way until so many more bytes fit, within the caller's transaction.

    How many gave way; None if there is not even room for so much without any picture.
    """
    gone = 0
    while lacking(connection, limits, needed_bytes) is not None:
        number = withheld.give_way(connection, _STAYING_AT_ONCE) or _give_way(connection)
        if not number:
            return None
        gone += number
    if gone:
        connection.execute("UPDATE chain SET gave_way = gave_way + ?", (gone,))
    return gone


def pictures_left(connection: sqlite3.Connection) -> bool:
    """Whether there is any picture left to give way."""
    (any_left,) = connection.execute("SELECT EXISTS (SELECT 1 FROM pictures)").fetchone()
    return bool(any_left) or withheld.has_pictures(connection)


def _give_way(connection: sqlite3.Connection) -> int:
    rows = connection.execute(
        "SELECT sha256 FROM pictures ORDER BY standing, rowid LIMIT ?", (_PICTURES_AT_ONCE,)
    ).fetchall()
    connection.executemany("DELETE FROM picture_owners WHERE sha256 = ?", rows)
    connection.executemany("DELETE FROM pictures WHERE sha256 = ?", rows)
    return len(rows)


def lacking(connection: sqlite3.Connection, limits: Limits, needed_bytes: int) -> str | None:
    """Which limit so many more bytes would break, in a few words; None where they fit."""
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    (free_pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    in_use = (pages - free_pages) * page_bytes
    if limits.max_bytes is not None and in_use + needed_bytes > limits.max_bytes:
        return (
            f"the spool holds {mebibytes(in_use)} of the {mebibytes(limits.max_bytes)} that it "
            "may: spool.max_share, spool.max_bytes"
        )
    free_bytes = limits.free_bytes()
    if free_bytes + free_pages * page_bytes < limits.reserve_bytes + needed_bytes:
        return (
            f"{mebibytes(free_bytes)} free, {mebibytes(limits.reserve_bytes)} are kept free: "
            "spool.reserve_bytes"
        )
    return None

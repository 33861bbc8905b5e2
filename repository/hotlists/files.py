"""The files of lists in the database, in parts, in the caller's transaction.

A part holds :data:`PART_BYTES`, the last one what is left, so that a list of any length is written
and read a part at a time, from any byte on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, insert, select

from repository.hotlists.table import HotlistError
from repository.store.tables.hotlists import hotlist_parts

PART_BYTES = 1024 * 1024


def write(connection: Connection, hotlist_id: int, version: int, pieces: Iterable[bytes]) -> None:
    """Store the file of a version, whose row is there."""
    for number, content in enumerate(_in_parts(pieces)):
        connection.execute(
            insert(hotlist_parts).values(
                hotlist_id=hotlist_id, version=version, part=number, content=content
            )
        )


def read_part(connection: Connection, hotlist_id: int, version: int, number: int) -> bytes:
    """One part of the file of a version.

    Raises:
        HotlistError: if it is not there.
    """
    content: bytes | None = connection.scalar(
        select(hotlist_parts.c.content).where(
            hotlist_parts.c.hotlist_id == hotlist_id,
            hotlist_parts.c.version == version,
            hotlist_parts.c.part == number,
        )
    )
    if content is None:
        raise HotlistError(f"version {version}: part {number} of its file is missing")
    return content


def read(connection: Connection, hotlist_id: int, version: int, size_bytes: int) -> Iterator[bytes]:
    """The file of a version, of that size, a part at a time.

    Raises:
        HotlistError: as it is read, if a part is missing.
    """
    for number in range(-(-size_bytes // PART_BYTES)):
        yield read_part(connection, hotlist_id, version, number)


def _in_parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) >= PART_BYTES:
            yield bytes(gathered[:PART_BYTES])
            del gathered[:PART_BYTES]
    if gathered:
        yield bytes(gathered)

"""Lists' files in the database, in parts.

A part holds :data:`PART_BYTES`, the last one what is left, so that a file of any length is written
and read a part at a time, from any byte on. A file that nobody sees yet, or any more, is written or
removed in turns: in transactions of a few parts each, so that others write in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, Engine, Table, delete, insert, select

from repository.hotlists.errors import HotlistError
from repository.store.tables.hotlists import hotlist_parts, hotlist_source_parts

PART_BYTES = 1024 * 1024
_PARTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class File:
    """One file: the table of its parts, and what in their key says that they are its."""

    table: Table
    key: Mapping[str, int]

    def write(self, connection: Connection, pieces: Iterable[bytes]) -> int:
        """Store the file, which is not there yet; its size in bytes."""
        written = 0
        for number, content in enumerate(_in_parts(pieces)):
            self._write_part(connection, number, content)
            written += len(content)
        return written

    def write_in_turns(self, engine: Engine, pieces: Iterable[bytes]) -> int:
        """Store the file, which is not there yet, in transactions of its own; its size in bytes."""
        written = 0
        parts = enumerate(_in_parts(pieces))
        while some := list(islice(parts, _PARTS_AT_ONCE)):
            with engine.begin() as connection:
                for number, content in some:
                    self._write_part(connection, number, content)
            written += sum(len(content) for _, content in some)
        return written

    def remove_in_turns(self, engine: Engine) -> None:
        """Delete the file in transactions of its own."""
        numbers = select(self.table.c.part).filter_by(**self.key).limit(_PARTS_AT_ONCE)
        while True:
            with engine.begin() as connection:
                some = connection.scalars(numbers).all()
                if not some:
                    return
                gone = delete(self.table).filter_by(**self.key)
                connection.execute(gone.where(self.table.c.part.in_(some)))

    def remove(self, connection: Connection) -> None:
        """Delete the file."""
        connection.execute(delete(self.table).filter_by(**self.key))

    def read_part(self, connection: Connection, number: int) -> bytes:
        """One part of the file.

        Raises:
            HotlistError: if it is not there.
        """
        content: bytes | None = connection.scalar(
            select(self.table.c.content).filter_by(**self.key, part=number)
        )
        if content is None:
            raise HotlistError(f"part {number} of a hot list's file is missing from the database")
        return content

    def read(self, connection: Connection, size_bytes: int) -> Iterator[bytes]:
        """The file, of that size, a part at a time.

        Raises:
            HotlistError: as it is read, if a part is missing.
        """
        for number in range(-(-size_bytes // PART_BYTES)):
            yield self.read_part(connection, number)

    def _write_part(self, connection: Connection, number: int, content: bytes) -> None:
        connection.execute(insert(self.table).values(**self.key, part=number, content=content))


def of_version(hotlist_id: int, version: int) -> File:
    """The file of a version of a list, whose row is there."""
    return File(hotlist_parts, {"hotlist_id": hotlist_id, "version": version})


def of_source(source_id: int) -> File:
    """The entries that a source last brought."""
    return File(hotlist_source_parts, {"source_id": source_id})


def _in_parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) >= PART_BYTES:
            yield bytes(gathered[:PART_BYTES])
            del gathered[:PART_BYTES]
    if gathered:
        yield bytes(gathered)

"""What each source of a list last brought.

An import writes the file of a source that has no name yet, and gives it its name in the
transaction that issues the list: until then, and from when another took its name, a source is seen
by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, Select, delete, insert, select, update

from repository.hotlists import files, lines
from repository.hotlists.errors import HotlistError
from repository.hotlists.lines import Line
from repository.store.engine import reading
from repository.store.tables.fleet import agencies
from repository.store.tables.hotlists import hotlist_sources, hotlists

_UNNAMED = "~"
"""Begins what stands in the place of a name; no name of a source has it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source of a list: whose data it is, and what was last imported of it and when.

    At ``ends_at`` its entries leave the list unless it was imported anew.
    """

    id: int
    agency: str
    list: str
    name: str
    owner: str
    entries: int
    rejected: int
    size_bytes: int
    imported_at: datetime
    imported_by_name: str
    ends_at: datetime | None

    def ended(self, now: datetime) -> bool:
        """Whether its entries are out of the list."""
        return self.ends_at is not None and self.ends_at <= now

    def lines(self, connection: Connection) -> Iterator[Line]:
        """Its entries in order of their ids."""
        return lines.split(files.of_source(self.id).read(connection, self.size_bytes))


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import brings for a source."""

    name: str
    owner: str
    entries: int
    rejected: int
    size_bytes: int
    by_name: str
    at: datetime
    ends_at: datetime | None


def of_list(connection: Connection, hotlist_id: int) -> list[Source]:
    """The sources of a list by name."""
    query = _select().where(hotlist_sources.c.hotlist_id == hotlist_id)
    return [Source(*tuple(row)) for row in connection.execute(query)]


def everywhere(connection: Connection, agency: str | None = None) -> list[Source]:
    """All sources by agency, list and name; of one agency if it is named."""
    query = _select() if agency is None else _select().where(agencies.c.name == agency)
    return [Source(*tuple(row)) for row in connection.execute(query)]


def prepare(connection: Connection, hotlist_id: int, at: datetime) -> int:
    """A source under no name yet, whose file nobody sees; its id."""
    statement = insert(hotlist_sources).values(
        hotlist_id=hotlist_id,
        name=f"{_UNNAMED}{uuid4().hex}",
        owner="",
        entries=0,
        rejected=0,
        size_bytes=0,
        imported_at=at,
        imported_by_name="",
    )
    made: int = connection.execute(statement.returning(hotlist_sources.c.id)).scalar_one()
    return made


def put(connection: Connection, hotlist_id: int, source_id: int, brought: Brought) -> int | None:
    """Put a prepared source, whose file is written, in the place of what it brought before.

    Returns:
        The id of what has no name any more and can be forgotten; None if there was nothing.
    """
    row = hotlist_sources.c
    replaced: int | None = connection.scalar(
        select(row.id).where(row.hotlist_id == hotlist_id, row.name == brought.name)
    )
    if replaced is not None:
        gone = update(hotlist_sources).where(row.id == replaced)
        connection.execute(gone.values(name=f"{_UNNAMED}{uuid4().hex}"))
    connection.execute(
        update(hotlist_sources)
        .where(row.id == source_id)
        .values(
            name=brought.name,
            owner=brought.owner,
            entries=brought.entries,
            rejected=brought.rejected,
            size_bytes=brought.size_bytes,
            imported_at=brought.at,
            imported_by_name=brought.by_name,
            ends_at=brought.ends_at,
        )
    )
    return replaced


def unnamed(connection: Connection, hotlist_id: int, before: datetime) -> list[int]:
    """The ids of a list's sources without a name that were made before that moment."""
    row = hotlist_sources.c
    query = select(row.id).where(
        row.hotlist_id == hotlist_id, row.name.startswith(_UNNAMED), row.imported_at < before
    )
    return list(connection.scalars(query))


def forget(engine: Engine, source_id: int) -> None:
    """Delete a source without a name in transactions of its own; nothing if it has one."""
    row = hotlist_sources.c
    nameless = (row.id == source_id) & row.name.startswith(_UNNAMED)
    with reading(engine) as connection:
        if connection.scalar(select(row.id).where(nameless)) is None:
            return
    files.of_source(source_id).remove_in_turns(engine)
    with engine.begin() as connection:
        connection.execute(delete(hotlist_sources).where(nameless))


def remove(connection: Connection, hotlist_id: int, name: str) -> None:
    """Take a source out of a list.

    Raises:
        HotlistError: if the list has none of that name.
    """
    row = hotlist_sources.c
    source_id = connection.scalar(
        select(row.id).where(row.hotlist_id == hotlist_id, row.name == name)
    )
    if source_id is None:
        raise HotlistError(f"source {name}: the list has none of that name")
    files.of_source(source_id).remove(connection)
    connection.execute(delete(hotlist_sources).where(row.id == source_id))


def _select() -> Select[Any]:
    row = hotlist_sources.c
    return (
        select(
            row.id,
            agencies.c.name,
            hotlists.c.name,
            row.name,
            row.owner,
            row.entries,
            row.rejected,
            row.size_bytes,
            row.imported_at,
            row.imported_by_name,
            row.ends_at,
        )
        .join(hotlists, hotlists.c.id == row.hotlist_id)
        .join(agencies, agencies.c.id == hotlists.c.agency_id)
        .where(~row.name.startswith(_UNNAMED))
        .order_by(agencies.c.name, hotlists.c.name, row.name)
    )

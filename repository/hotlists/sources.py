"""What each source of a list last brought, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from repository.hotlists import files, lines
from repository.hotlists.errors import HotlistError
from repository.hotlists.lines import Line
from repository.store.tables.fleet import agencies
from repository.store.tables.hotlists import hotlist_sources, hotlists


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
    lines: Iterable[bytes]
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


def put(connection: Connection, hotlist_id: int, brought: Brought) -> None:
    """Put what an import brings in the place of what the source brought before."""
    values = {
        "owner": brought.owner,
        "entries": brought.entries,
        "rejected": brought.rejected,
        "size_bytes": 0,
        "imported_at": brought.at,
        "imported_by_name": brought.by_name,
        "ends_at": brought.ends_at,
    }
    row = hotlist_sources.c
    source_id = connection.scalar(
        select(row.id).where(row.hotlist_id == hotlist_id, row.name == brought.name)
    )
    if source_id is None:
        source_id = connection.execute(
            insert(hotlist_sources)
            .values(hotlist_id=hotlist_id, name=brought.name, **values)
            .returning(row.id)
        ).scalar_one()
    file = files.of_source(source_id)
    file.remove(connection)
    values["size_bytes"] = file.write(connection, brought.lines)
    connection.execute(update(hotlist_sources).where(row.id == source_id).values(**values))


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
        .order_by(agencies.c.name, hotlists.c.name, row.name)
    )

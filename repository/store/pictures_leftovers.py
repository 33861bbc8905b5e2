"""What lies among the pictures and should not: files and keys that no read has a claim to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, exists, select

from repository.store.pictures import PictureStore, held_name, parse_name
from repository.store.tables.fleet import units
from repository.store.tables.reads import picture_keys, pictures
from repository.store.tables.retention import held_picture_keys

Kind: TypeAlias = Literal["file_without_key", "file_without_read", "key_without_read", "strange"]
_AT_ONCE = 500
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or key that should be gone.

    ``name`` is the file's name among the pictures, or that of the day or picture whose key it is;
    ``strange`` is a file that is no picture, such as one half written.
    """

    kind: Kind
    name: str


def find_leftovers(connection: Connection, store: PictureStore) -> Iterator[Leftover]:
    """Every file that no key opens or no read names, and every key of what no read names.

    The caller has the turn RETENTION, or takes what ingest is about to commit for a leftover.

    Raises:
        PictureError: if the place cannot be looked through.
    """
    days = set(connection.scalars(select(picture_keys.c.day)))
    for chunk in _chunks(store.place.names()):
        parsed = {each: parse_name(each) for each in chunk}
        found = [picture for picture in parsed.values() if picture is not None]
        named = _named_by_reads(connection, {picture[:2] for picture in found})
        with_own_key = _with_own_key(connection, {(day, sha) for day, sha, held in found if held})
        for file, picture in parsed.items():
            if picture is None:
                yield Leftover("strange", file)
            elif picture[:2] not in named:
                yield Leftover("file_without_read", file)
            elif not (picture[:2] in with_own_key if picture[2] else picture[0] in days):
                yield Leftover("file_without_key", file)
    for day in sorted(days):
        if not connection.scalar(select(exists().where(pictures_of(day)))):
            yield Leftover("key_without_read", day.isoformat())
    own = select(held_picture_keys.c.day, held_picture_keys.c.sha256).order_by(
        held_picture_keys.c.day, held_picture_keys.c.sha256
    )
    for keys in _chunks((row.day, row.sha256) for row in connection.execute(own).all()):
        named = _named_by_reads(connection, set(keys))
        for day, sha256 in keys:
            if (day, sha256) not in named:
                yield Leftover("key_without_read", held_name(day, sha256))


def pictures_of(day: date) -> ColumnElement[bool]:
    """Which rows of ``pictures`` are of a UTC day."""
    start = datetime.combine(day, time(), UTC)
    # The primary key begins with the unit: naming the units lets the database walk the key.
    return (
        pictures.c.unit_id.in_(select(units.c.id))
        & (pictures.c.captured_at >= start)
        & (pictures.c.captured_at < start + timedelta(days=1))
    )


def _named_by_reads(connection: Connection, of: set[tuple[date, str]]) -> set[tuple[date, str]]:
    found: set[tuple[date, str]] = set()
    for day in {day for day, _ in of}:
        digests = [sha256 for each, sha256 in of if each == day]
        query = select(pictures.c.sha256).where(pictures_of(day), pictures.c.sha256.in_(digests))
        found.update((day, sha256) for sha256 in connection.scalars(query))
    return found


def _with_own_key(connection: Connection, of: set[tuple[date, str]]) -> set[tuple[date, str]]:
    columns = held_picture_keys.c
    digests = [sha256 for _, sha256 in of]
    query = select(columns.day, columns.sha256).where(columns.sha256.in_(digests))
    return {(day, sha256) for day, sha256 in connection.execute(query)}


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    left = iter(items)
    while chunk := list(islice(left, _AT_ONCE)):
        yield chunk

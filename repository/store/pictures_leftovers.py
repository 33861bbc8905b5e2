"""What lies among the pictures and should not: files and keys that no read has a claim to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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


def find_leftovers(
    connection: Connection, store: PictureStore, day: date | None = None
) -> Iterator[Leftover]:
    """Every file that no key opens or no read names, and every key of what no read names.

    ``day`` leaves out all other days, and what is of no day. The caller has the turn RETENTION, or
    takes what ingest is about to commit for a leftover.

    Raises:
        PictureError: if the place cannot be looked through.
    """
    yield from _files(connection, _names(store, day))
    yield from _keys(connection, day)


def still_left(
    connection: Connection, store: PictureStore, found: Sequence[Leftover]
) -> list[Leftover]:
    """Those of what :func:`find_leftovers` found without the turn that are there with it."""
    folders = {each.name.rpartition("/")[0] for each in found if each.kind != "key_without_read"}
    names = {name for folder in folders for name in store.place.names(folder)}
    again = set(_files(connection, sorted(names & {each.name for each in found})))
    keys = set(_keys(connection, None)) if len(again) < len(found) else set()
    return [each for each in found if each in again or each in keys]


def pictures_of(day: date) -> ColumnElement[bool]:
    """Which rows of ``pictures`` are of a UTC day."""
    start = datetime.combine(day, time(), UTC)
    # The primary key begins with the unit: naming the units lets the database walk the key.
    return (
        pictures.c.unit_id.in_(select(units.c.id))
        & (pictures.c.captured_at >= start)
        & (pictures.c.captured_at < start + timedelta(days=1))
    )


def _names(store: PictureStore, day: date | None) -> Iterator[str]:
    if day is None:
        yield from store.place.names()
        return
    yield from store.place.names(day.isoformat())
    yield from store.place.names(f"held/{day.isoformat()}")


def _files(connection: Connection, names: Iterable[str]) -> Iterator[Leftover]:
    days = set(connection.scalars(select(picture_keys.c.day)))
    for chunk in _chunks(names):
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


def _keys(connection: Connection, day: date | None) -> Iterator[Leftover]:
    columns = held_picture_keys.c
    days = select(picture_keys.c.day).order_by(picture_keys.c.day)
    own = select(columns.day, columns.sha256).order_by(columns.day, columns.sha256)
    if day is not None:
        days, own = days.where(picture_keys.c.day == day), own.where(columns.day == day)
    for each in connection.scalars(days).all():
        if not connection.scalar(select(exists().where(pictures_of(each)))):
            yield Leftover("key_without_read", each.isoformat())
    for keys in _chunks((row.day, row.sha256) for row in connection.execute(own).all()):
        named = _named_by_reads(connection, set(keys))
        for key in keys:
            if key not in named:
                yield Leftover("key_without_read", held_name(*key))


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

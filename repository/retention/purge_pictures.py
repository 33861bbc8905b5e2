"""Pictures of a purge: the keys of days destroyed, held pictures spared, files removed after."""

from __future__ import annotations

from datetime import date
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, Select, delete, exists, select

from repository.retention.holds import is_held
from repository.store import locks
from repository.store.locks import Turn
from repository.store.partitions import of_day
from repository.store.pictures import PictureError, PictureMissingError, PictureStore
from repository.store.rows import insert_new
from repository.store.tables.reads import picture_keys, pictures
from repository.store.tables.retention import doomed_pictures, held_picture_keys

_AT_ONCE = 500
_WRAPPED_AT_ONCE = 50
_log = structlog.get_logger("purge")


def wrap_held(engine: Engine, store: PictureStore, day: date) -> None:
    """Put the held pictures of a day under keys of their own, some in each transaction.

    So the transaction that purges finds it done, and nothing else waits for it. A picture that
    cannot be wrapped is left to that transaction.
    """
    done = ""
    while True:
        with engine.begin() as connection:
            locks.take(connection, Turn.RETENTION)
            query = _held_digests(day).where(
                pictures.c.sha256 > done,
                ~exists().where(
                    held_picture_keys.c.day == day,
                    held_picture_keys.c.sha256 == pictures.c.sha256,
                ),
            )
            chunk = connection.scalars(query.limit(_WRAPPED_AT_ONCE)).all()
            for sha256 in chunk:
                _keep(connection, store, day, sha256)
        if len(chunk) < _WRAPPED_AT_ONCE:
            return
        done = chunk[-1]


def doom(connection: Connection, day: date, which: ColumnElement[bool]) -> None:
    """Name the files of these rows of ``pictures``, about to go, as to be removed."""
    digests = connection.scalars(
        select(pictures.c.sha256).distinct().where(of_day(pictures, day), which)
    ).all()
    insert_new(
        connection, doomed_pictures, [{"day": day, "sha256": each} for each in sorted(digests)]
    )


def keep_held(connection: Connection, store: PictureStore, day: date) -> bool:
    """Put the held pictures of a day under keys of their own; whether the day's key may go.

    A held picture that cannot be opened or written now keeps the key; one whose file is lost does
    not.
    """
    held = connection.scalars(_held_digests(day)).all()
    return all(_keep(connection, store, day, sha256) for sha256 in held)


def destroy_key(connection: Connection, day: date) -> None:
    """Destroy a day's key: nothing that is under it can be opened again, in whatever copy."""
    connection.execute(delete(picture_keys).where(picture_keys.c.day == day))


def retire_key(connection: Connection, store: PictureStore, day: date) -> None:
    """Destroy a day's key if none but held pictures are under it, and they have their own."""
    unheld = exists().where(of_day(pictures, day), ~is_held(pictures))
    if not connection.scalar(select(unheld)) and keep_held(connection, store, day):
        destroy_key(connection, day)


def drop_released(connection: Connection, store: PictureStore, day: date) -> None:
    """Destroy the own keys of pictures of that day that no row names any more."""
    named = exists().where(of_day(pictures, day), pictures.c.sha256 == held_picture_keys.c.sha256)
    query = select(held_picture_keys.c.sha256).where(held_picture_keys.c.day == day, ~named)
    for sha256 in connection.scalars(query).all():
        insert_new(connection, doomed_pictures, [{"day": day, "sha256": sha256}])
        store.drop_held(connection, day, sha256)


def retire_keys(engine: Engine, store: PictureStore, before: date) -> None:
    """Destroy the keys of days before this one that only held pictures are under.

    Such a key was made for a held picture that came after its day was purged, or could not be
    destroyed then.
    """
    with engine.begin() as connection:
        days = connection.scalars(select(picture_keys.c.day).where(picture_keys.c.day < before))
        found = sorted(days.all())
    for day in found:
        with engine.begin() as connection:
            locks.take(connection, Turn.RETENTION)
            retire_key(connection, store, day)


def remove_files(engine: Engine, store: PictureStore) -> None:
    """Remove the files of purged pictures, and whatever lies under a day whose key is gone.

    Raises:
        PictureError: if the disk refused; what is left is removed by the next call.
    """
    while True:
        with engine.begin() as connection:
            locks.take(connection, Turn.RETENTION)
            doomed = connection.execute(select(doomed_pictures).limit(_AT_ONCE)).all()
            for day, sha256 in doomed:
                # A read that is held, or that came since, may name the same picture.
                named = exists().where(of_day(pictures, day), pictures.c.sha256 == sha256)
                if not connection.scalar(select(named)):
                    store.remove(day, sha256)
                connection.execute(
                    delete(doomed_pictures).where(
                        doomed_pictures.c.day == day, doomed_pictures.c.sha256 == sha256
                    )
                )
        if len(doomed) < _AT_ONCE:
            break
    for day in store.days():
        with engine.begin() as connection:
            # Ingest makes a key as it writes a file, sharing the turn: no key, nothing to open.
            locks.take(connection, Turn.RETENTION)
            key = exists().where(picture_keys.c.day == day)
            if not connection.scalar(select(key)):
                store.remove_day(day)


def _held_digests(day: date) -> Select[Any]:
    return (
        select(pictures.c.sha256)
        .distinct()
        .where(of_day(pictures, day), pictures.c.stored_at.is_not(None), is_held(pictures))
        .order_by(pictures.c.sha256)
    )


def _keep(connection: Connection, store: PictureStore, day: date, sha256: str) -> bool:
    """Whether nothing is lost of a held picture when its day's key goes."""
    try:
        store.keep_held(connection, day, sha256)
    except PictureMissingError as error:
        _log.error("a held picture is lost", why=str(error))
    except PictureError as error:
        _log.error("a held picture cannot be put under a key of its own", why=str(error))
        return False
    return True

"""A picture's way to the disk, and what the database says of it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from repository.ingest.verdicts import Refused, UnitState
from repository.ingest.verify import require_enrolled
from repository.store.pictures import PictureKeyError, PictureStore
from repository.store.tables.reads import pictures


def keep(
    connection: Connection,
    store: PictureStore,
    unit: UnitState | None,
    sha256: str,
    body: bytes,
    now: datetime,
) -> None:
    """Put a picture where the unit's reads that name it were captured.

    Raises:
        Refused: if the unit may not send, no read of it names the picture, or the key of the day
            does not open.
        PictureError: if the disk did not take it.
    """
    unit = require_enrolled(unit)
    moments = connection.scalars(
        select(pictures.c.captured_at).where(
            pictures.c.unit_id == unit.unit_id, pictures.c.sha256 == sha256
        )
    ).all()
    if not moments:
        raise Refused("unknown_picture", "picture: no stored read of this unit names it")
    try:
        for day in sorted({moment.astimezone(UTC).date() for moment in moments}):
            store.put(connection, day, sha256, body, now)
    except PictureKeyError as error:
        raise Refused("malformed", "the repository cannot open the key of its day") from error
    connection.execute(
        update(pictures)
        .where(
            pictures.c.unit_id == unit.unit_id,
            pictures.c.captured_at.between(min(moments), max(moments)),
            pictures.c.sha256 == sha256,
            pictures.c.stored_at.is_(None),
        )
        .values(stored_at=now)
    )

"""Signed acknowledgements in the database. Runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, insert, select

from repository.accounts.acknowledgement import Words
from repository.store.rows import insert_new
from repository.store.tables.signing_in import acknowledgement_words, acknowledgements


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature, and the words that it stands under."""

    name: str
    signed_at: datetime
    origin: str
    sha256: str
    words: str


def sign(
    connection: Connection, user_id: UUID, words: Words, name: str, origin: str, now: datetime
) -> None:
    """Keep the signature, and the words if nobody signed them before."""
    row = {
        "sha256": words.sha256,
        "source": words.source,
        "words": words.words,
        "terms": words.terms,
        "first_signed_at": now,
    }
    insert_new(connection, acknowledgement_words, [row])
    connection.execute(
        insert(acknowledgements).values(
            user_id=user_id, sha256=words.sha256, name=name, signed_at=now, origin=origin
        )
    )


def is_signed(
    user_id: ColumnElement[UUID], sha256: ColumnElement[str], after: ColumnElement[datetime]
) -> ColumnElement[bool]:
    """Whether the person has signed these very words, and not too long ago."""
    return exists().where(
        acknowledgements.c.user_id == user_id,
        acknowledgements.c.sha256 == sha256,
        acknowledgements.c.signed_at > after,
    )


def of_user(connection: Connection, user_id: UUID) -> Sequence[Signed]:
    """Everything that the person ever signed, the newest first."""
    query = (
        select(
            acknowledgements.c.name,
            acknowledgements.c.signed_at,
            acknowledgements.c.origin,
            acknowledgements.c.sha256,
            acknowledgement_words.c.words,
        )
        .join(acknowledgement_words, acknowledgement_words.c.sha256 == acknowledgements.c.sha256)
        .where(acknowledgements.c.user_id == user_id)
        .order_by(acknowledgements.c.id.desc())
    )
    return [Signed(*row) for row in connection.execute(query)]

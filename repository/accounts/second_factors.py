"""Second factors in the database: what a person has, and what fits. In the caller's transaction.

Matching changes nothing that a failed sign-in could use up, but that a challenge which a passkey
answered rightly is good once whatever comes of it; what matched is used up by `use`, once all else
of the sign-in is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from repository.accounts import challenges, passkeys, recovery, totp
from repository.accounts.challenges import Purpose
from repository.accounts.errors import AccountError
from repository.accounts.passkeys import Party
from repository.store.sealing import SealError, open_sealed, seal
from repository.store.tables import signing_in as tables

Kind: TypeAlias = Literal["totp", "recovery code", "passkey"]


@dataclass(frozen=True, slots=True)
class Offered:
    """What comes with a password: a code, or a passkey's answer (the browser's JSON).

    ``alone`` says that the passkey comes in the password's place, to unlock a session; it must have
    made sure itself that it is its person who uses it.
    """

    code: str = ""
    passkey: str = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """What fitted, and what to keep of it when it is used."""

    kind: Kind
    row_id: int = 0
    number: int = 0
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Factor:
    """One second factor of a person."""

    kind: Literal["totp", "passkey"]
    id: int
    name: str
    made_at: datetime


def enrolled(connection: Connection, user_id: UUID) -> bool:
    """Whether the person has a second factor that works."""
    return bool(connection.scalar(select(is_enrolled(literal(user_id)))))


def is_enrolled(user_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """The same, to be asked with other things."""
    app = exists().where(
        tables.totp_secrets.c.user_id == user_id, tables.totp_secrets.c.confirmed_at.is_not(None)
    )
    return or_(app, exists().where(tables.passkeys.c.user_id == user_id))


def of_user(connection: Connection, user_id: UUID) -> Sequence[Factor]:
    """The person's second factors."""
    app = tables.totp_secrets
    found = [
        Factor("totp", row.id, "authenticator app", row.made_at)
        for row in connection.execute(
            select(app.c.id, app.c.made_at).where(
                app.c.user_id == user_id, app.c.confirmed_at.is_not(None)
            )
        )
    ]
    table = tables.passkeys
    query = select(table.c.id, table.c.name, table.c.made_at).where(table.c.user_id == user_id)
    found += [
        Factor("passkey", row.id, row.name, row.made_at)
        for row in connection.execute(query.order_by(table.c.id))
    ]
    return found


def recovery_codes_left(connection: Connection, user_id: UUID) -> int:
    """How many recovery codes the person has not used."""
    table = tables.recovery_codes
    query = select(func.count()).where(table.c.user_id == user_id)
    return connection.scalar(query) or 0


def match(
    connection: Connection,
    user_id: UUID,
    offered: Offered,
    key: Callable[[], bytes],
    party: Party,
    now: datetime,
) -> Matched | None:
    """Which of the person's second factors fits what was offered."""
    if offered.passkey or offered.alone:
        return _match_passkey(connection, user_id, offered, key, party, now)
    typed = "".join(offered.code.split())
    if not totp.is_code(typed):
        return _match_recovery(connection, user_id, typed)
    table = tables.totp_secrets
    row = connection.execute(
        select(table).where(table.c.user_id == user_id, table.c.confirmed_at.is_not(None))
    ).one_or_none()
    if row is None:
        return None
    step = totp.match(_open(key(), row.sealed, user_id), typed, now, row.last_step)
    return None if step is None else Matched("totp", row.id, number=step)


def use(connection: Connection, user_id: UUID, matched: Matched) -> None:
    """Use up what matched, the user's row being locked since."""
    if matched.kind == "totp":
        secrets = tables.totp_secrets
        connection.execute(
            update(secrets).where(secrets.c.id == matched.row_id).values(last_step=matched.number)
        )
    elif matched.kind == "passkey":
        keys = tables.passkeys
        connection.execute(
            update(keys).where(keys.c.id == matched.row_id).values(sign_count=matched.number)
        )
    else:
        codes = tables.recovery_codes
        connection.execute(
            delete(codes).where(codes.c.user_id == user_id, codes.c.digest == matched.digest)
        )


def put_secret(
    connection: Connection,
    user_id: UUID,
    secret: bytes,
    key: bytes,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> None:
    """Keep an app's new secret until its first code confirms it; one that waited is forgotten."""
    table = tables.totp_secrets
    connection.execute(
        delete(table).where(table.c.user_id == user_id, table.c.confirmed_at.is_(None))
    )
    sealed = seal(key, secret, _label(user_id), random_bytes)
    connection.execute(
        insert(table).values(user_id=user_id, sealed=sealed, made_at=now, last_step=0)
    )


def confirm_secret(
    connection: Connection, user_id: UUID, code: str, key: bytes, now: datetime
) -> bool:
    """Put the new secret in the place of the old one, if the code is its own."""
    table = tables.totp_secrets
    row = connection.execute(
        select(table).where(table.c.user_id == user_id, table.c.confirmed_at.is_(None))
    ).one_or_none()
    typed = "".join(code.split())
    if row is None or not totp.is_code(typed):
        return False
    step = totp.match(_open(key, row.sealed, user_id), typed, now, row.last_step)
    if step is None:
        return False
    connection.execute(delete(table).where(table.c.user_id == user_id, table.c.id != row.id))
    connection.execute(
        update(table).where(table.c.id == row.id).values(confirmed_at=now, last_step=step)
    )
    return True


def put_recovery_codes(connection: Connection, user_id: UUID, codes: Sequence[str]) -> None:
    """Replace the person's recovery codes."""
    table = tables.recovery_codes
    connection.execute(delete(table).where(table.c.user_id == user_id))
    rows = [{"user_id": user_id, "digest": recovery.digest(each)} for each in codes]
    connection.execute(insert(table), rows)


def add_passkey(
    connection: Connection, user_id: UUID, made: passkeys.Made, name: str, now: datetime
) -> None:
    """Keep a new passkey.

    Raises:
        AccountError: if it is kept already.
    """
    table = tables.passkeys
    known = select(table.c.id).where(table.c.credential_id == made.credential_id)
    if connection.scalar(known) is not None:
        raise AccountError("passkey: it is set up already")
    connection.execute(
        insert(table).values(
            user_id=user_id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            made_at=now,
        )
    )


def credential_ids(connection: Connection, user_id: UUID) -> Sequence[bytes]:
    """The ids of the person's passkeys."""
    table = tables.passkeys
    return connection.scalars(select(table.c.credential_id).where(table.c.user_id == user_id)).all()


def remove_passkey(connection: Connection, user_id: UUID, passkey_id: int) -> bool:
    """Forget one of the person's passkeys; false if they have none of that id."""
    table = tables.passkeys
    done = connection.execute(
        delete(table).where(table.c.user_id == user_id, table.c.id == passkey_id)
    )
    return done.rowcount == 1


def remove_all(connection: Connection, user_id: UUID) -> int:
    """Forget every second factor and recovery code of a person; how many factors there were."""
    count = len(of_user(connection, user_id))
    for table in (tables.totp_secrets, tables.passkeys, tables.recovery_codes):
        connection.execute(delete(table).where(table.c.user_id == user_id))
    return count


def _match_recovery(connection: Connection, user_id: UUID, typed: str) -> Matched | None:
    table = tables.recovery_codes
    digest = recovery.digest(typed)
    # Looked up by its digest, so that the time this takes says nothing about it.
    found = connection.scalar(
        select(table.c.digest).where(table.c.user_id == user_id, table.c.digest == digest)
    )
    return None if found is None else Matched("recovery code", digest=digest)


def _match_passkey(
    connection: Connection,
    user_id: UUID,
    offered: Offered,
    key: Callable[[], bytes],
    party: Party,
    now: datetime,
) -> Matched | None:
    read = passkeys.read_answer(offered.passkey)
    purpose, whose = (Purpose.UNLOCK, user_id) if offered.alone else (Purpose.SIGN_IN, None)
    if read is None or not challenges.is_good(key(), read.challenge, purpose, whose, now):
        return None
    table = tables.passkeys
    row = connection.execute(
        select(table).where(table.c.credential_id == read.credential_id, table.c.user_id == user_id)
    ).one_or_none()
    if row is None:
        return None
    count = passkeys.verify_answer(
        offered.passkey,
        read.challenge,
        party,
        row.public_key,
        row.sign_count,
        sure_of_person=offered.alone,
    )
    if count is None or not challenges.spend(connection, read.challenge, user_id, now):
        return None
    return Matched("passkey", row.id, number=count)


def _open(key: bytes, sealed: bytes, user_id: UUID) -> bytes:
    try:
        return open_sealed(key, sealed, _label(user_id))
    except SealError as error:
        raise AccountError(
            "a second factor does not open under the key of second factors: bring the right "
            "factors.key back from your backup, or reset the person's second factor"
        ) from error


def _label(user_id: UUID) -> bytes:
    return b"plateward/totp/" + user_id.bytes

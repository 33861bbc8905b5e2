"""Whom an agency's provider means by a login: the first to come in by it, until it is granted anew.

Many providers let people change the name that is their login here, but never the claim ``sub``.
Nobody comes in by another's login so, nor by a second one; where the settings name another
provider, or another client at it, what was known of the one before says nothing.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, exists, select

from repository.accounts.oidc_settings import OidcSettings
from repository.accounts.sessions import digest
from repository.store import locks
from repository.store.locks import Turn
from repository.store.rows import put
from repository.store.tables.accounts import users
from repository.store.tables.people import login_requests
from repository.store.tables.sessions import oidc_subjects


def is_theirs(
    connection: Connection, user_id: UUID, chosen: OidcSettings, subject: str, now: datetime
) -> bool:
    """Whether the account, whose row is locked, is that person's; nobody's becomes theirs."""
    table = oidc_subjects
    whose = {
        "provider_digest": digest(f"{chosen.issuer}\n{chosen.client_id}"),
        "subject_digest": digest(subject),
    }
    granted_anew = exists().where(
        login_requests.c.user_id == table.c.user_id, login_requests.c.decided_at > table.c.bound_at
    )
    counting = select(table.c.user_id, table.c.subject_digest).where(
        table.c.provider_digest == whose["provider_digest"], ~granted_anew
    )
    bound = connection.execute(counting.where(table.c.user_id == user_id)).one_or_none()
    if bound is not None:
        return bool(bound.subject_digest == whose["subject_digest"])
    # Who comes in by two logins at once would find neither of them bound.
    locks.take(connection, Turn.SUBJECTS)
    elsewhere = counting.join(users, users.c.id == table.c.user_id).where(
        table.c.subject_digest == whose["subject_digest"], users.c.disabled_at.is_(None)
    )
    if connection.execute(elsewhere).first() is not None:
        return False
    put(connection, table, {"user_id": user_id, "bound_at": now} | whose)
    return True

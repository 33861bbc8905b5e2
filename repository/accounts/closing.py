"""Closing an account: everything that its person could still come in by ends with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, exists, or_, select, update

from repository.accounts import sessions, users
from repository.accounts.roles import Role
from repository.search import approvals_end
from repository.store.tables.accounts import users as table
from repository.store.tables.people import login_requests
from repository.store.tables.sessions import api_tokens

LEFT = "left the agency"
UNUSED = "not used"
NOT_CONFIRMED = "not confirmed in the review of the list"


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended with an account: how many sessions, which services' tokens and proposals.

    ``unadministered`` is the agency's name where no open account there is an ALPR administrator's
    any more, and the closed one was.
    """

    sessions: int
    tokens: tuple[str, ...]
    proposals: tuple[int, ...]
    unadministered: str | None


def close(connection: Connection, user_id: UUID, why: str, now: datetime) -> Ended:
    """Close the account of a user whose row is locked, in one transaction with all else of theirs.

    Sessions end, tokens of services for which the person answers are revoked, proposals that wait
    are denied, and what was approved can no longer be run.
    """
    users.close(connection, user_id, why, now)
    held = sessions.end_all(connection, user_id)
    revoked = connection.execute(
        update(api_tokens)
        .where(api_tokens.c.user_id == user_id, api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(api_tokens.c.name, api_tokens.c.expires_at)
    ).all()
    proposals = approvals_end.end_of_person(connection, user_id, why, now)
    return Ended(
        held,
        tuple(sorted(each.name for each in revoked if each.expires_at > now)),
        tuple(proposals),
        _unadministered(connection, user_id),
    )


def unused(connection: Connection, before: datetime) -> list[UUID]:
    """Open accounts that nobody came in by since then, in order of their ids.

    Neither one that was made or granted anew since, nor one that is closed, is among them.
    """
    granted = exists().where(
        login_requests.c.user_id == table.c.id, login_requests.c.decided_at >= before
    )
    query = (
        select(table.c.id)
        .where(
            table.c.disabled_at.is_(None),
            table.c.created_at < before,
            or_(table.c.last_used_at.is_(None), table.c.last_used_at < before),
            ~granted,
        )
        .order_by(table.c.id)
    )
    return list(connection.scalars(query))


def _unadministered(connection: Connection, closed: UUID) -> str | None:
    account = users.lock(connection, closed)
    if account is None or Role.ALPR_ADMINISTRATOR not in account.user.roles:
        return None
    agency = account.user.agency
    for each in users.everyone(connection, account.user.agency_id):
        if each.disabled_at is None and Role.ALPR_ADMINISTRATOR in each.user.roles:
            return None
    return agency

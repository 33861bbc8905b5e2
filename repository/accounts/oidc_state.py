"""Sign-ins that an agency's own provider was asked for, until they come back. Each is used once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from repository.accounts.errors import AccountError
from repository.accounts.oidc import Challenge
from repository.accounts.sessions import digest
from repository.store.tables.sessions import oidc_sign_ins

GOOD_FOR = timedelta(minutes=10)
MAX_WAITING = 10_000
"""That wait at the same time; beyond it somebody is flooding, and nobody gets one for minutes."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sign-in that came back, and whether to the browser that began it."""

    agency: str
    nonce: str
    verifier: str
    same_browser: bool


def begin(connection: Connection, agency: str, challenge: Challenge, now: datetime) -> str:
    """Keep a sign-in; what its browser must show when it comes back.

    Raises:
        AccountError: if too many wait.
    """
    connection.execute(delete(oidc_sign_ins).where(oidc_sign_ins.c.created_at <= now - GOOD_FOR))
    if (connection.scalar(select(func.count()).select_from(oidc_sign_ins)) or 0) >= MAX_WAITING:
        raise AccountError("too many sign-ins wait at providers: try again in ten minutes")
    browser = secrets.token_urlsafe(32)
    connection.execute(
        insert(oidc_sign_ins).values(
            state_digest=digest(challenge.state),
            browser_digest=digest(browser),
            agency=agency,
            nonce=challenge.nonce,
            verifier=challenge.verifier,
            created_at=now,
        )
    )
    return browser


def take(connection: Connection, state: str, browser: str, now: datetime) -> Waiting | None:
    """The sign-in of that state, which is forgotten; None if none waits."""
    row = connection.execute(
        select(oidc_sign_ins)
        .where(
            oidc_sign_ins.c.state_digest == digest(state),
            oidc_sign_ins.c.created_at > now - GOOD_FOR,
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    connection.execute(
        delete(oidc_sign_ins).where(oidc_sign_ins.c.state_digest == row.state_digest)
    )
    same = secrets.compare_digest(row.browser_digest, digest(browser))
    return Waiting(row.agency, row.nonce, row.verifier, same)

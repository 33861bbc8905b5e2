"""Closing accounts that nobody uses (C-3b): a person who came in no more has perhaps left."""

from __future__ import annotations

from datetime import timedelta

from repository.accounts import closing, users
from repository.accounts.administration import subject
from repository.accounts.service import Accounts
from repository.ledger import log
from repository.ledger.entry import SYSTEM, Entry


def close_unused(accounts: Accounts) -> list[str]:
    """Close every account that was not used for the set time; gives the logins.

    Each is a transaction of its own, and an entry of the ledger.
    """
    now = accounts.now()
    before = now - timedelta(days=accounts.settings.disuse_days)
    with accounts.engine.begin() as connection:
        found = closing.unused(connection, before)
    closed = []
    for user_id in found:
        with accounts.engine.begin() as connection:
            account = users.lock(connection, user_id)
            # Somebody may have come in, or closed it, since it was found.
            if account is None or user_id not in closing.unused(connection, before):
                continue
            closing.close(connection, user_id, closing.UNUSED, now)
            request = {**subject(account.user), "days": accounts.settings.disuse_days}
            entry = Entry("accounts.close", SYSTEM, now, "repository", request)
            log.append(connection, entry)
            closed.append(account.user.login)
    return closed

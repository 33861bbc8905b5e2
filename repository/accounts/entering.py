"""How every use case of a signed-in person begins."""

from __future__ import annotations

from sqlalchemy import Connection

from repository.accounts import users
from repository.accounts.errors import NotAllowedError, SessionEndedError
from repository.accounts.roles import REPOSITORY_WIDE, Power, require
from repository.accounts.user import User


def enter(connection: Connection, user: User, *powers: Power) -> User:
    """Lock the user's account for the transaction, and let them go on if they may do one of these.

    Gives the user as they are now: roles that were taken meanwhile no longer count.

    Raises:
        SessionEndedError: if the account was closed meanwhile.
        NotAllowedError: if none of their roles gives any of the powers.
    """
    account = users.lock(connection, user.id)
    if account is None or not account.open:
        raise SessionEndedError
    require(account.user, *powers)
    return account.user


def require_own_agency(user: User, agency: str) -> None:
    """Let a person act for their own agency, and one whose role reaches all for any.

    Raises:
        NotAllowedError: if it is another's.
    """
    if user.agency != agency and REPOSITORY_WIDE.isdisjoint(user.roles):
        raise NotAllowedError(f"agency {agency!r}: you act for {user.agency} alone")
